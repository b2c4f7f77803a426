using System.Globalization;

namespace Vitrine.Conformance;

/// <summary>Compares a tensor with what it should be.</summary>
internal static class Comparison
{
    /// <summary>
    /// What is wrong with a tensor, or null: every element must be within <paramref name="absolute"/> + <paramref name="relative"/> |expected|.
    /// </summary>
    public static string? Difference(Tensor actual, Tensor expected, double absolute, double relative)
    {
        // A scalar is stored as a vector of one element.
        bool fits = actual.Shape == expected.Shape || (actual.Count == 1 && expected.Count == 1 && actual.Rank == 0);
        if (!fits) return $"the shape is {actual.Shape}, should be {expected.Shape}";
        if (actual.DType != expected.DType && (actual.DType == DType.Float32) != (expected.DType == DType.Float32)) return $"the type is {actual.DType}, should be {expected.DType}";
        float[] a = Floats(actual), b = Floats(expected);
        int worst = -1;
        double worstExcess = 0, worstError = 0;
        for (int i = 0; i < a.Length; i++)
        {
            if (a[i] == b[i] || (float.IsNaN(a[i]) && float.IsNaN(b[i]))) continue; // equal infinities too
            double error = Math.Abs((double)a[i] - b[i]), excess = error / (absolute + relative * Math.Abs(b[i]));
            if (double.IsNaN(error) || double.IsInfinity(error)) (error, excess) = (double.PositiveInfinity, double.PositiveInfinity);
            if (excess <= 1 || excess <= worstExcess) continue;
            (worst, worstExcess, worstError) = (i, excess, error);
        }
        return worst < 0 ? null : string.Create(
            CultureInfo.InvariantCulture, $"worst error {worstError:G4} at [{string.Join(", ", Index(worst, expected.Shape))}]: {a[worst]:G9}, should be {b[worst]:G9}");
    }

    private static float[] Floats(Tensor tensor) => tensor.DType == DType.Float32 ? tensor.ToArray() : tensor.Detach().Cast(DType.Float32).ToArray();

    private static int[] Index(int at, Shape shape)
    {
        int[] index = new int[shape.Rank];
        for (int i = shape.Rank - 1; i >= 0; i--) (at, index[i]) = Math.DivRem(at, shape[i]);
        return index;
    }
}
