using Vitrine.Ops;

namespace Vitrine.Insight;

/// <summary>Rule sets that change how rectifiers pass gradients back, in any graph.</summary>
public static class ReluRules
{
    /// <summary>Springenberg et al. 2015: the positive part of the gradient, where the input was positive.</summary>
    public static RuleSet GuidedBackprop { get; } = static node =>
        node.Op is ReluOp ? static (node, grad, input, _) => node.Op.Backward(node, grad.Relu(), input) : null;

    /// <summary>Zeiler and Fergus 2014: the positive part of the gradient.</summary>
    public static RuleSet Deconvnet { get; } = static node => node.Op is ReluOp ? static (_, grad, _, _) => grad.Relu() : null;
}
