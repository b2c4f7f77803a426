namespace Vitrine;

/// <summary>The element type of a <see cref="Tensor"/>.</summary>
public enum DType
{
    /// <summary>32-bit IEEE floating point; the only type that carries gradients.</summary>
    Float32,

    /// <summary>64-bit signed integers: class indices, token ids, positions.</summary>
    Int64,

    /// <summary>Truth values, one byte each: masks.</summary>
    Bool,
}
