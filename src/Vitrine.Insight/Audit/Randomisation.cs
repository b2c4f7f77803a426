namespace Vitrine.Insight;

/// <summary>How alike explanations are before and after something they should depend on was changed.</summary>
/// <param name="What">What was changed: a layer, and with it all after it; or the class.</param>
/// <param name="Spearman">The rank correlation of the explanations for each example, signs counting.</param>
/// <param name="Ssim">Their structural similarity for each example, sizes summed over channels and scaled to 1; null where they are no pictures of at least 7 x
/// 7.</param>
public sealed record Likeness(string What, IReadOnlyList<double> Spearman, IReadOnlyList<double>? Ssim);

/// <summary>
/// Sanity checks (Adebayo et al. 2018, "Sanity checks for saliency maps"): an explanation that stays the same when the network forgets what it learned does not
/// explain it.
/// </summary>
public static class Randomisation
{
    /// <summary>
    /// Cascading randomisation: layer by layer, from the answer to the input, weights are replaced by normal numbers of the same mean and deviation, and the
    /// input is explained anew.
    /// </summary>
    /// <remarks>
    /// The weights are replaced in the network itself and put back at the end, whatever happens: nobody else may use it meanwhile.
    /// </remarks>
    /// <param name="method">The method.</param>
    /// <param name="model">The network.</param>
    /// <param name="input">[N, ...].</param>
    /// <param name="target">What is asked; the class is that of the trained network's answer.</param>
    /// <param name="seed">Where the random numbers start.</param>
    /// <param name="onlyAll">Explain once, when all layers are random.</param>
    /// <param name="progress">Told the share of the layers that are done.</param>
    /// <param name="cancel">Ends the work between two passes.</param>
    /// <returns>One entry for each layer that has weights, the last layer first; it says how alike the explanation then is to the first.</returns>
    /// <exception cref="ArgumentException">The network has no weights.</exception>
    public static IReadOnlyList<Likeness> Cascade(
        IAttribution method, Module model, Tensor input, Target target, ulong seed = 0, bool onlyAll = false, IProgress<double>? progress = null,
        CancellationToken cancel = default) => Cascade(method, model, model.Parameters, input, target, seed, onlyAll, progress, cancel);

    /// <summary>The same for some of the weights, such as those behind the layer that is explained.</summary>
    internal static IReadOnlyList<Likeness> Cascade(
        IAttribution method, Module model, IReadOnlyList<Parameter> weights, Tensor input, Target target, ulong seed, bool onlyAll,
        IProgress<double>? progress, CancellationToken cancel)
    {
        (string Layer, Parameter[] Weights)[] layers =
        [
            .. weights.GroupBy(p => p.Name.LastIndexOf('.') is >= 0 and var dot ? p.Name[..dot] : p.Name).Select(g => (g.Key, g.ToArray())).Reverse(),
        ];
        if (layers.Length == 0) throw new ArgumentException("The network has no weights to randomise.", nameof(model));
        Attribution trained = method.Explain(model, input, target, cancel: cancel);
        Target same = target.ChosenAt(trained.Output);
        float[][] kept = [.. layers.SelectMany(l => l.Weights).Select(p => p.Value.ToArray())];
        var likeness = new List<Likeness>();
        try
        {
            for (int l = 0; l < layers.Length; l++)
            {
                foreach (Parameter weight in layers[l].Weights) weight.Assign(Random(weight, seed));
                if (onlyAll && l < layers.Length - 1) continue;
                likeness.Add(Compare(layers[l].Layer, trained.Values, method.Explain(model, input, same, cancel: cancel).Values));
                progress?.Report((l + 1.0) / layers.Length);
            }
        }
        finally
        {
            int at = 0;
            foreach (Parameter weight in layers.SelectMany(l => l.Weights)) weight.Assign(Tensor.From(kept[at++], weight.Value.Shape));
        }
        return likeness;
    }

    /// <summary>
    /// Makes a network forget what it learned: the numbers of every weight change places at random. Each tensor keeps its distribution, so that activations
    /// keep their order of size, and nothing else. The network itself is changed, for good.
    /// </summary>
    /// <param name="model">The network.</param>
    /// <param name="seed">Where the random numbers start.</param>
    /// <exception cref="ArgumentException">The network has no weights.</exception>
    public static void Shuffle(Module model, ulong seed = 0)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (model.Parameters.Count == 0) throw new ArgumentException("The network has no weights to randomise.", nameof(model));
        foreach (Parameter weight in model.Parameters)
        {
            float[] values = weight.Value.ToArray();
            int[] order = new RandomSource(new RandomSource(seed).Derive(weight.Name)).Permutation(values.Length);
            weight.Assign(Tensor.From([.. order.Select(i => values[i])], weight.Value.Shape));
        }
    }

    /// <summary>Random logit (Sixt, Granz, Landgraf 2020, "When explanations lie"): how alike the explanations of one class and of another are.</summary>
    /// <param name="method">The method.</param>
    /// <param name="model">The network.</param>
    /// <param name="input">[N, ...].</param>
    /// <param name="target">What is asked.</param>
    /// <param name="other">What is asked instead.</param>
    /// <param name="cancel">Ends the work between two passes.</param>
    public static Likeness OtherTarget(
        IAttribution method, Module model, Tensor input, Target target, Target other, CancellationToken cancel = default) => Compare(
        $"{target} and {other}", method.Explain(model, input, target, cancel: cancel).Values, method.Explain(model, input, other, cancel: cancel).Values);

    private static Tensor Random(Parameter weight, ulong seed)
    {
        float[] values = weight.Value.ToArray();
        double mean = values.Average(v => (double)v), deviation = Math.Sqrt(values.Average(v => (v - mean) * (v - mean)));
        return new RandomSource(new RandomSource(seed).Derive(weight.Name)).Normal(weight.Value.Shape, (float)mean, (float)deviation);
    }

    private static Likeness Compare(string what, Tensor a, Tensor b)
    {
        int examples = a.Shape[0], size = a.Count / examples;
        bool pictures = a.Rank == 4 && a.Shape[2] >= 7 && a.Shape[3] >= 7;
        double[] spearman = new double[examples];
        double[]? ssim = pictures ? new double[examples] : null;
        for (int n = 0; n < examples; n++)
        {
            ReadOnlySpan<float> x = a.Floats.Slice(n * size, size), y = b.Floats.Slice(n * size, size);
            spearman[n] = Similarity.Spearman(x, y);
            if (ssim is not null) ssim[n] = Similarity.Ssim(Sizes(x, a.Shape), Sizes(y, a.Shape), a.Shape[2], a.Shape[3]);
        }
        return new Likeness(what, spearman, ssim);
    }

    /// <summary>Sizes summed over channels, the largest 1.</summary>
    private static float[] Sizes(ReadOnlySpan<float> map, Shape shape)
    {
        float[] sizes = new float[shape[2] * shape[3]];
        for (int i = 0; i < map.Length; i++) sizes[i % sizes.Length] += Math.Abs(map[i]);
        float largest = sizes.Max();
        return largest > 0 ? [.. sizes.Select(s => s / largest)] : sizes;
    }
}
