namespace Vitrine.Insight;

/// <summary>Whether an explanation stays as it is where it should.</summary>
public static class Robustness
{
    /// <summary>
    /// Max-sensitivity (Yeh et al. 2019, "On the (in)fidelity and sensitivity of explanations"): how far the explanation moves, at most, when the input is
    /// changed by a little uniform noise, as a share of its length.
    /// </summary>
    /// <param name="method">The method.</param>
    /// <param name="model">The network.</param>
    /// <param name="input">[N, ...], Float32.</param>
    /// <param name="target">What is asked; the class is that of the unchanged input.</param>
    /// <param name="radius">The noise lies between minus this and this.</param>
    /// <param name="samples">How many times it is drawn; each costs an explanation.</param>
    /// <param name="seed">Where the random numbers start.</param>
    /// <param name="cancel">Ends the work between two passes.</param>
    /// <returns>One number for each example; 0 where the explanation is zeros.</returns>
    public static double[] MaxSensitivity(
        IAttribution method, Module model, Tensor input, Target target, double radius = 0.02, int samples = 10, ulong seed = 0,
        CancellationToken cancel = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, 1);
        Attribution at = method.Explain(model, input, target, cancel: cancel);
        Target same = target.ChosenAt(at.Output);
        float[] plain = at.Values.ToArray();
        int examples = input.Shape[0], size = plain.Length / examples;
        double[] most = new double[examples];
        for (int s = 0; s < samples; s++)
        {
            Tensor one = new RandomSource(new RandomSource(seed).Derive((ulong)s)).Uniform(input.Shape.With(0, 1), -(float)radius, (float)radius);
            float[] near = method.Explain(model, input.Detach() + one, same, cancel: cancel).Values.ToArray();
            for (int n = 0; n < examples; n++) most[n] = Math.Max(most[n], Moved(plain.AsSpan(n * size, size), near.AsSpan(n * size, size)));
        }
        return most;
    }

    /// <summary>
    /// Input invariance (Kindermans et al. 2017, "The (un)reliability of saliency methods"): a network that is told that all its inputs are shifted by a
    /// constant, and undoes it, computes the same; so its explanation should be the same.
    /// </summary>
    /// <param name="method">The method.</param>
    /// <param name="model">The network.</param>
    /// <param name="input">[N, ...], Float32.</param>
    /// <param name="target">What is asked.</param>
    /// <param name="shift">The constant.</param>
    /// <param name="cancel">Ends the work between two passes.</param>
    /// <returns>For each example how far the explanation moves, as a share of its length; 0 for a method that is invariant.</returns>
    public static double[] ShiftVariance(IAttribution method, Module model, Tensor input, Target target, float shift = 1, CancellationToken cancel = default)
    {
        float[] plain = method.Explain(model, input, target, cancel: cancel).Values.ToArray();
        float[] shifted = method.Explain(new Around(model, before: x => x - shift), input.Detach() + shift, target, cancel: cancel).Values.ToArray();
        int examples = input.Shape[0], size = plain.Length / examples;
        return [.. Enumerable.Range(0, examples).Select(n => Moved(plain.AsSpan(n * size, size), shifted.AsSpan(n * size, size)))];
    }

    /// <summary>The length of the difference as a share of the length of the first.</summary>
    private static double Moved(ReadOnlySpan<float> from, ReadOnlySpan<float> to)
    {
        double difference = 0, length = 0;
        for (int i = 0; i < from.Length; i++)
        {
            double by = (double)to[i] - from[i];
            difference += by * by;
            length += (double)from[i] * from[i];
        }
        return length > 0 ? Math.Sqrt(difference / length) : 0;
    }
}

/// <summary>A network with a function before or after it; its module calls keep their names.</summary>
internal sealed class Around(Module inner, Func<Tensor, Tensor>? before = null, Func<Tensor, Tensor>? after = null) : Module(Weights.Random(0))
{
    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x)
    {
        Tensor y = inner.Call(run, before is null ? x : before(x));
        return after is null ? y : after(y);
    }
}
