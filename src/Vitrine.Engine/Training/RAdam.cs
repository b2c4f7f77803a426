using Vitrine.Cpu;

namespace Vitrine;

/// <summary>Rectified Adam (Liu et al. 2020), as PyTorch has it: plain momentum until the mean of squares has seen enough gradients.</summary>
/// <param name="learningRate">The step size.</param>
/// <param name="beta1">The decay of the mean of gradients.</param>
/// <param name="beta2">The decay of the mean of squared gradients.</param>
/// <param name="epsilon">Added to the denominator.</param>
/// <param name="weightDecay">Added to the gradient, times the weight (L2).</param>
public sealed class RAdam(double learningRate = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double weightDecay = 0)
    : ElementwiseOptimizer(learningRate, weightDecay)
{
    private protected override int SlotCount => 2;

    private protected override void Update(in ParameterStep step)
    {
        // rho: how many gradients the mean of squares amounts to.
        double left = Math.Pow(beta2, step.Number), most = 2 / (1 - beta2) - 1, rho = most - 2 * step.Number * left / (1 - left);
        bool rectified = rho > 5;
        double size = step.LearningRate / (1 - Math.Pow(beta1, step.Number));
        if (rectified) size *= Math.Sqrt(1 - left) * Math.Sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho));
        step.Apply(new RAdamRule(size, rectified, beta1, beta2, epsilon, step.WeightDecay));
    }
}
