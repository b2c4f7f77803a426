using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Vitrine;

/// <summary>An immutable n-dimensional array: a shape, an element type, row-major elements, and the operator that made it.</summary>
/// <remarks>
/// Tensors are values: no operator writes into its inputs, nobody disposes of one. The one exception is documented at <see cref="Parameter"/>:
/// an optimizer updates the weights it owns in place. Elements are always contiguous; a reshape shares them.
/// </remarks>
public sealed partial class Tensor
{
    private readonly int _start;
    private readonly int _generation;

    internal Tensor(Storage storage, int start, Shape shape, DType dtype)
    {
        Storage = storage;
        _start = start;
        _generation = storage.Generation;
        Shape = shape;
        DType = dtype;
        Count = shape.Count;
    }

    /// <summary>The extents, outermost first.</summary>
    public Shape Shape { get; }

    /// <summary>The element type.</summary>
    public DType DType { get; }

    /// <summary>The number of elements.</summary>
    public int Count { get; }

    /// <summary>The number of axes.</summary>
    public int Rank => Shape.Rank;

    /// <summary>Who made this tensor; null for leaves, detached values and results of runs that do not record.</summary>
    public Node? Source { get; internal set; }

    /// <summary>Whether operators on this tensor are recorded: it is a watched leaf, or the recorded result of an operator.</summary>
    public bool IsRecorded => Source is not null || IsWatched;

    /// <summary>The device that holds the elements.</summary>
    internal Device Device => Cpu.CpuDevice.Instance;

    /// <summary>What an operator's forward pass left for its backward pass (positions of maxima, batch statistics), or null.</summary>
    internal Tensor? Saved { get; set; }

    internal bool IsWatched { get; private set; }

    internal Storage Storage { get; }

    /// <summary>The elements of a float tensor, row-major.</summary>
    /// <exception cref="InvalidOperationException">The tensor has another type, or its buffer was given back at the end of a
    /// <see cref="MemoryScope"/>.</exception>
    public ReadOnlySpan<float> Floats => Elements<float>(DType.Float32);

    /// <summary>The elements of an integer tensor, row-major.</summary>
    /// <exception cref="InvalidOperationException">The tensor has another type, or its buffer was given back at the end of a
    /// <see cref="MemoryScope"/>.</exception>
    public ReadOnlySpan<long> Longs => Elements<long>(DType.Int64);

    /// <summary>The elements of a truth-value tensor, row-major.</summary>
    /// <exception cref="InvalidOperationException">The tensor has another type, or its buffer was given back at the end of a
    /// <see cref="MemoryScope"/>.</exception>
    public ReadOnlySpan<bool> Bools => Elements<bool>(DType.Bool);

    /// <summary>Room for a kernel's result; only the code that made the tensor, and the optimizer that owns it, may write.</summary>
    internal Span<float> MutableFloats
    {
        get
        {
            Storage.Writes++;
            return Elements<float>(DType.Float32);
        }
    }

    internal Span<long> MutableLongs => Elements<long>(DType.Int64);

    internal Span<bool> MutableBools => Elements<bool>(DType.Bool);

    /// <summary>A new tensor of undefined content, for a kernel to fill.</summary>
    internal static Tensor Uninitialized(Shape shape, DType dtype = DType.Float32) => new(MemoryScope.Rent(dtype, shape.Count), 0, shape, dtype);

    /// <summary>A float tensor of the given shape and elements (copied).</summary>
    /// <exception cref="ArgumentException">The number of elements is not the shape's.</exception>
    public static Tensor From(ReadOnlySpan<float> elements, Shape shape)
    {
        Tensor tensor = Uninitialized(Fitting(elements.Length, shape));
        elements.CopyTo(tensor.MutableFloats);
        return tensor;
    }

    /// <summary>A float vector of the given elements (copied).</summary>
    public static Tensor From(params ReadOnlySpan<float> elements) => From(elements, [elements.Length]);

    /// <summary>An integer tensor of the given shape and elements (copied).</summary>
    /// <exception cref="ArgumentException">The number of elements is not the shape's.</exception>
    public static Tensor From(ReadOnlySpan<long> elements, Shape shape)
    {
        Tensor tensor = Uninitialized(Fitting(elements.Length, shape), DType.Int64);
        elements.CopyTo(tensor.MutableLongs);
        return tensor;
    }

    /// <summary>A truth-value tensor of the given shape and elements (copied).</summary>
    /// <exception cref="ArgumentException">The number of elements is not the shape's.</exception>
    public static Tensor From(ReadOnlySpan<bool> elements, Shape shape)
    {
        Tensor tensor = Uninitialized(Fitting(elements.Length, shape), DType.Bool);
        elements.CopyTo(tensor.MutableBools);
        return tensor;
    }

