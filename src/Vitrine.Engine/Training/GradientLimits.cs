using System.Numerics.Tensors;

namespace Vitrine;

/// <summary>What may happen to gradients between the backward pass and the optimizer. Nothing is written in place: each gives new gradients.</summary>
public static class GradientLimits
{
    private const int Chunk = 16 * 1024;

    /// <summary>Adds the gradient of the penalty l1 sum |w| + l2/2 sum w^2; where w is 0, |w| counts as flat. Frozen parameters are left alone.</summary>
    /// <param name="gradients">One for each parameter.</param>
    /// <param name="parameters">The parameters.</param>
    /// <param name="l1">The weight of the sum of sizes (Tibshirani 1996, "the lasso").</param>
    /// <param name="l2">The weight of half the sum of squares: what optimizers call weight decay.</param>
    public static Gradients WithPenalty(this Gradients gradients, IReadOnlyList<Parameter> parameters, float l1, float l2) => gradients.Map((i, grad) =>
    {
        if (parameters[i].IsFrozen) return grad;
        Tensor weight = parameters[i].Value.Detach();
        if (l1 != 0) grad += weight.Sign() * l1;
        return l2 == 0 ? grad : grad + weight * l2;
    });

    /// <summary>Limits every element to [-limit, limit].</summary>
    public static Gradients ClippedByValue(this Gradients gradients, float limit) => gradients.Map((_, grad) => grad.Clamp(-limit, limit));

    /// <summary>Scales all gradients together so that their common norm is at most <paramref name="limit"/> (Pascanu, Mikolov, Bengio 2013).</summary>
    public static Gradients ClippedByNorm(this Gradients gradients, double limit)
    {
        // PyTorch adds 1e-6 to the norm; so do we, to follow its trajectories.
        double scale = limit / (gradients.Norm() + 1e-6);
        return scale >= 1 ? gradients : gradients.Map((_, grad) => grad * (float)scale);
    }

    /// <summary>The Euclidean norm of all gradients taken as one vector.</summary>
    public static double Norm(this Gradients gradients)
    {
        double sum = 0;
        for (int i = 0; i < gradients.Count; i++)
        {
            if (!gradients.Reached(i)) continue;
            ReadOnlySpan<float> left = gradients[i].Floats;
            // Single precision inside a chunk, double between chunks: millions of small squares must not drown in their sum.
            for (; left.Length > 0; left = left[Math.Min(Chunk, left.Length)..]) sum += TensorPrimitives.SumOfSquares(left[..Math.Min(Chunk, left.Length)]);
        }
        return Math.Sqrt(sum);
    }
}
