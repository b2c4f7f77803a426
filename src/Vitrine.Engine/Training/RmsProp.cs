using Vitrine.Cpu;

namespace Vitrine;

/// <summary>RMSprop (Tieleman and Hinton 2012), as PyTorch has it: the gradient over the root of its mean square.</summary>
/// <param name="learningRate">The step size.</param>
/// <param name="alpha">The decay of the mean of squared gradients.</param>
/// <param name="epsilon">Added to the root.</param>
/// <param name="weightDecay">Added to the gradient, times the weight (L2).</param>
/// <param name="momentum">How much of the last step is kept, in [0, 1).</param>
/// <param name="centered">Whether the variance of gradients is used in place of their mean square (Graves 2013).</param>
public sealed class RmsProp(
    double learningRate = 1e-2, double alpha = 0.99, double epsilon = 1e-8, double weightDecay = 0, double momentum = 0, bool centered = false)
    : ElementwiseOptimizer(learningRate, weightDecay)
{
    private protected override int SlotCount => 1 + (momentum > 0 ? 1 : 0) + (centered ? 1 : 0);

    private protected override void Update(in ParameterStep step) =>
        step.Apply(new RmsPropRule(step.LearningRate, alpha, epsilon, step.WeightDecay, momentum, centered));
}
