namespace Vitrine.Insight;

/// <summary>Shares the relevance of a linear layer's result out to its input.</summary>
/// <param name="layer">The layer, with the input it was applied to.</param>
/// <param name="relevance">Of the shape of the layer's result.</param>
/// <returns>The relevance of the input, of its shape.</returns>
public delegate Tensor LrpRule(LinearLayer layer, Tensor relevance);

/// <summary>
/// The rules of layer-wise relevance propagation for linear layers (Bach et al. 2015, "On pixel-wise explanations for non-linear classifier decisions by
/// layer-wise relevance propagation"; Montavon et al. 2019, "Layer-wise relevance propagation: an overview"). Notation: x the input, w the weight, b the bias,
/// z = x w + b, R the relevance of z; + and - mark positive and negative parts. A bias is part of the denominator and keeps its share.
/// </summary>
public static class LrpRules
{
    /// <summary>What is added to a denominator, away from zero, so that it can be divided by.</summary>
    public const float Stabilizer = 1e-6f;

    /// <summary>LRP-0: R is shared out in proportion to x w. Where z is 0 its relevance ends.</summary>
    public static LrpRule Zero { get; } = Epsilon(0);

    /// <summary>LRP-epsilon: in proportion to x w, over z + epsilon sign(z), which keeps back what is weak or contradicted.</summary>
    public static LrpRule Epsilon(float epsilon = Stabilizer) => Rho(static w => w, epsilon);

    /// <summary>In proportion to x rho(w), over x rho(w) + b: the form Montavon et al. 2019 give to all rules for inputs that are not negative.</summary>
    /// <param name="rho">Changes the weight.</param>
    /// <param name="epsilon">What is added to the denominator, with its sign.</param>
    public static LrpRule Rho(Func<Tensor, Tensor> rho, float epsilon = Stabilizer) => (layer, relevance) =>
    {
        (Tensor z, Func<Tensor, Tensor> back) = layer.On(layer.Input, rho(layer.Weight), layer.Bias);
        return layer.Input * back(relevance / Stable(z, epsilon));
    };

    /// <summary>
    /// LRP-gamma: what agrees with the sign of z counts 1 + gamma times, for inputs of either sign (Andeol et al. 2021, "Learning domain invariant
    /// representations by joint Wasserstein distance minimization", give the general form). The bias is treated as a weight.
    /// </summary>
    public static LrpRule Gamma(float gamma = 0.25f) => (layer, relevance) =>
    {
        Tensor x = layer.Input, w = layer.Weight, zero = Tensor.Scalar(0);
        Tensor z = layer.On(x, w, layer.Bias).Output;
        Tensor more = w + Positive(w) * gamma, less = w + Negative(w) * gamma;
        Tensor? up = layer.Bias is { } b ? b + Positive(b) * gamma : null, down = layer.Bias is { } c ? c + Negative(c) * gamma : null;
        return Pair(layer, more, less, up, z.Greater(zero).Where(relevance, zero)) + Pair(layer, less, more, down, z.Less(zero).Where(relevance, zero));
    };

    /// <summary>
    /// LRP-alpha-beta: alpha R in proportion to what raises z and -beta R in proportion to what lowers it. With alpha - beta = 1 relevance is conserved where
    /// there is both.
    /// </summary>
    /// <exception cref="ArgumentException">One is negative, or they do not differ by 1.</exception>
    public static LrpRule AlphaBeta(float alpha = 2, float beta = 1)
    {
        if (alpha < 0 || beta < 0 || alpha - beta != 1)
        {
            throw new ArgumentException($"alpha and beta are not negative and differ by 1; they are {alpha} and {beta}.", nameof(alpha));
        }
        return (layer, relevance) =>
        {
            Tensor positive = Positive(layer.Weight), negative = Negative(layer.Weight);
            Tensor raised = Pair(layer, positive, negative, layer.Bias is null ? null : Positive(layer.Bias), relevance);
            return beta == 0
                ? raised * alpha
                : raised * alpha - Pair(layer, negative, positive, layer.Bias is null ? null : Negative(layer.Bias), relevance) * beta;
        };
    }

