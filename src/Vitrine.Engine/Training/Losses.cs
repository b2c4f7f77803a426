namespace Vitrine;

/// <summary>How the losses of the elements of a batch become one.</summary>
public enum LossReduction
{
    /// <summary>Their mean (weighted, where there are weights).</summary>
    Mean,

    /// <summary>Their sum.</summary>
    Sum,

    /// <summary>Not at all.</summary>
    None,
}

/// <summary>Loss functions: of predictions and targets, composed of operators.</summary>
public static partial class Loss
{
    /// <summary>Cross-entropy of logits and classes: the negative log-probability of the right class.</summary>
    /// <param name="logits">[N, C] or [N, C, ...]; not normalised.</param>
    /// <param name="target">[N] or [N, ...]: the class of each, Int64.</param>
    /// <param name="weight">[C], the weight of each class; null for equal weights.</param>
    /// <param name="labelSmoothing">How much of the target is spread evenly over all classes, in [0, 1] (Szegedy et al. 2016).</param>
    /// <param name="ignoreIndex">Targets of this value count for nothing.</param>
    /// <param name="reduction">Mean divides by the sum of the weights of the targets, as PyTorch does.</param>
    /// <returns>A scalar, or with <see cref="LossReduction.None"/> a tensor of the target's shape.</returns>
    public static Tensor CrossEntropy(
        Tensor logits, Tensor target, Tensor? weight = null, float labelSmoothing = 0, long ignoreIndex = -100, LossReduction reduction = LossReduction.Mean)
    {
        Tensor logP = logits.LogSoftmax(1);
        if (labelSmoothing == 0) return Nll(logP, target, weight, ignoreIndex, reduction);
        (Tensor counted, Tensor safe) = Counted(target, ignoreIndex);
        Tensor weights = weight is null ? counted : counted * weight.IndexSelect(0, safe);
        int classes = logits.Shape[1];
        Tensor perClass = weight is null ? logP : logP * weight.Reshape(Shape.Create([.. Enumerable.Repeat(1, logP.Rank)]).With(1, classes));
        Tensor even = perClass.Sum([1]) * counted * (-labelSmoothing / classes);
        Tensor right = logP.Gather(1, safe.Unsqueeze(1)).Squeeze(1) * weights * (labelSmoothing - 1);
        return Reduce(right + even, weights, reduction);
    }

    /// <summary>The negative log-likelihood of classes, given log-probabilities; see <see cref="CrossEntropy"/>.</summary>
    public static Tensor Nll(Tensor logP, Tensor target, Tensor? weight = null, long ignoreIndex = -100, LossReduction reduction = LossReduction.Mean)
    {
        if (logP.Rank < 2 || target.Shape != logP.Shape.Without(1)) throw new ArgumentException($"Logits of shape {logP.Shape} need targets of shape {(logP.Rank < 2 ? "[N]" : logP.Shape.Without(1))}, not {target.Shape}.");
        if (weight is null && !target.Longs.Contains(ignoreIndex))
        {
            // The common case is three operators: pick, add up, scale.
            Tensor picked = logP.Gather(1, target.Unsqueeze(1));
            return reduction switch
            {
                LossReduction.Mean => picked.Sum() * (-1f / target.Count),
                LossReduction.Sum => picked.Sum() * -1f,
                _ => picked.Squeeze(1) * -1f,
            };
        }
        (Tensor counted, Tensor safe) = Counted(target, ignoreIndex);
        Tensor weights = weight is null ? counted : counted * weight.IndexSelect(0, safe);
        return Reduce(logP.Gather(1, safe.Unsqueeze(1)).Squeeze(1) * weights * -1f, weights, reduction);
    }

    /// <summary>The squared difference.</summary>
    public static Tensor Mse(Tensor prediction, Tensor target, LossReduction reduction = LossReduction.Mean) =>
        Reduce((prediction - target).Square(), reduction);

    /// <summary>Binary cross-entropy of logits and probabilities of the positive class, without overflow.</summary>
    /// <param name="logits">Any shape.</param>
    /// <param name="target">The same shape, in [0, 1].</param>
    /// <param name="weight">A factor for each element, broadcasting; null for 1.</param>
    /// <param name="positiveWeight">A factor for the positive part, broadcasting; null for 1.</param>
    /// <param name="reduction">How the elements become one number.</param>
    public static Tensor BceWithLogits(
        Tensor logits, Tensor target, Tensor? weight = null, Tensor? positiveWeight = null, LossReduction reduction = LossReduction.Mean)
    {
        // -t log s(x) - (1 - t) log(1 - s(x)) = softplus(x) - t x; with a positive weight, (1 - t) x + (1 + (w - 1) t) softplus(-x).
        Tensor loss = positiveWeight is null
            ? logits.Softplus() - target * logits
            : (1f - target) * logits + (1f + (positiveWeight - 1f) * target) * (-logits).Softplus();
        return Reduce(weight is null ? loss : loss * weight, reduction);
    }

    internal static Tensor Reduce(Tensor loss, LossReduction reduction) => reduction switch
    {
        LossReduction.Mean => loss.Mean(),
        LossReduction.Sum => loss.Sum(),
        _ => loss,
    };

    private static Tensor Reduce(Tensor loss, Tensor weights, LossReduction reduction) => reduction == LossReduction.Mean ? loss.Sum() / weights.Sum()
        : Reduce(loss, reduction);

    /// <summary>1 for targets that count and 0 for the others, and the targets with a harmless class in place of the others.</summary>
    private static (Tensor Counted, Tensor Safe) Counted(Tensor target, long ignoreIndex)
    {
        float[] counted = new float[target.Count];
        long[] safe = target.Longs.ToArray();
        for (int i = 0; i < safe.Length; i++)
        {
            counted[i] = safe[i] == ignoreIndex ? 0 : 1;
            if (safe[i] == ignoreIndex) safe[i] = 0;
        }
        return (Tensor.From(counted, target.Shape), Tensor.From(safe, target.Shape));
    }
}
