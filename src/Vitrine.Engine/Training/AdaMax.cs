using Vitrine.Cpu;

namespace Vitrine;

/// <summary>AdaMax (Kingma and Ba 2015, section 7), as PyTorch has it: Adam with a decaying maximum in place of the mean of squares.</summary>
/// <param name="learningRate">The step size.</param>
/// <param name="beta1">The decay of the mean of gradients.</param>
/// <param name="beta2">The decay of the maximum.</param>
/// <param name="epsilon">Added to the size of each gradient.</param>
/// <param name="weightDecay">Added to the gradient, times the weight (L2).</param>
public sealed class AdaMax(double learningRate = 2e-3, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double weightDecay = 0)
    : ElementwiseOptimizer(learningRate, weightDecay)
{
    private protected override int SlotCount => 2;

    private protected override void Update(in ParameterStep step) =>
        step.Apply(new AdaMaxRule(step.LearningRate / (1 - Math.Pow(beta1, step.Number)), beta1, beta2, epsilon, step.WeightDecay));
}