    /// <summary>
    /// z+ (Montavon et al. 2017, "Explaining nonlinear classification decisions with deep Taylor decomposition"): in proportion to what raises z; where nothing
    /// does its relevance ends.
    /// </summary>
    public static LrpRule ZPlus { get; } = AlphaBeta(1, 0);

    /// <summary>
    /// w squared (Montavon et al. 2017): in proportion to the square of the weight, whatever the input; for first layers of unbounded inputs.
    /// </summary>
    public static LrpRule WSquare { get; } = (layer, relevance) =>
        Whatever(layer, layer.Weight.Square(), layer.Bias?.Square(), relevance);

    /// <summary>Flat (Lapuschkin et al. 2019, "Unmasking Clever Hans predictors"): evenly over the inputs that z sees.</summary>
    public static LrpRule Flat { get; } = (layer, relevance) => Whatever(layer, Tensor.Ones(layer.Weight.Shape), null, relevance);

    /// <summary>
    /// z-box (Montavon et al. 2017): in proportion to x w - low w+ - high w-, for first layers whose inputs lie between two bounds.
    /// </summary>
    /// <param name="low">The lower bound, broadcasting to the input.</param>
    /// <param name="high">The upper bound, broadcasting to the input.</param>
    public static LrpRule ZBox(Tensor low, Tensor high) => (layer, relevance) => Box(layer, relevance, low, high);

    /// <summary>z-box between the least and the most that each example holds.</summary>
    public static LrpRule OwnBox { get; } = (layer, relevance) =>
    {
        int[] example = [.. Enumerable.Range(1, layer.Input.Rank - 1)];
        return Box(layer, relevance, layer.Input.Min(example, keepDims: true), layer.Input.Max(example, keepDims: true));
    };

    private static Tensor Box(LinearLayer layer, Tensor relevance, Tensor low, Tensor high)
    {
        Tensor x = layer.Input, least = low.Expand(x.Shape), most = high.Expand(x.Shape);
        (Tensor z, Func<Tensor, Tensor> back) = layer.On(x, layer.Weight, layer.Bias);
        (Tensor zLow, Func<Tensor, Tensor> backLow) = layer.On(least, Positive(layer.Weight), layer.Bias is null ? null : Positive(layer.Bias));
        (Tensor zHigh, Func<Tensor, Tensor> backHigh) = layer.On(most, Negative(layer.Weight), layer.Bias is null ? null : Negative(layer.Bias));
        Tensor share = relevance / Stable(z - zLow - zHigh, Stabilizer);
        return x * back(share) - least * backLow(share) - most * backHigh(share);
    }

    /// <summary>z, moved away from zero by epsilon; 0 counts as positive. Where both are 0 the quotient is 0.</summary>
    internal static Tensor Stable(Tensor z, float epsilon) => epsilon == 0
        ? z.EqualTo(Tensor.Scalar(0)).Where(Tensor.Scalar(float.PositiveInfinity), z)
        : z.GreaterOrEqual(Tensor.Scalar(0)).Where(z + epsilon, z - epsilon);

    private static Tensor Positive(Tensor x) => x.Relu();

    private static Tensor Negative(Tensor x) => -(-x).Relu();

    /// <summary>In proportion to x+ with one weight and x- with the other.</summary>
    private static Tensor Pair(LinearLayer layer, Tensor forPositive, Tensor forNegative, Tensor? bias, Tensor relevance)
    {
        Tensor above = Positive(layer.Input), below = Negative(layer.Input);
        (Tensor zAbove, Func<Tensor, Tensor> backAbove) = layer.On(above, forPositive, bias);
        (Tensor zBelow, Func<Tensor, Tensor> backBelow) = layer.On(below, forNegative);
        Tensor share = relevance / Stable(zAbove + zBelow, Stabilizer);
        return above * backAbove(share) + below * backBelow(share);
    }

    /// <summary>In proportion to the weight alone, as for inputs of one.</summary>
    private static Tensor Whatever(LinearLayer layer, Tensor weight, Tensor? bias, Tensor relevance)
    {
        (Tensor z, Func<Tensor, Tensor> back) = layer.On(Tensor.Ones(layer.Input.Shape), weight, bias);
        return back(relevance / Stable(z, Stabilizer));
    }
}
