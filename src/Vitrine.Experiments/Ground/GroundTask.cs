using Vitrine.Insight;

namespace Vitrine.Experiments;

/// <summary>A question whose right answer is known, with a network that was trained on it.</summary>
public sealed record GroundTask
{
    /// <summary>Its name: shapes, tetrominoes, table, windows, tokens, snow.</summary>
    public required string Name { get; init; }

    /// <summary>What is planted and what a good explanation says, in a sentence.</summary>
    public required string Question { get; init; }

    /// <summary>The network.</summary>
    public required Module Network { get; init; }

    /// <summary>Test examples [N, ...] to be explained.</summary>
    public required Tensor Inputs { get; init; }

    /// <summary>What is to be explained about each.</summary>
    public required Target Target { get; init; }

    /// <summary>The module call to attribute to (an embedding), or null for the input.</summary>
    public string? Wrt { get; init; }

    /// <summary>The layer of feature maps that class activation maps look at, or null where there is none.</summary>
    public string? FeatureMaps { get; init; }

    /// <summary>The truth: Bool where the reason lies, or Float32 how much each position contributes; [N, positions...] without channels.</summary>
    public required Tensor Truth { get; init; }

    /// <summary>How good the network is, in the words of the task: "98.5 % of unseen scenes named rightly".</summary>
    public required string Quality { get; init; }

    /// <summary>Examples to compare with, for methods that need a background [B, ...].</summary>
    public required Tensor Background { get; init; }
}
