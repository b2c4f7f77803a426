namespace Vitrine.Onnx;

/// <summary>How an ONNX file is opened and run.</summary>
public sealed record OnnxOptions
{
    /// <summary>Told what the file asks for that may not be as its author meant it: an operator set newer than what Vitrine knows.</summary>
    public Action<string>? Warn { get; init; }

    /// <summary>
    /// How many elements one tensor may have, of the file or of a run: attributes of a few bytes can ask for gigabytes. 2^28, a gigabyte of floats, unless
    /// given.
    /// </summary>
    public int LargestTensor { get; init; } = 1 << 28;

    /// <summary>How often the bodies of loops may run in one run of the network, all together, before it counts as endless; 500,000 unless given.</summary>
    public int MostIterations { get; init; } = 500_000;
}
