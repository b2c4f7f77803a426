namespace Vitrine.Render;

/// <summary>A picture file is malformed, unsupported or too large. The message says what is wrong, where, and what to do.</summary>
public sealed class PictureFormatException : Exception
{
    /// <summary>Creates the error.</summary>
    /// <param name="message">What is wrong, where, and what to do.</param>
    /// <param name="offset">The byte offset in the file at which the trouble starts.</param>
    /// <param name="inner">The error underneath, if any.</param>
    public PictureFormatException(string message, long offset, Exception? inner = null)
        : base(message, inner) => Offset = offset;

    /// <summary>The byte offset in the file at which the trouble starts.</summary>
    public long Offset { get; }
}
