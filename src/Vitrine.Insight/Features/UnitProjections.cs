namespace Vitrine.Insight;

/// <summary>What in each of several inputs excites a unit, projected back to the input: for the examples that excite it most, each at its own place.</summary>
/// <remarks>
/// The answers are those of <see cref="Insight.Deconvnet"/>, <see cref="Insight.GuidedBackprop"/> and <see cref="Gradient"/> with
/// <see cref="Target.Neuron"/>, example by
/// example; here the examples share one run.
/// </remarks>
public static class UnitProjections
{
    /// <summary>Projects one neuron of each example back to the input.</summary>
    /// <param name="model">The network.</param>
    /// <param name="inputs">[N, ...] of floats.</param>
    /// <param name="scope">The module call whose result holds the neurons.</param>
    /// <param name="positions">For each example the place of its neuron, without the batch axis, all coordinates.</param>
    /// <param name="rules">The rule sets (<see cref="ReluRules.Deconvnet"/>, <see cref="ReluRules.GuidedBackprop"/>); null for the gradient.</param>
    /// <returns>For each rule set a projection [N, ...] of the inputs' shape.</returns>
    /// <exception cref="ArgumentException">There is no such module call or neuron, or not one place for each example.</exception>
    public static IReadOnlyList<Tensor> Of(
        Module model, Tensor inputs, string scope, IReadOnlyList<IReadOnlyList<int>> positions, params IReadOnlyList<RuleSet?> rules)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(positions);
        ArgumentNullException.ThrowIfNull(rules);
        if (inputs.Rank < 2 || inputs.Shape[0] != positions.Count) throw new ArgumentException($"{positions.Count} places do not belong to " +
            $"inputs {inputs.Shape}, one each.", nameof(positions));
        using var memory = MemoryScope.Open();
        var run = new Run(recording: true, fused: false).Tap(scope);
        Tensor watched = inputs.Detach().Watch();
        model.Call(run, watched);
        if (!run.Taps.TryGetValue(scope, out Tensor? result)) throw new ArgumentException($"No module call is named {scope}. {Network.Scopes(model, inputs)}",
            nameof(scope));
        if (!result.IsRecorded) return [.. rules.Select(_ => Tensor.Zeros(inputs.Shape))];
        float[] seed = new float[result.Count];
        for (int n = 0; n < positions.Count; n++) seed[At(result.Shape, n, positions[n], scope)] = 1;
        Tensor start = Tensor.From(seed, result.Shape);
        return [.. rules.Select(r => memory.Keep(Autograd.Backward(result, start, [watched], r)[0]))];
    }

    private static int At(Shape shape, int example, IReadOnlyList<int> position, string scope)
    {
        if (position.Count != shape.Rank - 1) throw new ArgumentException($"The result of {scope} has shape {shape}: a neuron has {shape.Rank - 1} " +
            $"coordinates, not {position.Count}.");
        int at = example;
        for (int axis = 0; axis < position.Count; axis++)
        {
            if ((uint)position[axis] >= (uint)shape[axis + 1]) throw new ArgumentException($"The result of {scope} has shape {shape}: there is " +
                $"no {position[axis]} on axis {axis + 1}.");
            at = at * shape[axis + 1] + position[axis];
        }
        return at;
    }
}
