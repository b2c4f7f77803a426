namespace Vitrine;

/// <summary>
/// Changes parameters by their gradients, in place. An optimizer's state belongs to the parameters by name, so that a checkpoint can be resumed bit for bit.
/// </summary>
public abstract class Optimizer
{
    private protected Optimizer(float learningRate) => LearningRate = learningRate;

    /// <summary>The step size; schedules change it between steps.</summary>
    public float LearningRate { get; set; }

    /// <summary>How many steps were made.</summary>
    public long Steps { get; private set; }

    /// <summary>Whether a step has to evaluate the loss at several places, so that gradients alone are not enough.</summary>
    public abstract bool NeedsLoss { get; }

    /// <summary>Updates every parameter that is not frozen; gradient i belongs to parameter i.</summary>
    /// <exception cref="ArgumentException">There are not as many gradients as parameters.</exception>
    /// <exception cref="InvalidOperationException">The optimizer <see cref="NeedsLoss"/>.</exception>
    public void Step(IReadOnlyList<Parameter> parameters, Gradients gradients)
    {
        if (NeedsLoss)
            throw new InvalidOperationException($"{GetType().Name} evaluates the loss several times in a step: give it a function of loss and gradients.");
        Step(parameters, () => (0, gradients));
    }

    /// <summary>Makes one step of a loss that can be evaluated again with changed parameters.</summary>
    /// <param name="parameters">What may be changed; frozen parameters are left alone.</param>
    /// <param name="evaluate">Computes the loss at the parameters' present values, and its gradient with respect to each of them.</param>
    /// <returns>The loss before the step.</returns>
    /// <exception cref="ArgumentException">There are not as many gradients as parameters.</exception>
    public float Step(IReadOnlyList<Parameter> parameters, Func<(float Loss, Gradients Gradients)> evaluate)
    {
        (float loss, Gradients gradients) = evaluate();
        if (parameters.Count != gradients.Count) throw new ArgumentException($"{gradients.Count} gradients do not belong to {parameters.Count} parameters.");
        Steps++;
        Advance(parameters, loss, gradients, evaluate);
        return loss;
    }

    /// <summary>The state by name: <c>0.features.3.weight</c> for the first tensor kept for a parameter.</summary>
    public IReadOnlyDictionary<string, Tensor> State()
    {
        var state = new SortedDictionary<string, Tensor>(StringComparer.Ordinal) { ["steps"] = Tensor.From([Steps], [1]) };
        Save(state);
        return state;
    }

    /// <summary>Restores a <see cref="State"/> for these parameters.</summary>
    /// <exception cref="ArgumentException">The state is that of another optimizer or network.</exception>
    public void Load(IReadOnlyDictionary<string, Tensor> state, IEnumerable<Parameter> parameters)
    {
        Steps = Required(state, "steps").Longs[0];
        Restore(state, parameters);
    }

    private protected static Tensor Required(IReadOnlyDictionary<string, Tensor> state, string name) =>
        state.TryGetValue(name, out Tensor? tensor)
            ? tensor
            : throw new ArgumentException($"The optimizer's state lacks {name}; it is that of another kind of optimizer.");

    /// <summary>One step from a point where loss and gradients are known.</summary>
    private protected abstract void Advance(
        IReadOnlyList<Parameter> parameters, float loss, Gradients gradients, Func<(float Loss, Gradients Gradients)> evaluate);

    /// <summary>Adds what a step depends on beside the parameters.</summary>
    private protected abstract void Save(IDictionary<string, Tensor> state);

    /// <summary>Takes back what <see cref="Save"/> gave.</summary>
    private protected abstract void Restore(IReadOnlyDictionary<string, Tensor> state, IEnumerable<Parameter> parameters);
}
