namespace Vitrine;

public static partial class TensorOps
{
    /// <summary>
    /// Sums of products by Einstein's convention, as NumPy and PyTorch write them: <c>bhqd,bhkd->bhqk</c>. A letter that is not in the result is summed over, a
    /// letter that a term repeats takes the diagonal, <c>...</c> stands for axes that broadcast; without an arrow the letters that occur once, in alphabetical
    /// order, are the result.
    /// </summary>
    /// <param name="equation">One term of letters a tensor, then <c>-></c> and the letters of the result.</param>
    /// <param name="tensors">The tensors, in the order of the terms; multiplied from the left.</param>
    /// <exception cref="ArgumentException">The equation does not fit the tensors.</exception>
    public static Tensor Einsum(string equation, params ReadOnlySpan<Tensor> tensors)
    {
        string[] sides = equation.Replace(" ", "").Split("->");
        string[] terms = sides[0].Split(',');
        if (sides.Length > 2 || terms.Length != tensors.Length)
        {
            throw new ArgumentException($"Einsum: {equation} is not an equation of {tensors.Length} tensors.");
        }
        var factors = new List<(string Letters, Tensor Tensor)>();
        int dots = 0;
        for (int i = 0; i < terms.Length; i++)
        {
            string letters = Spelled(terms[i], tensors[i].Shape, equation, out int own);
            dots = Math.Max(dots, own);
            factors.Add(Diagonal(letters, tensors[i], equation));
        }
        string all = string.Concat(factors.Select(f => f.Letters));
        string ellipsis = Dots(dots);
        string result = sides.Length == 2
            ? sides[1].Replace("...", ellipsis)
            : ellipsis + string.Concat(sides[0].Where(char.IsLetter).GroupBy(c => c).Where(g => g.Count() == 1).Select(g => g.Key).Order());
        foreach (char c in result)
        {
            if (!all.Contains(c) || result.IndexOf(c) != result.LastIndexOf(c))
            {
                throw new ArgumentException($"Einsum: {equation} asks for {c} in its result, which is not there or is there twice.");
            }
        }
        (string Letters, Tensor Tensor) product = factors[0];
        for (int i = 1; i < factors.Count; i++)
        {
            string later = result + string.Concat(factors.Skip(i + 1).Select(f => f.Letters));
            product = Multiply(product, factors[i], later, equation);
        }
        product = SumOut(product, result);
        return product.Letters == result ? product.Tensor : product.Tensor.Permute([.. result.Select(c => product.Letters.IndexOf(c))]);
    }

    /// <summary>Characters that stand for the axes of an ellipsis, aligned at the last.</summary>
    private static string Dots(int count) => string.Concat(Enumerable.Range(0, count).Select(i => (char)('\uE000' + count - 1 - i)));

    private static string Spelled(string term, Shape shape, string equation, out int dots)
    {
        int named = term.Count(char.IsLetter);
        bool open = term.Contains("...");
        dots = open ? shape.Rank - named : 0;
        if (dots < 0 || named + dots != shape.Rank || term.Length != named + (open ? 3 : 0))
        {
            throw new ArgumentException($"Einsum: the term {term} of {equation} does not fit shape {shape}.");
        }
        return term.Replace("...", Dots(dots));
    }

    /// <summary>Makes repeated letters one, by taking the elements where their indices agree.</summary>
    private static (string Letters, Tensor Tensor) Diagonal(string letters, Tensor x, string equation)
    {
        for (int a = 0; a < letters.Length; a++)
        {
            int b = letters.IndexOf(letters[a], a + 1);
            if (b < 0) continue;
            int n = x.Shape[a];
            if (x.Shape[b] != n) throw new ArgumentException($"Einsum: {letters[a]} of {equation} is both {n} and {x.Shape[b]}.");
            // With both axes at the end and joined, the diagonal is every (n + 1)-th position.
            int[] order = [.. Enumerable.Range(0, x.Rank).Where(i => i != a && i != b), a, b];
            Tensor last = x.Permute(order);
            long[] places = [.. Enumerable.Range(0, n).Select(i => (long)i * (n + 1))];
            x = last.Reshape(Shape.Create([.. last.Shape.Dims[..^2], n * n])).IndexSelect(x.Rank - 2, Tensor.From(places, [n]));
            char letter = letters[a];
            letters = letters.Remove(b, 1).Remove(a, 1) + letter;
            a = -1;
        }
        return (letters, x);
    }

    private static (string Letters, Tensor Tensor) SumOut((string Letters, Tensor Tensor) x, string keep)
    {
        int[] axes = [.. Enumerable.Range(0, x.Letters.Length).Where(i => !keep.Contains(x.Letters[i]))];
        return axes.Length == 0 ? x : (string.Concat(x.Letters.Where(keep.Contains)), x.Tensor.Sum(axes));
    }

    /// <summary>The product of two factors, summed over what is not needed later: one batched matrix product.</summary>
    private static (string Letters, Tensor Tensor) Multiply((string Letters, Tensor Tensor) a, (string Letters, Tensor Tensor) b, string later, string equation)
    {
        a = SumOut(a, later + b.Letters);
        b = SumOut(b, later + a.Letters);
        string shared = string.Concat(a.Letters.Where(b.Letters.Contains));
        string batch = string.Concat(shared.Where(later.Contains)), summed = string.Concat(shared.Where(c => !later.Contains(c)));
        string rows = string.Concat(a.Letters.Where(c => !shared.Contains(c))), columns = string.Concat(b.Letters.Where(c => !shared.Contains(c)));
        foreach (char c in shared)
        {
            int x = Extent(a, c), y = Extent(b, c);
            if (x != y && x != 1 && y != 1) throw new ArgumentException($"Einsum: {c} of {equation} is both {x} and {y}.");
        }
        int[] batches = [.. batch.Select(c => Math.Max(Extent(a, c), Extent(b, c)))], sums = [.. summed.Select(c => Math.Max(Extent(a, c), Extent(b, c)))];
        int[] ms = [.. rows.Select(c => Extent(a, c))], ns = [.. columns.Select(c => Extent(b, c))];
        // An extent of zero that meets one stays zero.
        for (int i = 0; i < batch.Length; i++) batches[i] = Extent(a, batch[i]) == 0 || Extent(b, batch[i]) == 0 ? 0 : batches[i];
        for (int i = 0; i < summed.Length; i++) sums[i] = Extent(a, summed[i]) == 0 || Extent(b, summed[i]) == 0 ? 0 : sums[i];
        Tensor left = Ordered(a, batch + rows + summed, [.. batches, .. ms, .. sums]).Reshape(Of(batches), Of(ms), Of(sums));
        Tensor right = Ordered(b, batch + summed + columns, [.. batches, .. sums, .. ns]).Reshape(Of(batches), Of(sums), Of(ns));
        return (batch + rows + columns, left.MatMul(right).Reshape(Shape.Create([.. batches, .. ms, .. ns])));

        static int Extent((string Letters, Tensor Tensor) x, char c) => x.Tensor.Shape[x.Letters.IndexOf(c)];

        static int Of(int[] extents) => extents.Aggregate(1, (p, e) => p * e);

        static Tensor Ordered((string Letters, Tensor Tensor) x, string order, Shape shape) =>
            (order == x.Letters ? x.Tensor : x.Tensor.Permute([.. order.Select(c => x.Letters.IndexOf(c))])).Expand(shape);
    }
}
