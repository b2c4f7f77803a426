namespace Vitrine;

// Losses of distances and margins, with PyTorch's definitions and defaults. A label is 1 or -1.
public static partial class Loss
{
    /// <summary>The absolute difference.</summary>
    public static Tensor L1(Tensor prediction, Tensor target, LossReduction reduction = LossReduction.Mean) => Reduce((prediction - target).Abs(), reduction);

    /// <summary>d^2 / 2 for differences d below delta, else delta (|d| - delta / 2) (Huber 1964).</summary>
    public static Tensor Huber(Tensor prediction, Tensor target, float delta = 1, LossReduction reduction = LossReduction.Mean)
    {
        Tensor d = (prediction - target).Abs(), inside = d.Clamp(high: delta);
        // With m = min(d, delta), both branches are m (d - m / 2).
        return Reduce(inside * (d - inside * 0.5f), reduction);
    }

    /// <summary><see cref="Huber"/> divided by beta: d^2 / (2 beta) for differences below beta, else |d| - beta / 2 (Girshick 2015).</summary>
    public static Tensor SmoothL1(Tensor prediction, Tensor target, float beta = 1, LossReduction reduction = LossReduction.Mean) =>
        beta == 0 ? L1(prediction, target, reduction) : Huber(prediction, target, beta, reduction) / beta;

    /// <summary>The divergence target (log target - log prediction) of Kullback and Leibler (1951).</summary>
    /// <param name="logPrediction">Log-probabilities.</param>
    /// <param name="target">Probabilities, or log-probabilities.</param>
    /// <param name="logTarget">Whether the target is log-probabilities.</param>
    /// <param name="reduction">How the elements become one number; the mathematical mean over examples is <paramref name="batchMean"/>.</param>
    /// <param name="batchMean">Divide the sum by the first extent; <paramref name="reduction"/> is not used.</param>
    public static Tensor KlDiv(
        Tensor logPrediction, Tensor target, bool logTarget = false, LossReduction reduction = LossReduction.Mean, bool batchMean = false)
    {
        Tensor loss;
        if (logTarget)
        {
            loss = target.Exp() * (target - logPrediction);
        }
        else
        {
            // Where the target is 0 its t log t is 0.
            Tensor positive = target.Greater(Tensor.Scalar(0));
            Tensor entropy = positive.Where(target * positive.Where(target, Tensor.Scalar(1)).Log(), Tensor.Scalar(0));
            loss = entropy - target * logPrediction;
        }
        return batchMean ? loss.Sum() / Math.Max(1, loss.Shape[0]) : Reduce(loss, reduction);
    }

    /// <summary>Binary cross-entropy of probabilities; logarithms are limited to -100, as PyTorch does.</summary>
    public static Tensor Bce(Tensor probability, Tensor target, Tensor? weight = null, LossReduction reduction = LossReduction.Mean)
    {
        Tensor loss = -(target * probability.Log().Clamp(low: -100) + (1f - target) * (1f - probability).Log().Clamp(low: -100));
        return Reduce(weight is null ? loss : loss * weight, reduction);
    }

    /// <summary>The negative log-likelihood of counts under a Poisson distribution of given (log) rate.</summary>
    /// <param name="prediction">The logarithm of the rate, or the rate.</param>
    /// <param name="target">The counts.</param>
    /// <param name="logInput">Whether the prediction is a logarithm.</param>
    /// <param name="full">Whether to add Stirling's approximation of log(target!) where the target is above 1.</param>
    /// <param name="epsilon">Added to the rate before its logarithm.</param>
    /// <param name="reduction">How the elements become one number.</param>
    public static Tensor PoissonNll(
        Tensor prediction, Tensor target, bool logInput = true, bool full = false, float epsilon = 1e-8f, LossReduction reduction = LossReduction.Mean)
    {
        Tensor loss = logInput ? prediction.Exp() - target * prediction : prediction - target * (prediction + epsilon).Log();
        if (full)
        {
            Tensor large = target.Greater(Tensor.Scalar(1)), safe = large.Where(target, Tensor.Scalar(2));
            loss += large.Where(safe * safe.Log() - safe + (safe * (2 * MathF.PI)).Log() * 0.5f, Tensor.Scalar(0));
        }
        return Reduce(loss, reduction);
    }

    /// <summary>The negative log-likelihood of targets under normal distributions of given mean and variance (Nix and Weigend 1994).</summary>
    /// <param name="mean">The expected values.</param>
    /// <param name="target">What was observed.</param>
    /// <param name="variance">Broadcasts to the mean; below epsilon it counts as epsilon, without its gradient being cut.</param>
    /// <param name="full">Whether to add the constant log(2 pi) / 2.</param>
    /// <param name="epsilon">The smallest variance.</param>
    /// <param name="reduction">How the elements become one number.</param>
    public static Tensor GaussianNll(
        Tensor mean, Tensor target, Tensor variance, bool full = false, float epsilon = 1e-6f, LossReduction reduction = LossReduction.Mean)
    {
        // PyTorch lifts the value and leaves the gradient alone.
        Tensor safe = variance + (variance.Detach().Clamp(low: epsilon) - variance.Detach());
        Tensor loss = (safe.Log() + (mean - target).Square() / safe) * 0.5f;
        return Reduce(full ? loss + 0.5f * MathF.Log(2 * MathF.PI) : loss, reduction);
    }

