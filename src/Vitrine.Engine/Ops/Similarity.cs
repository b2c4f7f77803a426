namespace Vitrine;

public static partial class TensorOps
{
    /// <summary>The cosine of the angle between vectors along an axis: a b / (max(|a|, epsilon) max(|b|, epsilon)), broadcasting.</summary>
    public static Tensor CosineSimilarity(this Tensor a, Tensor b, int axis = 1, float epsilon = 1e-8f)
    {
        axis = Shape.Broadcast(a.Shape, b.Shape).Axis(axis) - Math.Max(a.Rank, b.Rank);
        return (a.Normalized(axis, epsilon) * b.Normalized(axis, epsilon)).Sum([axis]);
    }

    /// <summary>The p-norm of the difference (plus epsilon) along the last axis, broadcasting: PyTorch's pairwise distance.</summary>
    public static Tensor PairwiseDistance(this Tensor a, Tensor b, float p = 2, float epsilon = 1e-6f, bool keepDims = false) =>
        (a - b + epsilon).Norm([-1], p, keepDims);

    /// <summary>Vectors along an axis, divided by the larger of their length and epsilon.</summary>
    public static Tensor Normalized(this Tensor x, int axis = 1, float epsilon = 1e-12f) => x / x.Norm([axis], keepDims: true).Maximum(Tensor.Scalar(epsilon));
}
