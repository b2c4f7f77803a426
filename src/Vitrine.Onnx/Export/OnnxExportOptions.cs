namespace Vitrine.Onnx;

/// <summary>How a network is written as an ONNX file.</summary>
public sealed record OnnxExportOptions
{
    /// <summary>The names of the inputs; <c>input</c>, or <c>input_0</c>, <c>input_1</c> and so on, unless given.</summary>
    public IReadOnlyList<string>? InputNames { get; init; }

    /// <summary>The names of the outputs; <c>output</c>, or <c>output_0</c>, <c>output_1</c> and so on, unless given.</summary>
    public IReadOnlyList<string>? OutputNames { get; init; }

    /// <summary>The name of the extent that is left open: how many examples a batch has.</summary>
    public string Batch { get; init; } = "batch";

    /// <summary>
    /// Which axis of each input runs over the examples of a batch, -1 for an input without one (a mask for all); the first axis of each unless given.
    /// </summary>
    public IReadOnlyList<int>? BatchAxes { get; init; }

    /// <summary>Whether the file takes batches of the example's size alone. For networks whose computation depends on the size of the batch.</summary>
    public bool FixedBatch { get; init; }

    /// <summary>Notes to keep in the file: what it was trained on, its classes.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}
