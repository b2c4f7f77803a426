namespace Vitrine.Insight;

/// <summary>
/// The average causal effect of a neuron on an answer (Chattopadhyay, Manupriya, Sarkar, Balasubramanian 2019, "Neural network attributions: a causal
/// perspective"): the neuron is set to a value in every example, whatever it would have been, and the answers are averaged.
/// </summary>
/// <param name="Values">The values the neuron was set to, from the smallest to the largest it has in the examples.</param>
/// <param name="Expectations">The mean answer under each: the interventional expectation.</param>
public sealed record CausalEffect(IReadOnlyList<double> Values, IReadOnlyList<double> Expectations)
{
    /// <summary>Each expectation less their mean over the values: the paper's average causal effect.</summary>
    public IReadOnlyList<double> Effects => [.. Expectations.Select(e => e - Expectations.Average())];

    /// <summary>Intervenes on a neuron.</summary>
    /// <remarks>The paper expands the answer around the mean example to second order; here every example is asked.</remarks>
    /// <param name="model">The network.</param>
    /// <param name="inputs">The examples, [N, ...].</param>
    /// <param name="neuron">An element of the input or of a layer's result.</param>
    /// <param name="target">The answer.</param>
    /// <param name="steps">How many values it is set to, two or more.</param>
    /// <param name="progress">Told the share of the work that is done.</param>
    /// <param name="cancel">Ends the work between two passes.</param>
    /// <exception cref="ArgumentException">There is no such neuron.</exception>
    public static CausalEffect Of(
        Module model, Tensor inputs, Place neuron, Target target, int steps = 11, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 2);
        Probes probes = Probes.On(model, inputs, target, neuron.Scope, progress, cancel);
        Shape shape = probes.Of.Shape.Without(0);
        if (neuron.Position.Count != shape.Rank || neuron.Position.Where((p, axis) => p < 0 || p >= shape[axis]).Any())
        {
            throw new ArgumentException($"There is no neuron {neuron}: the place has shape {shape} for each example.", nameof(neuron));
        }
        int at = 0;
        for (int axis = 0; axis < shape.Rank; axis++) at = at * shape[axis] + neuron.Position[axis];
        float[] own = [.. Enumerable.Range(0, probes.Examples).Select(n => probes.Example(n)[at])];
        double low = own.Min(), high = own.Max();
        double[] set = [.. Enumerable.Range(0, steps).Select(i => low + (high - low) * i / (steps - 1))];
        float[] answers = probes.Ask(steps, (step, _, values) => values[at] = (float)set[step]);
        return new CausalEffect(set, [.. answers.Chunk(probes.Examples).Select(a => a.Average(v => (double)v))]);
    }
}
