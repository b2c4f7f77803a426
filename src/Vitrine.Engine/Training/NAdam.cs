using Vitrine.Cpu;

namespace Vitrine;

/// <summary>Adam with Nesterov's momentum (Dozat 2016), as PyTorch has it.</summary>
/// <param name="learningRate">The step size.</param>
/// <param name="beta1">The decay of the mean of gradients.</param>
/// <param name="beta2">The decay of the mean of squared gradients.</param>
/// <param name="epsilon">Added to the denominator.</param>
/// <param name="weightDecay">Added to the gradient, times the weight (L2).</param>
/// <param name="momentumDecay">How fast the momentum grows towards beta1: beta1 (1 - 0.96^(t this) / 2).</param>
/// <param name="beforeTorch2">
/// Whether the current momentum counts twice in the correction of the mean, as in PyTorch before 2.0 (its pull request 92699 mended that): to repeat old runs.
/// </param>
public sealed class NAdam(
    double learningRate = 2e-3, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double weightDecay = 0, double momentumDecay = 4e-3,
    bool beforeTorch2 = false)
    : ElementwiseOptimizer(learningRate, weightDecay)
{
    // The product of all momenta up to a step depends on the step alone; the last one is remembered.
    private long _known;
    private double _product = 1;

    private protected override int SlotCount => 2;

    private protected override void Update(in ParameterStep step)
    {
        double momentum = Momentum(step.Number), next = Momentum(step.Number + 1), product = Product(step.Number);
        double byGradient = step.LearningRate * (1 - momentum) / (1 - product);
        double byMean = step.LearningRate * next / (1 - product * next * (beforeTorch2 ? momentum : 1));
        step.Apply(new NAdamRule(byGradient, byMean, beta1, beta2, 1 / Math.Sqrt(1 - Math.Pow(beta2, step.Number)), epsilon, step.WeightDecay));
    }

    private double Momentum(long step) => beta1 * (1 - 0.5 * Math.Pow(0.96, step * momentumDecay));

    private double Product(long step)
    {
        if (step < _known) (_known, _product) = (0, 1);
        while (_known < step) _product *= Momentum(++_known);
        return _product;
    }
}
