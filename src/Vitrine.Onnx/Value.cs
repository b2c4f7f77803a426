namespace Vitrine.Onnx;

/// <summary>
/// What flows along an edge of a graph: a tensor with the type the file gives it, a sequence of values, or an optional value that is not there.
/// </summary>
internal sealed class Value
{
    private readonly Tensor? _tensor;

    private Value(Tensor? tensor, ElementType type, IReadOnlyList<Value>? items)
    {
        _tensor = tensor;
        Type = type;
        Items = items;
    }

    /// <summary>An optional value that is not there.</summary>
    public static Value Nothing { get; } = new(null, ElementType.Undefined, null);

    /// <summary>The type in the file, of the tensor or of the tensors of a sequence.</summary>
    public ElementType Type { get; }

    /// <summary>The values of a sequence, or null.</summary>
    public IReadOnlyList<Value>? Items { get; }

    /// <summary>The recorded number that a quantised value stands for, so that gradients find a way through the rounding; or null.</summary>
    public Tensor? Real { get; private init; }

    public bool IsTensor => _tensor is not null;

    public Tensor Tensor =>
        _tensor ?? throw new ArgumentException(Items is null ? "an optional value is not there" : "a sequence stands where a tensor is needed");

    public IReadOnlyList<Value> Sequence => Items ?? throw new ArgumentException("a tensor stands where a sequence is needed");

    /// <summary>A tensor that stands for elements of a type.</summary>
    public static Value Of(Tensor tensor, ElementType type) => ElementTypes.DTypeOf(type) == tensor.DType
        ? new Value(tensor, type, null)
        : throw new ArgumentException($"a tensor of {tensor.DType} cannot stand for {ElementTypes.Name(type)}");

    /// <summary>A tensor of the engine's own type.</summary>
    public static Value Of(Tensor tensor) => new(tensor, ElementTypes.Of(tensor.DType), null);

    public static Value List(IReadOnlyList<Value> items, ElementType type = ElementType.Undefined) => new(null, items.Count > 0 ? items[0].Type : type, items);

    /// <summary>This value, made by rounding a recorded number.</summary>
    public Value From(Tensor real) => new(_tensor, Type, Items) { Real = real };

    /// <summary>The same type, another tensor.</summary>
    public Value With(Tensor tensor) => tensor.DType == ElementTypes.DTypeOf(Type) ? new Value(tensor, Type, null) : Of(tensor);

    /// <inheritdoc/>
    public override string ToString() =>
        Items is not null ? $"a sequence of {Items.Count}" : _tensor is null ? "nothing" : $"{ElementTypes.Name(Type)} {_tensor.Shape}";
}
