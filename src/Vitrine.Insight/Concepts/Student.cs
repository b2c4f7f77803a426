namespace Vitrine.Insight;

/// <summary>Student's t distribution, and his test for two samples of unequal variances (Welch 1947).</summary>
internal static class Student
{
    /// <summary>The probability, if both samples had the same mean, that their means differ at least as much as they do: two-sided.</summary>
    public static double P(IReadOnlyList<double> a, IReadOnlyList<double> b)
    {
        double meanA = a.Average(), meanB = b.Average(), va = Variance(a, meanA) / a.Count, vb = Variance(b, meanB) / b.Count;
        if (va + vb == 0) return meanA == meanB ? 1 : 0;
        double t = (meanA - meanB) / Math.Sqrt(va + vb), freedom = (va + vb) * (va + vb) / (va * va / (a.Count - 1) + vb * vb / (b.Count - 1));
        return TwoSided(t, freedom);
    }

    /// <summary>The probability of a t at least as far from 0, on either side.</summary>
    public static double TwoSided(double t, double freedom) => Beta(freedom / (freedom + t * t), freedom / 2, 0.5);

    /// <summary>The t that is exceeded in size with this probability: the half width of an interval, in standard errors.</summary>
    public static double Critical(double probability, double freedom)
    {
        double low = 0, high = 1;
        while (TwoSided(high, freedom) > probability) high *= 2;
        // Halving ends when no number lies between the two.
        for (double middle = (low + high) / 2; middle > low && middle < high; middle = (low + high) / 2)
        {
            if (TwoSided(middle, freedom) > probability) low = middle;
            else high = middle;
        }
        return high;
    }

    private static double Variance(IReadOnlyList<double> values, double mean) => values.Sum(v => (v - mean) * (v - mean)) / (values.Count - 1);

    /// <summary>The regularised incomplete beta function, by Lentz's continued fraction (Press et al., "Numerical recipes", 6.4).</summary>
    private static double Beta(double x, double a, double b)
    {
        if (x is <= 0 or >= 1) return Math.Clamp(x, 0, 1);
        if (x > (a + 1) / (a + b + 2)) return 1 - Beta(1 - x, b, a);
        const double tiny = 1e-300;
        double c = 1, d = 1 / Away(1 - (a + b) * x / (a + 1)), fraction = d;
        for (int m = 1; m < 500; m++)
        {
            double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
            d = 1 / Away(1 + even * d);
            c = Away(1 + even / c);
            fraction *= d * c;
            double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
            d = 1 / Away(1 + odd * d);
            c = Away(1 + odd / c);
            fraction *= d * c;
            if (Math.Abs(d * c - 1) < 1e-14) break;
        }
        return Math.Exp(LogGamma(a + b) - LogGamma(a) - LogGamma(b) + a * Math.Log(x) + b * Math.Log(1 - x)) * fraction / a;

        static double Away(double value) => Math.Abs(value) < tiny ? tiny : value;
    }

    /// <summary>Stirling's series, after stepping up to where it is accurate.</summary>
    private static double LogGamma(double x)
    {
        double steps = 0;
        for (; x < 15; x++) steps += Math.Log(x);
        double inverse = 1 / x, square = inverse * inverse;
        double series = inverse * (1 / 12.0 - square * (1 / 360.0 - square * (1 / 1260.0 - square / 1680)));
        return (x - 0.5) * Math.Log(x) - x + 0.5 * Math.Log(2 * Math.PI) + series - steps;
    }
}
