using Vitrine.Cpu;

namespace Vitrine;

/// <summary>AdaGrad (Duchi, Hazan, Singer 2011), as PyTorch has it: the gradient over the root of the sum of its squares.</summary>
/// <param name="learningRate">The step size.</param>
/// <param name="rateDecay">The step size is divided by 1 + this times the number of steps before.</param>
/// <param name="weightDecay">Added to the gradient, times the weight (L2).</param>
/// <param name="initialSum">What the sum of squares starts from.</param>
/// <param name="epsilon">Added to the root.</param>
public sealed class AdaGrad(double learningRate = 1e-2, double rateDecay = 0, double weightDecay = 0, double initialSum = 0, double epsilon = 1e-10)
    : ElementwiseOptimizer(learningRate, weightDecay)
{
    private protected override int SlotCount => 1;

    private protected override void Update(in ParameterStep step)
    {
        if (step.Number == 1 && initialSum != 0) step.Slots[0].MutableFloats.Fill((float)initialSum);
        step.Apply(new AdaGradRule(step.LearningRate / (1 + (step.Number - 1) * rateDecay), epsilon, step.WeightDecay));
    }
}
