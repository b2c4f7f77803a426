namespace Vitrine.Insight;

/// <summary>What a method has to be given besides a network and an input.</summary>
[Flags]
public enum Needs
{
    /// <summary>Answers alone: any function will do.</summary>
    None = 0,

    /// <summary>A network that can be differentiated with respect to what is attributed to.</summary>
    Gradients = 1,

    /// <summary>Operators that have a rule of the method's own; another one is named in an error.</summary>
    Rules = 2,

    /// <summary>A layer of feature maps [N, C, H, W] to look at.</summary>
    FeatureMaps = 4,

    /// <summary>A picture [N, C, H, W] as the input.</summary>
    Picture = 8,

    /// <summary>Several examples: values are exchanged between them.</summary>
    Batch = 16,
}

/// <summary>What a method promises of its values.</summary>
[Flags]
public enum Promises
{
    /// <summary>Nothing that could be checked.</summary>
    None = 0,

    /// <summary>The values of an example sum to its score minus the baseline's, to the method's own accuracy.</summary>
    Completeness = 1,

    /// <summary>The values of an example sum to what was sent back from its score, where no bias takes a share.</summary>
    Conservation = 2,

    /// <summary>Random numbers are drawn, from a seed that is an option: the same seed gives the same bytes.</summary>
    Seeded = 4,

    /// <summary>Nothing is negative.</summary>
    Positive = 8,
}

/// <summary>An attribution method as a list shows it.</summary>
/// <param name="Name">The name in its paper, as <see cref="IAttribution.Name"/>.</param>
/// <param name="Paper">Authors, year and title.</param>
/// <param name="Needs">What it has to be given.</param>
/// <param name="Promises">What it promises of its values.</param>
/// <param name="Create">The method with the options that it knows of those given.</param>
public sealed record Method(string Name, string Paper, Needs Needs, Promises Promises, Func<MethodOptions, IAttribution> Create);

/// <summary>Options that several methods share; each takes what it knows.</summary>
/// <param name="Layer">The layer that <see cref="Needs.FeatureMaps"/> asks for; null for the last there is.</param>
/// <param name="Baseline">What inputs are compared with; null for zeros.</param>
/// <param name="Seed">Where random numbers start.</param>
public sealed record MethodOptions(string? Layer = null, Baseline? Baseline = null, ulong Seed = 0)
{
    /// <summary>Inputs [M, ...] that methods of many baselines compare with; null for each method's own.</summary>
    public Tensor? Background { get; init; }

    /// <summary>What is switched together by methods that switch parts of an input; null for each method's own parts.</summary>
    public Features? Features { get; init; }

    /// <summary>The least that an input can hold, broadcasting to it; null for the least it does hold.</summary>
    public Tensor? Low { get; init; }

    /// <summary>The most that an input can hold, broadcasting to it; null for the most it does hold.</summary>
    public Tensor? High { get; init; }

    internal IReadOnlyList<Baseline>? Baselines => Baseline is null ? null : [Baseline];
}
