namespace Vitrine.Onnx;

/// <summary>
/// An ONNX file that cannot be read, a graph that cannot be run on what it was given, or a network that cannot be written as a file; the message says which,
/// where in the graph or network, and what is wrong.
/// </summary>
public sealed class OnnxException : IOException
{
    /// <summary>Creates the exception.</summary>
    public OnnxException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
