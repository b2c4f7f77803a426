namespace Vitrine.Engine.Tests.Properties;

/// <summary>The operators of random graphs: what an instruction means for operands of given shapes.</summary>
internal static class Operators
{
    private const int Largest = 300;

    private static readonly (string Name, Func<Tensor, Tensor> Engine, Func<Dual, Dual> Reference)[] Unary =
    [
        ("relu", x => x.Relu(), Dual.Relu),
        ("tanh", x => x.Tanh(), Dual.Tanh),
        ("sigmoid", x => x.Sigmoid(), Dual.Sigmoid),
        ("softplus", x => x.Softplus(), Dual.Softplus),
        ("exp", x => x.Exp(), Dual.Exp),
        ("sin", x => x.Sin(), Dual.Sin),
        ("abs", x => x.Abs(), Dual.Abs),
        ("square", x => x.Square(), x => x * x),
        ("negate", x => -x, x => 0 - x),
        ("affine", x => 0.7f - x * 0.3f, x => 0.7 - x * 0.3),
        ("reciprocal", x => 1f / (x.Square() + 0.5f), x => 1 / (x * x + 0.5)),
        ("root", x => (x.Square() + 0.5f).Sqrt(), x => Dual.Sqrt(x * x + 0.5)),
        ("log", x => (x.Abs() + 0.5f).Log(), x => Dual.Log(Dual.Abs(x) + 0.5)),
        ("leaky", x => x.LeakyRelu(0.2f), x => Dual.Above(x, 0) ? x : x * 0.2),
        ("clamp", x => x.Clamp(-1, 0.5f), x => Dual.Above(x, 0.5) ? 0.5 : Dual.Above(-1, x) ? -1 : x),
        ("silu", x => x.Silu(), x => x * Dual.Sigmoid(x)),
    ];

    private static readonly (string Name, Func<Tensor, Tensor, Tensor> Engine, Func<Dual, Dual, Dual> Reference)[] Binary =
    [
        ("add", (a, b) => a + b, (a, b) => a + b),
        ("subtract", (a, b) => a - b, (a, b) => a - b),
        ("multiply", (a, b) => a * b, (a, b) => a * b),
        ("divide", (a, b) => a / (b.Square() + 0.5f), (a, b) => a / (b * b + 0.5)),
        ("maximum", (a, b) => a.Maximum(b), (a, b) => Dual.Above(a, b) ? a : b),
        ("minimum", (a, b) => a.Minimum(b), (a, b) => Dual.Above(a, b) ? b : a),
        ("where", (a, b) => a.Greater(b).Where(a * 2f, b), (a, b) => Dual.Above(a, b) ? a * 2 : b),
    ];

    private static readonly (string Name, Func<Tensor, int, bool, Tensor> Engine, Func<Dual[], Dual> Reference)[] Reductions =
    [
        ("sum", (x, axis, keep) => x.Sum([axis], keep), Sum),
        ("mean", (x, axis, keep) => x.Mean([axis], keep), x => Sum(x) / x.Length),
        ("max", (x, axis, keep) => x.Max([axis], keep), x => x.Aggregate((a, b) => Dual.Above(b, a) ? b : a)),
        ("min", (x, axis, keep) => x.Min([axis], keep), x => x.Aggregate((a, b) => Dual.Above(b, a) ? a : b)),
        ("product", (x, axis, keep) => x.Product([axis], keep), x => x.Aggregate((Dual)1, (a, b) => a * b)),
        ("logsumexp", (x, axis, keep) => x.LogSumExp([axis], keep), x => Dual.Log(Sum([.. x.Select(Dual.Exp)]))),
        ("variance", (x, axis, keep) => x.Var([axis], 0, keep), x => Sum([.. x.Select(v => (v - Sum(x) / x.Length) * (v - Sum(x) / x.Length))]) / x.Length),
    ];

    public const int Kinds = 19;

