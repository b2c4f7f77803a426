namespace Vitrine.Insight;

/// <summary>The weights of convolutions, as pictures to be drawn.</summary>
public static class Filters
{
    /// <summary>The first convolution of a network: the filters that look at the input itself, [O, C, KH, KW].</summary>
    /// <exception cref="ArgumentException">The network has no parameter of four axes.</exception>
    public static Parameter First(Module model) => model.Parameters.FirstOrDefault(p => p.Value.Rank == 4)
        ?? throw new ArgumentException($"{model.GetType().Name} has no convolution: none of its parameters has four axes.");
}
