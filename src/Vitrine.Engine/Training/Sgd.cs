using Vitrine.Cpu;

namespace Vitrine;

/// <summary>Stochastic gradient descent with momentum (Polyak 1964), optionally Nesterov's (Sutskever et al. 2013), as PyTorch has it.</summary>
/// <param name="learningRate">The step size.</param>
/// <param name="momentum">How much of the last step is kept, in [0, 1).</param>
/// <param name="weightDecay">Added to the gradient, times the weight (L2).</param>
/// <param name="nesterov">Look ahead along the momentum.</param>
public sealed class Sgd(float learningRate, float momentum = 0, float weightDecay = 0, bool nesterov = false)
    : ElementwiseOptimizer(learningRate, weightDecay)
{
    private protected override int SlotCount => momentum == 0 ? 0 : 1;

    private protected override void Update(in ParameterStep step) =>
        step.Apply(new SgdRule((float)step.LearningRate, momentum, (float)step.WeightDecay, nesterov));
}