    public static Operation? Resolve(Instruction it, int[] a, int[] b)
    {
        int axis = a.Length == 0 ? -1 : it.P % a.Length;
        Operation? operation = it.Kind switch
        {
            0 or 1 or 2 or 3 => One(it, a),
            4 or 5 or 6 => Two(it, a, b),
            7 or 8 => Reduce(it, a, axis),
            9 or 10 => Multiply(a, b),
            11 => Permute(it, a),
            12 => Slice(it, a, axis),
            13 => Expand(it, a),
            14 => Reshape(it, a),
            15 => Concat(a, b, axis),
            16 => Pad(it, a, axis),
            17 => Normalise(it, a, axis),
            18 => Select(it, a, axis),
            _ => throw new ArgumentException($"There is no kind {it.Kind}.", nameof(it)),
        };
        return operation is null || operation.Shape.Aggregate(1, (x, y) => x * y) > Largest || operation.Shape.Length > 5 ? null : operation;
    }

    private static Dual Sum(Dual[] x) => x.Aggregate((Dual)0, (a, b) => a + b);

    private static Operation One(Instruction it, int[] a)
    {
        var (name, engine, reference) = Unary[it.P % Unary.Length];
        return new Operation(name, a, false, (x, _) => engine(x), (x, _) => x.Map(reference));
    }

    private static Operation? Two(Instruction it, int[] a, int[] b)
    {
        var (name, engine, reference) = Binary[it.P % Binary.Length];
        return Naive.Broadcast(a, b) is { } shape ? new Operation(name, shape, true, engine, (x, y) => Naive.Zip(x, y, reference)) : null;
    }

    private static Operation? Reduce(Instruction it, int[] a, int axis)
    {
        var (name, engine, reference) = Reductions[it.Q % Reductions.Length];
        // Nothing but a sum or a product has a value over no elements.
        if (axis < 0 || (a[axis] == 0 && name is not ("sum" or "product"))) return null;
        bool keep = it.B % 2 == 0;
        int[] kept = Naive.Set(a, axis, 1), shape = keep ? kept : [.. a[..axis], .. a[(axis + 1)..]];
        return new Operation($"{name} over axis {axis}", shape, false, (x, _) => engine(x, axis, keep), (x, _) => x.Fold(axis, reference).Reshape(shape));
    }

    private static Operation? Multiply(int[] a, int[] b)
    {
        if (a.Length < 2 || b.Length < 2 || a[^1] != b[^1] || Naive.Broadcast(a[..^2], b[..^2]) is not { } leading) return null;
        int[] shape = [.. leading, a[^2], b[^2]];
        return b.Length == 2
            ? new Operation("linear", [.. a[..^1], b[0]], true, (x, y) => x.Linear(y), Naive.TimesTransposed)
            : new Operation("matmul with the transpose", shape, true, (x, y) => x.MatMul(y.Transpose()), Naive.TimesTransposed);
    }

    private static Operation? Permute(Instruction it, int[] a)
    {
        if (a.Length < 2) return null;
        int[] order = new RandomSource((ulong)(it.P * 31 + it.Q)).Permutation(a.Length);
        int[] shape = [.. order.Select(o => a[o])];
        return new Operation($"permute to {string.Join(" ", order)}", shape, false, (x, _) => x.Permute(order), (x, _) => x.Permute(order));
    }

    private static Operation? Slice(Instruction it, int[] a, int axis)
    {
        if (axis < 0 || a[axis] == 0) return null;
        int start = it.Q % a[axis], step = 1 + it.B % 3;
        if (it.A % 2 == 0)
        {
            int[] forwards = [.. Enumerable.Range(0, a[axis]).Where(i => i >= start && (i - start) % step == 0)];
            return new Operation(
                $"slice of axis {axis} from {start} by {step}", Naive.Set(a, axis, forwards.Length), false,
                (x, _) => x.Slice(axis, start, null, step), (x, _) => x.Pick(axis, forwards));
        }
        int[] backwards = [.. Enumerable.Range(0, start + 1).Reverse().Where(i => (start - i) % step == 0)];
        return new Operation(
            $"slice of axis {axis} from {start} by {-step}", Naive.Set(a, axis, backwards.Length), false,
            (x, _) => x.Slice(axis, start, null, -step), (x, _) => x.Pick(axis, backwards));
    }

