using Vitrine.Cpu;

namespace Vitrine;

/// <summary>AdaDelta (Zeiler 2012), as PyTorch has it: the gradient times the root mean square of past steps over that of gradients.</summary>
/// <param name="learningRate">A factor of each step.</param>
/// <param name="rho">The decay of both means.</param>
/// <param name="epsilon">Added to both means before their root.</param>
/// <param name="weightDecay">Added to the gradient, times the weight (L2).</param>
public sealed class AdaDelta(double learningRate = 1, double rho = 0.9, double epsilon = 1e-6, double weightDecay = 0)
    : ElementwiseOptimizer(learningRate, weightDecay)
{
    private protected override int SlotCount => 2;

    private protected override void Update(in ParameterStep step) =>
        step.Apply(new AdaDeltaRule(step.LearningRate, rho, epsilon, step.WeightDecay));
}
