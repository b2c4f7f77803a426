namespace Vitrine.Insight;

/// <summary>Which rule each linear layer gets. The composites that have a name are those of zennit (Anders et al. 2021).</summary>
/// <param name="Name">The name.</param>
/// <param name="RuleOf">Chooses the rule of a layer.</param>
public sealed record LrpComposite(string Name, Func<LinearLayer, LrpRule> RuleOf)
{
    /// <summary>
    /// Epsilon everywhere: with the rules <see cref="Lrp"/> has for softmax, products and normalisation this is AttnLRP (Achtibat et al. 2024, "AttnLRP:
    /// attention-aware layer-wise relevance propagation for transformers"), and with its rule for gates the LRP of recurrent networks (Arras et al. 2017).
    /// </summary>
    public static LrpComposite Epsilon { get; } = All("lrp epsilon", LrpRules.Epsilon());

    /// <summary>z+ for convolutions, epsilon for dense layers.</summary>
    public static LrpComposite EpsilonPlus { get; } = ByKind("lrp epsilon-plus", LrpRules.ZPlus);

    /// <summary>z+ for convolutions, epsilon for dense layers, flat for first layers.</summary>
    public static LrpComposite EpsilonPlusFlat { get; } = WithFirst("lrp epsilon-plus-flat", EpsilonPlus, _ => LrpRules.Flat);

    /// <summary>alpha 2, beta 1 for convolutions, epsilon for dense layers.</summary>
    public static LrpComposite EpsilonAlpha2Beta1 { get; } = ByKind("lrp epsilon-alpha2-beta1", LrpRules.AlphaBeta(2, 1));

    /// <summary>alpha 2, beta 1 for convolutions, epsilon for dense layers, flat for first layers.</summary>
    public static LrpComposite EpsilonAlpha2Beta1Flat { get; } = WithFirst("lrp epsilon-alpha2-beta1-flat", EpsilonAlpha2Beta1, _ => LrpRules.Flat);

    /// <summary>Excitation backprop (Zhang et al. 2016, "Top-down neural attention by excitation backprop"): z+ everywhere.</summary>
    public static LrpComposite ExcitationBackprop { get; } = All("excitation backprop", LrpRules.ZPlus);

    /// <summary>gamma for convolutions, epsilon for dense layers, z-box for convolutions that are first layers.</summary>
    /// <param name="low">The lower bound of the input, broadcasting to it.</param>
    /// <param name="high">The upper bound of the input, broadcasting to it.</param>
    /// <param name="gamma">The gamma of convolutions.</param>
    public static LrpComposite EpsilonGammaBox(Tensor low, Tensor high, float gamma = 0.25f) => GammaBox(LrpRules.ZBox(low, high), gamma);

    /// <summary>The same where nobody knows the bounds of inputs: each example lies between the least and the most that it holds.</summary>
    public static LrpComposite EpsilonGammaOwnBox { get; } = GammaBox(LrpRules.OwnBox, 0.25f);

    /// <summary>The same rule for every layer.</summary>
    public static LrpComposite All(string name, LrpRule rule) => new(name, _ => rule);

    private static LrpComposite GammaBox(LrpRule box, float gamma) =>
        WithFirst("lrp epsilon-gamma-box", ByKind("", LrpRules.Gamma(gamma)), layer => layer.IsConvolution ? box : null);

    private static LrpComposite ByKind(string name, LrpRule convolutions)
    {
        LrpRule dense = LrpRules.Epsilon();
        return new LrpComposite(name, layer => layer.IsConvolution ? convolutions : dense);
    }

    private static LrpComposite WithFirst(string name, LrpComposite others, Func<LinearLayer, LrpRule?> first) =>
        new(name, layer => (layer.IsFirst ? first(layer) : null) ?? others.RuleOf(layer));
}
