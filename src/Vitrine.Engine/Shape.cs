using System.Runtime.CompilerServices;

namespace Vitrine;

/// <summary>The extents of a tensor, outermost first; rank 0 is a scalar. Extents may be zero.</summary>
[CollectionBuilder(typeof(Shape), nameof(Create))]
public readonly struct Shape : IEquatable<Shape>
{
    private readonly int[]? _dims;

    private Shape(int[] dims) => _dims = dims;

    /// <summary>The shape of a scalar: rank 0, one element.</summary>
    public static Shape Scalar => default;

    /// <summary>How many axes there are.</summary>
    public int Rank => _dims?.Length ?? 0;

    /// <summary>The extents, outermost first.</summary>
    public ReadOnlySpan<int> Dims => _dims;

    /// <summary>How many elements a tensor of this shape has: the product of the extents.</summary>
    public int Count
    {
        get
        {
            int count = 1;
            foreach (int extent in Dims) count *= extent;
            return count;
        }
    }

    /// <summary>The extent of an axis; negative axes count from the end, -1 is the innermost.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such axis.</exception>
    public int this[int axis] => _dims![Axis(axis)];

    /// <summary>Makes a shape of the given extents.</summary>
    /// <exception cref="ArgumentException">An extent is negative, or there would be more than 2^31 - 1 elements.</exception>
    public static Shape Create(params ReadOnlySpan<int> dims)
    {
        long count = 1;
        foreach (int extent in dims)
        {
            if (extent < 0) throw new ArgumentException($"A shape cannot have the negative extent {extent}.", nameof(dims));
            count *= extent;
            if (count > Array.MaxLength)
                throw new ArgumentException($"A tensor of shape [{string.Join(", ", dims.ToArray())}] has more elements than an array can hold.");
        }
        return dims.Length == 0 ? default : new Shape(dims.ToArray());
    }

    /// <summary>Enumerates the extents; makes collection expressions such as <c>[64, 10]</c> a shape.</summary>
    public ReadOnlySpan<int>.Enumerator GetEnumerator() => Dims.GetEnumerator();

    /// <summary>The non-negative number of an axis that may be counted from the end.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such axis.</exception>
    public int Axis(int axis)
    {
        int actual = axis < 0 ? axis + Rank : axis;
        if ((uint)actual >= (uint)Rank) throw new ArgumentOutOfRangeException(nameof(axis), axis, $"Shape {this} has rank {Rank}: there is no axis {axis}.");
        return actual;
    }

    /// <summary>This shape with one extent replaced.</summary>
    public Shape With(int axis, int extent)
    {
        int[] dims = Dims.ToArray();
        dims[Axis(axis)] = extent;
        return Create(dims);
    }

    /// <summary>This shape without the given axis.</summary>
    public Shape Without(int axis)
    {
        axis = Axis(axis);
        return [.. Dims[..axis], .. Dims[(axis + 1)..]];
    }

    /// <summary>Row-major strides, in elements.</summary>
    internal void Strides(Span<int> strides)
    {
        int stride = 1;
        for (int i = Rank - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= _dims![i];
        }
    }

    /// <summary>The shape that two shapes broadcast to, as NumPy and PyTorch have it: aligned at the innermost axis, extents 1 stretch.</summary>
    /// <exception cref="ArgumentException">The shapes do not broadcast.</exception>
    public static Shape Broadcast(Shape a, Shape b)
    {
        if (a.Equals(b)) return a;
        int rank = Math.Max(a.Rank, b.Rank);
        Span<int> dims = stackalloc int[rank];
        for (int i = 0; i < rank; i++)
        {
            int x = i < rank - a.Rank ? 1 : a._dims![i - (rank - a.Rank)];
            int y = i < rank - b.Rank ? 1 : b._dims![i - (rank - b.Rank)];
            if (x != y && x != 1 && y != 1) throw new ArgumentException($"Shapes {a} and {b} do not broadcast: extents {x} and {y} meet at axis {i - rank}.");
            dims[i] = x == 1 ? y : x;
        }
        if (dims.SequenceEqual(a.Dims)) return a;
        if (dims.SequenceEqual(b.Dims)) return b;
        return Create(dims);
    }

    /// <inheritdoc/>
    public bool Equals(Shape other) => ReferenceEquals(_dims, other._dims) || Dims.SequenceEqual(other.Dims);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (int extent in Dims) hash.Add(extent);
        return hash.ToHashCode();
    }

    /// <summary>Whether two shapes have the same extents.</summary>
    public static bool operator ==(Shape left, Shape right) => left.Equals(right);

    /// <summary>Whether two shapes differ.</summary>
    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);

    /// <inheritdoc/>
    public override string ToString() => $"[{string.Join(", ", Dims.ToArray())}]";
}
