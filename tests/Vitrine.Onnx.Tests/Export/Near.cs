namespace Vitrine.Onnx.Tests.Export;

/// <summary>Compares answers: 1e-5 of the largest number there is.</summary>
internal static class Near
{
    public static void Assert(Tensor expected, Tensor actual)
    {
        double difference = Difference(expected, actual);
        Xunit.Assert.True(difference <= 1e-5, $"{difference:G3}: {expected} and {actual}");
    }

    /// <summary>The largest difference over the largest number; infinite where shapes differ.</summary>
    public static double Difference(Tensor expected, Tensor actual)
    {
        if (expected.Shape != actual.Shape || expected.DType != actual.DType) return double.PositiveInfinity;
        double largest = 1e-30, difference = 0;
        for (int i = 0; i < expected.Count; i++)
        {
            (double a, double b) = expected.DType == DType.Float32 ? (expected.Floats[i], actual.Floats[i]) : (expected.Longs[i], actual.Longs[i]);
            if (double.IsNaN(a) != double.IsNaN(b)) return double.PositiveInfinity;
            largest = Math.Max(largest, Math.Abs(a));
            difference = Math.Max(difference, Math.Abs(a - b));
        }
        return difference / largest;
    }
}
