using Vitrine.Cpu;

namespace Vitrine;

/// <summary>Adam (Kingma and Ba 2015), as PyTorch has it.</summary>
/// <param name="learningRate">The step size.</param>
/// <param name="beta1">The decay of the mean of gradients.</param>
/// <param name="beta2">The decay of the mean of squared gradients.</param>
/// <param name="epsilon">Added to the denominator.</param>
/// <param name="weightDecay">Added to the gradient, times the weight (L2).</param>
/// <param name="amsgrad">Whether the largest mean of squared gradients so far is used (Reddi, Kale, Kumar 2018).</param>
public sealed class Adam(
    double learningRate = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double weightDecay = 0, bool amsgrad = false)
    : ElementwiseOptimizer(learningRate, weightDecay)
{
    private protected override int SlotCount => amsgrad ? 3 : 2;

    private protected override void Update(in ParameterStep step) =>
        step.Apply(new AdamRule(step.LearningRate, beta1, beta2, epsilon, decay: step.WeightDecay, decoupled: 0, amsgrad, step.Number));
}

/// <summary>Adam with decoupled weight decay (Loshchilov and Hutter 2019), as PyTorch has it.</summary>
/// <param name="learningRate">The step size.</param>
/// <param name="beta1">The decay of the mean of gradients.</param>
/// <param name="beta2">The decay of the mean of squared gradients.</param>
/// <param name="epsilon">Added to the denominator.</param>
/// <param name="weightDecay">The part of each weight that a step with learning rate 1 takes away.</param>
/// <param name="amsgrad">Whether the largest mean of squared gradients so far is used (Reddi, Kale, Kumar 2018).</param>
public sealed class AdamW(
    double learningRate = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double epsilon = 1e-8, double weightDecay = 0.01, bool amsgrad = false)
    : ElementwiseOptimizer(learningRate, weightDecay)
{
    private protected override int SlotCount => amsgrad ? 3 : 2;

    private protected override void Update(in ParameterStep step) =>
        step.Apply(new AdamRule(step.LearningRate, beta1, beta2, epsilon, decay: 0, decoupled: step.WeightDecay, amsgrad, step.Number));
}
