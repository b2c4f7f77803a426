namespace Vitrine;

/// <summary>
/// A file of tensors (safetensors, NumPy, PyTorch) that is not sound, or holds what Vitrine does not read; the message says which, where and what is wrong.
/// </summary>
public sealed class TensorFileException : IOException
{
    /// <summary>Creates the exception.</summary>
    public TensorFileException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
