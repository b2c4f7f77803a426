namespace Vitrine.Onnx;

/// <summary>
/// Arithmetic on integers and truth values, which the engine leaves to whoever counts: shapes, positions, quantised values. It carries no gradient.
/// </summary>
internal static class Integers
{
    /// <summary>Two integer tensors element by element, broadcasting; the result is wrapped to the type of the first.</summary>
    public static Value Binary(Value a, Value b, Func<long, long, long> function)
    {
        if (a.Tensor.DType != DType.Int64 || b.Tensor.DType != DType.Int64)
        {
            throw new ArgumentException($"the operands are {a} and {b}; both should be floats or both integers");
        }
        return Value.Of(Map(a.Tensor, b.Tensor, (x, y) => ElementTypes.Wrap(function(x, y), a.Type)), a.Type);
    }

    public static Tensor Map(Tensor a, Tensor b, Func<long, long, long> function)
    {
        Shape shape = Vitrine.Shape.Broadcast(a.Shape, b.Shape);
        ReadOnlySpan<long> x = a.Expand(shape).Longs, y = b.Expand(shape).Longs;
        long[] z = new long[x.Length];
        for (int i = 0; i < z.Length; i++) z[i] = function(x[i], y[i]);
        return Tensor.From(z, shape);
    }

    public static Tensor Map(Tensor a, Func<long, long> function)
    {
        ReadOnlySpan<long> x = a.Longs;
        long[] z = new long[x.Length];
        for (int i = 0; i < z.Length; i++) z[i] = function(x[i]);
        return Tensor.From(z, a.Shape);
    }

    /// <summary>Two tensors of truth values element by element, broadcasting.</summary>
    public static Tensor Map(Tensor a, Tensor b, Func<bool, bool, bool> function)
    {
        Shape shape = Vitrine.Shape.Broadcast(a.Shape, b.Shape);
        ReadOnlySpan<bool> x = a.Expand(shape).Bools, y = b.Expand(shape).Bools;
        bool[] z = new bool[x.Length];
        for (int i = 0; i < z.Length; i++) z[i] = function(x[i], y[i]);
        return Tensor.From(z, shape);
    }

    /// <summary>A reduction of integers over axes.</summary>
    public static Tensor Reduce(Tensor x, ReadOnlySpan<int> axes, bool keepDims, long start, Func<long, long, long> function)
    {
        bool[] reduced = new bool[x.Rank];
        if (axes.Length == 0) Array.Fill(reduced, true);
        foreach (int axis in axes) reduced[x.Shape.Axis(axis)] = true;
        int[] kept = [.. x.Shape.Dims.ToArray().Select((e, i) => reduced[i] ? 1 : e)];
        var shape = Vitrine.Shape.Create(kept);
        long[] y = new long[shape.Count];
        Array.Fill(y, start);
        int[] index = new int[x.Rank];
        foreach (long value in x.Longs)
        {
            int at = 0;
            for (int i = 0; i < index.Length; i++) at = at * kept[i] + (reduced[i] ? 0 : index[i]);
            y[at] = function(y[at], value);
            for (int i = index.Length - 1; i >= 0 && ++index[i] == x.Shape[i]; i--) index[i] = 0;
        }
        return Tensor.From(y, keepDims ? shape : [.. kept.Where((_, i) => !reduced[i])]);
    }

    /// <summary>The elements of an integer input that says how an operator is to work: a shape, axes, pads.</summary>
    public static int[] Ints(Tensor x)
    {
        if (x.Rank > 1) throw new ArgumentException($"a list of integers has one axis, not {x.Shape}");
        return [.. x.Longs.ToArray().Select(v => checked((int)v))];
    }

    /// <summary>The one integer of an input.</summary>
    public static long Single(Tensor x) => x.Count == 1 ? x.Longs[0] : throw new ArgumentException($"one integer is wanted, not {x.Shape}");

    /// <summary>Positions counted from the end made positive.</summary>
    /// <exception cref="ArgumentException">A position is outside the axis.</exception>
    public static Tensor Positions(Tensor index, int extent)
    {
        foreach (long i in index.Longs) if (i < -extent || i >= extent) throw new ArgumentException($"index {i} is outside an axis of {extent}");
        return index.Longs.IndexOfAnyInRange(long.MinValue, -1) < 0 ? index : Map(index, i => i < 0 ? i + extent : i);
    }
}
