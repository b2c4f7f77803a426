using Vitrine.Ops;

namespace Vitrine.Insight;

/// <summary>
/// RectGrad (Kim, Seo, Jeon, Koo, Choe, Jeon 2019, "Why are saliency maps noisy? Cause of and solution to noisy saliency maps"): a ReLU passes back only where
/// its activation times what came back is above a percentile of these products over the layer. The threshold is that of each example and never below 0, so that
/// units that were off stay off.
/// </summary>
public sealed class RectGrad : BackpropAttribution
{
    private readonly double _percentile;

    /// <summary>Chooses the threshold.</summary>
    /// <param name="percentile">How many of a hundred products are held back at least.</param>
    public RectGrad(double percentile = 90)
    {
        if (percentile is not (>= 0 and < 100)) throw new ArgumentOutOfRangeException(nameof(percentile), percentile, "A percentile lies in [0, 100).");
        _percentile = percentile;
    }

    /// <inheritdoc/>
    public override string Name => "rectgrad";

    /// <inheritdoc/>
    protected override RuleSet? Rules => node => node.Op is ReluOp ? Rectify : null;

    private Tensor? Rectify(Node node, Tensor grad, int input, Node? reference)
    {
        Tensor products = node.Output * grad;
        int n = products.Shape[0], length = products.Count / Math.Max(1, n);
        float[] thresholds = new float[n];
        for (int i = 0; i < n; i++) thresholds[i] = Math.Max(0, Percentile(products.Floats.Slice(i * length, length).ToArray()));
        Shape each = Shape.Create([.. Enumerable.Repeat(1, products.Rank)]).With(0, n);
        return products.Greater(Tensor.From(thresholds, each)).Where(grad, Tensor.Scalar(0));
    }

    /// <summary>The percentile, linear between neighbours.</summary>
    private float Percentile(float[] values)
    {
        if (values.Length == 0) return 0;
        Array.Sort(values);
        double place = _percentile / 100 * (values.Length - 1);
        int below = (int)place, above = Math.Min(below + 1, values.Length - 1);
        return (float)(values[below] + (place - below) * (values[above] - values[below]));
    }
}
