namespace Vitrine.Engine.Tests.Properties;

/// <summary>
/// The reference: an array in double precision, whose every operation says what stands at one index of its result. Nothing is clever here, and nothing shared
/// with the engine.
/// </summary>
internal sealed class Naive
{
    private readonly Dual[] _elements;

    private Naive(int[] shape, Dual[] elements)
    {
        Shape = shape;
        _elements = elements;
    }

    public int[] Shape { get; }

    public IReadOnlyList<Dual> Elements => _elements;

    public static Naive Of(int[] shape, Func<int[], Dual> at)
    {
        var elements = new Dual[shape.Aggregate(1, (a, b) => a * b)];
        for (int i = 0; i < elements.Length; i++) elements[i] = at(Index(i, shape)).Noted();
        return new Naive(shape, elements);
    }

    public static Naive Leaf(int[] shape, IReadOnlyList<float> values, int direction)
    {
        int at = 0;
        return Of(shape, _ => new Dual(values[at], at++ == direction ? 1 : 0));
    }

    /// <summary>Elementwise, broadcasting.</summary>
    public static Naive Zip(Naive a, Naive b, Func<Dual, Dual, Dual> f) => Of(Broadcast(a.Shape, b.Shape)!, i => f(a.Stretched(i), b.Stretched(i)));

    /// <summary>The shape two shapes broadcast to, or null.</summary>
    public static int[]? Broadcast(int[] a, int[] b)
    {
        int rank = Math.Max(a.Length, b.Length);
        int[] x = [.. Enumerable.Repeat(1, rank - a.Length), .. a], y = [.. Enumerable.Repeat(1, rank - b.Length), .. b];
        return x.Zip(y).All(p => p.First == p.Second || p.First == 1 || p.Second == 1) ? [.. x.Zip(y).Select(p => p.First == 1 ? p.Second : p.First)] : null;
    }

    public Naive Map(Func<Dual, Dual> f) => Of(Shape, i => f(this[i]));

    /// <summary>Folds the elements along an axis, which stays with extent 1.</summary>
    public Naive Fold(int axis, Func<Dual[], Dual> f) =>
        Of(Set(Shape, axis, 1), i => f([.. Enumerable.Range(0, Shape[axis]).Select(k => this[Set(i, axis, k)])]));

    public Naive Reshape(int[] shape)
    {
        int at = 0;
        return Of(shape, _ => _elements[at++]);
    }

    public Naive Permute(int[] order) => Of([.. order.Select(o => Shape[o])], i =>
    {
        int[] from = new int[i.Length];
        for (int k = 0; k < order.Length; k++) from[order[k]] = i[k];
        return this[from];
    });

    /// <summary>Positions of an axis, in any order, repeated or left out: slices, flips, index_select.</summary>
    public Naive Pick(int axis, int[] positions) => Of(Set(Shape, axis, positions.Length), i => this[Set(i, axis, positions[i[axis]])]);

    public Naive Expand(int[] shape) => Of(shape, Stretched);

    public Naive Concat(int axis, Naive other) => Of(Set(Shape, axis, Shape[axis] + other.Shape[axis]), i =>
        i[axis] < Shape[axis] ? this[i] : other[Set(i, axis, i[axis] - Shape[axis])]);

    public Naive Pad(int axis, int before, int after) => Of(Set(Shape, axis, before + Shape[axis] + after), i =>
        i[axis] >= before && i[axis] < before + Shape[axis] ? this[Set(i, axis, i[axis] - before)] : 0);

    public Naive CumSum(int axis) => Of(Shape, i => Enumerable.Range(0, i[axis] + 1).Aggregate((Dual)0, (sum, k) => sum + this[Set(i, axis, k)]));

    /// <summary>a b^T over the last two axes, leading axes broadcast.</summary>
    public static Naive TimesTransposed(Naive a, Naive b)
    {
        int[] leading = Broadcast(a.Shape[..^2], b.Shape[..^2])!;
        return Of([.. leading, a.Shape[^2], b.Shape[^2]], i => Enumerable.Range(0, a.Shape[^1]).Aggregate((Dual)0, (sum, k) =>
            sum + a.Stretched([.. i[..^2], i[^2], k]) * b.Stretched([.. i[..^2], i[^1], k])));
    }

    public static int[] Set(int[] shape, int axis, int value)
    {
        int[] changed = [.. shape];
        changed[axis] = value;
        return changed;
    }

    private Dual this[int[] index]
    {
        get
        {
            int at = 0;
            for (int k = 0; k < Shape.Length; k++) at = at * Shape[k] + index[k];
            return _elements[at];
        }
    }

    private Dual Stretched(int[] index)
    {
        int[] own = index[(index.Length - Shape.Length)..];
        return this[[.. own.Select((p, k) => Shape[k] == 1 ? 0 : p)]];
    }

    private static int[] Index(int at, int[] shape)
    {
        int[] index = new int[shape.Length];
        for (int k = shape.Length - 1; k >= 0; k--)
        {
            index[k] = at % shape[k];
            at /= shape[k];
        }
        return index;
    }
}
