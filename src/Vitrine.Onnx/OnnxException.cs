namespace Vitrine.Onnx;

/// <summary>
/// An ONNX file that cannot be read, or a graph that cannot be run on what it was given; the message says which file, where in the graph, and what is wrong.
/// </summary>
public sealed class OnnxException : IOException
{
    /// <summary>Creates the exception.</summary>
    public OnnxException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