    /// <summary>A scalar: rank 0, one element.</summary>
    public static Tensor Scalar(float value) => From([value], Shape.Scalar);

    /// <summary>A float tensor whose elements are all <paramref name="value"/>.</summary>
    public static Tensor Full(Shape shape, float value)
    {
        Tensor tensor = Uninitialized(shape);
        tensor.MutableFloats.Fill(value);
        return tensor;
    }

    /// <summary>A float tensor of zeros.</summary>
    public static Tensor Zeros(Shape shape) => Full(shape, 0f);

    /// <summary>A float tensor of ones.</summary>
    public static Tensor Ones(Shape shape) => Full(shape, 1f);

    /// <summary>The integers from 0 to <paramref name="count"/> - 1.</summary>
    public static Tensor Range(int count)
    {
        Tensor tensor = Uninitialized([count], DType.Int64);
        Span<long> elements = tensor.MutableLongs;
        for (int i = 0; i < elements.Length; i++) elements[i] = i;
        return tensor;
    }

    /// <summary>The same elements as a leaf on which operators are recorded, so that gradients with respect to it can be asked for.</summary>
    /// <exception cref="InvalidOperationException">The tensor is not of type Float32.</exception>
    public Tensor Watch()
    {
        if (DType != DType.Float32) throw new InvalidOperationException($"Only Float32 tensors have gradients; this one is {DType}.");
        return new Tensor(Storage, _start, Shape, DType) { IsWatched = true };
    }

    /// <summary>The same elements without history.</summary>
    public Tensor Detach() => Source is null && !IsWatched && Saved is null ? this : Alias(Shape);

    /// <summary>The only element of a tensor that has one.</summary>
    /// <exception cref="InvalidOperationException">The tensor has not exactly one element.</exception>
    public float Item() => Count == 1
        ? Floats[0]
        : throw new InvalidOperationException($"Item() is for tensors of one element; this one has shape {Shape}.");

    /// <summary>One element of a float tensor.</summary>
    /// <exception cref="ArgumentException">There are not as many indices as axes, or one is out of range.</exception>
    [IndexerName("At")]
    public float this[params ReadOnlySpan<int> index]
    {
        get
        {
            if (index.Length != Rank) throw new ArgumentException($"A tensor of shape {Shape} takes {Rank} indices, not {index.Length}.");
            int at = 0;
            for (int i = 0; i < index.Length; i++)
            {
                if ((uint)index[i] >= (uint)Shape[i]) throw new ArgumentException($"Index {index[i]} is outside axis {i} of shape {Shape}.");
                at = at * Shape[i] + index[i];
            }
            return Floats[at];
        }
    }

    /// <summary>A copy of the elements of a float tensor, row-major.</summary>
    public float[] ToArray() => Floats.ToArray();

    /// <summary>Another tensor over the same elements; the shape must have as many.</summary>
    internal Tensor Alias(Shape shape) => new(Storage, _start, shape, DType);

    /// <summary>Consecutive elements as a tensor of their own, sharing the buffer.</summary>
    internal Tensor Alias(Shape shape, int offset) => new(Storage, _start + offset, shape, DType);

    /// <inheritdoc/>
    public override string ToString()
    {
        const int shown = 8;
        var text = new StringBuilder($"{DType} {Shape} {{");
        for (int i = 0; i < Math.Min(shown, Count); i++)
        {
            if (i > 0) text.Append(", ");
            text.Append(DType switch
            {
                DType.Float32 => Floats[i].ToString("G5", CultureInfo.InvariantCulture),
                DType.Int64 => Longs[i].ToString(CultureInfo.InvariantCulture),
                _ => Bools[i] ? "true" : "false",
            });
        }
        return text.Append(Count > shown ? ", ...}" : "}").ToString();
    }

    private static Shape Fitting(int count, Shape shape) =>
        count == shape.Count ? shape : throw new ArgumentException($"{count} elements do not fill a tensor of shape {shape}, which has {shape.Count}.");

    private Span<T> Elements<T>(DType wanted)
    {
        if (DType != wanted) throw new InvalidOperationException($"This tensor of shape {Shape} holds {DType}, not {wanted}.");
        if (_generation != Storage.Generation) ThrowReleased();
        return Unsafe.As<T[]>(Storage.Elements).AsSpan(Storage.Start + _start, Count);
    }

    private void ThrowReleased() => throw new InvalidOperationException(
        $"This tensor of shape {Shape} was made inside a step (a training step, an inference or an explanation) that has ended, and its buffer was given back. " +
        "Ask for it as a result, tap it on the Run, or let the MemoryScope keep it.");
}
