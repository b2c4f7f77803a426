using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>A way to sort examples: by class, by speaker.</summary>
/// <param name="Name">What the sorts are: <c>digit</c>.</param>
/// <param name="Labels">The sort of each example, from 0.</param>
/// <param name="Classes">The names of the sorts.</param>
internal sealed record Labelling(string Name, int[] Labels, IReadOnlyList<string> Classes);

/// <summary>A network with certain weights.</summary>
/// <param name="Name">before, after, or an epoch.</param>
/// <param name="Network">The network; all stages have one architecture.</param>
/// <param name="Accuracy">On all unseen examples; null to take it from those that are shown.</param>
internal sealed record ProjectStage(string Name, Module Network, double? Accuracy = null);

/// <summary>A network at one or several stages, and the examples it is looked at with.</summary>
internal sealed record ProjectSubject
{
    public required string Name { get; init; }

    /// <summary>What it is and how it came about, in a sentence or two.</summary>
    public required string Text { get; init; }

    public required IReadOnlyList<ProjectStage> Stages { get; init; }

    /// <summary>How many examples are shown.</summary>
    public required int Count { get; init; }

    /// <summary>Consecutive examples, [n, ...].</summary>
    public required Func<int, int, Tensor> Batch { get; init; }

    /// <summary>The first is what the network was trained to tell; none where nothing is known of the examples.</summary>
    public required IReadOnlyList<Labelling> Labellings { get; init; }

    public required Func<int, string> ExampleName { get; init; }

    /// <summary>An example as people see it, or null where there is nothing to see.</summary>
    public Func<int, Picture>? Picture { get; init; }

    /// <summary>Further examples, to be put into the finished map of the layer in focus; or null.</summary>
    public ExampleSet? New { get; init; }
}