    /// <summary>max(0, margin - y (a - b)): a should be the larger where y is 1, the smaller where it is -1.</summary>
    public static Tensor MarginRanking(Tensor a, Tensor b, Tensor label, float margin = 0, LossReduction reduction = LossReduction.Mean) =>
        Reduce((margin - label * (a - b)).Relu(), reduction);

    /// <summary>The hinge loss max(0, margin - y x) of a score x and a label y of 1 or -1 (Cortes and Vapnik 1995).</summary>
    public static Tensor Hinge(Tensor score, Tensor label, float margin = 1, LossReduction reduction = LossReduction.Mean) =>
        Reduce((margin - label * score).Relu(), reduction);

    /// <summary>x where y is 1, max(0, margin - x) where it is -1, for distances x: PyTorch's <c>hinge_embedding_loss</c>.</summary>
    public static Tensor HingeEmbedding(Tensor distance, Tensor label, float margin = 1, LossReduction reduction = LossReduction.Mean)
    {
        Tensor similar = label.EqualTo(Tensor.Scalar(1));
        return Reduce(similar.Where(distance, (margin - distance).Relu()), reduction);
    }

    /// <summary>log(1 + e^(-y x)) of a score x and a label y of 1 or -1.</summary>
    public static Tensor SoftMargin(Tensor score, Tensor label, LossReduction reduction = LossReduction.Mean) =>
        Reduce((-(label * score)).Softplus(), reduction);

    /// <summary>
    /// Multi-class hinge: the sum over other classes of max(0, margin - x[right] + x[other])^p, over the number of classes (Crammer and Singer 2001).
    /// </summary>
    /// <param name="scores">[N, C].</param>
    /// <param name="target">[N], Int64.</param>
    /// <param name="p">1 or 2.</param>
    /// <param name="margin">How far the right class should lead.</param>
    /// <param name="weight">[C], the weight of the right class; null for 1.</param>
    /// <param name="reduction">How the examples become one number.</param>
    public static Tensor MultiMargin(
        Tensor scores, Tensor target, int p = 1, float margin = 1, Tensor? weight = null, LossReduction reduction = LossReduction.Mean)
    {
        int classes = scores.Shape[-1];
        Tensor right = scores.Gather(1, target.Unsqueeze(1)); // [N, 1]
        Tensor hinge = (scores - right + margin).Relu() * (1f - target.OneHot(classes)); // [N, C]
        if (p == 2) hinge = hinge.Square();
        if (weight is not null) hinge *= weight.IndexSelect(0, target).Unsqueeze(1);
        return Reduce(hinge.Sum([1]) / classes, reduction);
    }

    /// <summary>d^2 of similar pairs and max(0, margin - d)^2 of others, halved (Hadsell, Chopra, LeCun 2006).</summary>
    /// <param name="a">[N, D].</param>
    /// <param name="b">[N, D].</param>
    /// <param name="similar">[N]: 1 for pairs that belong together, 0 for others.</param>
    /// <param name="margin">How far apart others should be.</param>
    /// <param name="reduction">How the pairs become one number.</param>
    public static Tensor Contrastive(Tensor a, Tensor b, Tensor similar, float margin = 1, LossReduction reduction = LossReduction.Mean)
    {
        Tensor squares = (a - b).Square().Sum([-1]), distance = (a - b).Norm([-1]);
        return Reduce((similar * squares + (1f - similar) * (margin - distance).Relu().Square()) * 0.5f, reduction);
    }

    /// <summary>1 - cos(a, b) where y is 1, max(0, cos(a, b) - margin) where it is -1.</summary>
    /// <param name="a">[N, D] or [D].</param>
    /// <param name="b">[N, D] or [D].</param>
    /// <param name="label">[N] or a scalar, of 1 and -1.</param>
    /// <param name="margin">Which similarity of pairs that do not belong together costs nothing.</param>
    /// <param name="reduction">How the pairs become one number.</param>
    public static Tensor CosineEmbedding(Tensor a, Tensor b, Tensor label, float margin = 0, LossReduction reduction = LossReduction.Mean)
    {
        const float epsilon = 1e-12f; // PyTorch adds it to both squared lengths.
        Tensor cosine = (a * b).Sum([-1]) / ((a.Square().Sum([-1]) + epsilon) * (b.Square().Sum([-1]) + epsilon)).Sqrt();
        return Reduce(label.EqualTo(Tensor.Scalar(1)).Where(1f - cosine, (cosine - margin).Relu()), reduction);
    }

    /// <summary>max(0, d(anchor, positive) - d(anchor, negative) + margin) (Schroff et al. 2015).</summary>
    /// <param name="anchor">[N, D].</param>
    /// <param name="positive">[N, D]: what should be near.</param>
    /// <param name="negative">[N, D]: what should be far.</param>
    /// <param name="margin">How much farther.</param>
    /// <param name="p">The norm of the distance.</param>
    /// <param name="epsilon">Added to each difference.</param>
    /// <param name="swap">Whether the negative's distance to the positive counts when it is smaller (Balntas et al. 2016).</param>
    /// <param name="reduction">How the triplets become one number.</param>
    public static Tensor Triplet(
        Tensor anchor, Tensor positive, Tensor negative, float margin = 1, float p = 2, float epsilon = 1e-6f, bool swap = false,
            LossReduction reduction = LossReduction.Mean)
    {
        Tensor near = anchor.PairwiseDistance(positive, p, epsilon), far = anchor.PairwiseDistance(negative, p, epsilon);
        if (swap) far = far.Minimum(positive.PairwiseDistance(negative, p, epsilon));
        return Reduce((near - far + margin).Relu(), reduction);
    }
}
