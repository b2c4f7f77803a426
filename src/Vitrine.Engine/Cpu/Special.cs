namespace Vitrine.Cpu;

/// <summary>Special functions that the base library lacks.</summary>
internal static class Special
{
    private const double TwoOverSqrtPi = 1.1283791670955126;

    /// <summary>
    /// The error function, to about 1e-15: its Maclaurin series near zero and a continued fraction of the complement beyond
    /// (Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.6 and 7.1.14).
    /// </summary>
    public static double Erf(double x)
    {
        double size = Math.Abs(x);
        if (double.IsNaN(x)) return x;
        if (size > 6) return Math.Sign(x);
        if (size < 2.2)
        {
            double term = x, sum = x, square = x * x;
            for (int n = 1; Math.Abs(term) > 1e-17 * Math.Abs(sum) && n < 200; n++)
            {
                term *= 2 * square / (2 * n + 1);
                sum += term;
            }
            return TwoOverSqrtPi * Math.Exp(-square) * sum;
        }
        double fraction = 0;
        for (int k = 60; k >= 1; k--) fraction = k / 2.0 / (size + fraction);
        double complement = Math.Exp(-size * size) / ((size + fraction) * Math.Sqrt(Math.PI));
        return Math.Sign(x) * (1 - complement);
    }
}