    private static Operation Expand(Instruction it, int[] a)
    {
        int[] stretched = [.. a.Select((extent, i) => extent == 1 && (it.P >> i) % 2 == 0 ? it.Q % 4 : extent)];
        int[] shape = it.B % 2 == 0 ? [1 + it.Q % 3, .. stretched] : stretched;
        return new Operation("expand", shape, false, (x, _) => x.Expand(Shape.Create(shape)), (x, _) => x.Expand(shape));
    }

    private static Operation Reshape(Instruction it, int[] a)
    {
        int count = a.Aggregate(1, (x, y) => x * y), first = 1 + it.P % 4, second = 1 + it.Q % 3;
        int[] shape = count == 0 ? [.. a.Reverse(), 1]
            : count % (first * second) == 0 ? [first, count / first / second, second]
            : count % first == 0 ? [count / first, first]
            : [count];
        return new Operation("reshape", shape, false, (x, _) => x.Reshape(Shape.Create(shape)), (x, _) => x.Reshape(shape));
    }

    private static Operation? Concat(int[] a, int[] b, int axis)
    {
        if (axis < 0 || a.Length != b.Length || !Naive.Set(a, axis, 0).SequenceEqual(Naive.Set(b, axis, 0))) return null;
        int[] shape = Naive.Set(a, axis, a[axis] + b[axis]);
        return new Operation($"concat along {axis}", shape, true, (x, y) => TensorOps.Concat(axis, x, y), (x, y) => x.Concat(axis, y));
    }

    private static Operation? Pad(Instruction it, int[] a, int axis)
    {
        if (axis < 0) return null;
        int before = it.Q % 3, after = it.B % 2;
        (int, int)[] pads = [.. a.Select((_, i) => i == axis ? (before, after) : (0, 0))];
        int[] shape = Naive.Set(a, axis, before + a[axis] + after);
        return new Operation($"pad of axis {axis} by {before}, {after}", shape, false, (x, _) => x.Pad(pads), (x, _) => x.Pad(axis, before, after));
    }

    private static Operation? Normalise(Instruction it, int[] a, int axis)
    {
        if (axis < 0) return null;
        return (it.Q % 3) switch
        {
            0 => new Operation($"softmax over {axis}", a, false, (x, _) => x.Softmax(axis), (x, _) => Softmax(x)),
            1 => new Operation($"logsoftmax over {axis}", a, false, (x, _) => x.LogSoftmax(axis), (x, _) => Softmax(x).Map(Dual.Log)),
            _ => new Operation($"cumsum along {axis}", a, false, (x, _) => x.CumSum(axis), (x, _) => x.CumSum(axis)),
        };

        Naive Softmax(Naive x) => Naive.Zip(x.Map(Dual.Exp), x.Map(Dual.Exp).Fold(axis, Sum), (e, sum) => e / sum);
    }

    private static Operation? Select(Instruction it, int[] a, int axis)
    {
        if (axis < 0 || a[axis] == 0) return null;
        // Positions in any order, some twice: their gradients must add up.
        var random = new RandomSource((ulong)it.Q);
        int[] positions = [.. Enumerable.Range(0, it.B % 5).Select(_ => random.NextInt(a[axis]))];
        Tensor index = Tensor.From([.. positions.Select(p => (long)p)], [positions.Length]);
        return new Operation(
            $"select {string.Join(" ", positions)} of axis {axis}", Naive.Set(a, axis, positions.Length), false,
            (x, _) => x.IndexSelect(axis, index), (x, _) => x.Pick(axis, positions));
    }
}
