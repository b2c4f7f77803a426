namespace Vitrine.Insight;

/// <summary>
/// Eigenvalues and eigenvectors of a symmetric matrix: reflections to tridiagonal form (Householder 1958), then QL steps with implicit shifts
/// (Dubrulle, Martin, Wilkinson 1968).
/// </summary>
internal static class SymmetricEigen
{
    private const double Epsilon = 2.220446049250313e-16;
    private const int MostSweeps = 60;

    /// <summary>Decomposes [n, n], which is overwritten.</summary>
    /// <returns>The eigenvalues, the largest first, and the eigenvectors of unit length as rows in the same order.</returns>
    public static (double[] Values, double[][] Vectors) Of(double[][] a)
    {
        int n = a.Length;
        double[][] z = new double[n][];
        for (int i = 0; i < n; i++) (z[i] = new double[n])[i] = 1;
        double[] d = new double[n], e = new double[n];
        Tridiagonal(a, z);
        double scale = 0;
        for (int i = 0; i < n; i++)
        {
            d[i] = a[i][i];
            if (i + 1 < n) e[i] = a[i + 1][i];
            scale = Math.Max(scale, Math.Abs(d[i]) + Math.Abs(e[i]));
        }
        Diagonal(d, e, z, Epsilon * Epsilon * scale);
        int[] order = [.. Enumerable.Range(0, n).OrderByDescending(i => d[i])];
        return ([.. order.Select(i => d[i])], [.. order.Select(i => z[i])]);
    }

    // a becomes Q' a Q, tridiagonal; z becomes Q'.
    private static void Tridiagonal(double[][] a, double[][] z)
    {
        int n = a.Length;
        double[] v = new double[n], w = new double[n];
        for (int k = 0; k < n - 2; k++)
        {
            double square = 0;
            for (int i = k + 1; i < n; i++) square += (v[i] = a[i][k]) * v[i];
            if (square - v[k + 1] * v[k + 1] == 0) continue;
            double alpha = -Math.CopySign(Math.Sqrt(square), v[k + 1]);
            v[k + 1] -= alpha;
            double half = square - alpha * (v[k + 1] + alpha); // |v|^2 / 2, v after its first element changed

            // Both sides of the trailing part: a -= v w' + w v'.
            double vw = 0;
            for (int i = k + 1; i < n; i++)
            {
                double sum = 0;
                for (int j = k + 1; j < n; j++) sum += a[i][j] * v[j];
                w[i] = sum / half;
                vw += v[i] * w[i];
            }
            for (int i = k + 1; i < n; i++) w[i] -= vw / (2 * half) * v[i];
            for (int i = k + 1; i < n; i++)
            {
                for (int j = k + 1; j < n; j++) a[i][j] -= v[i] * w[j] + w[i] * v[j];
            }
            a[k + 1][k] = a[k][k + 1] = alpha;
            for (int i = k + 2; i < n; i++) a[i][k] = a[k][i] = 0;

            Array.Clear(w);
            for (int i = k + 1; i < n; i++)
            {
                for (int j = 0; j < n; j++) w[j] += v[i] * z[i][j];
            }
            for (int i = k + 1; i < n; i++)
            {
                double factor = v[i] / half;
                for (int j = 0; j < n; j++) z[i][j] -= factor * w[j];
            }
        }
    }

    private static void Diagonal(double[] d, double[] e, double[][] z, double tiny)
    {
        int n = d.Length;
        for (int l = 0; l < n; l++)
        {
            for (int sweep = 0; ; sweep++)
            {
                int m = l;
                while (m < n - 1 && Math.Abs(e[m]) > Math.Max(Epsilon * (Math.Abs(d[m]) + Math.Abs(d[m + 1])), tiny)) m++;
                if (m == l) break;
                if (sweep == MostSweeps)
                {
                    throw new ArithmeticException("The eigenvalues of a matrix were not found: its elements are not finite, or too large.");
                }
                Step(d, e, z, l, m);
            }
        }
    }

    private static void Step(double[] d, double[] e, double[][] z, int l, int m)
    {
        double g = (d[l + 1] - d[l]) / (2 * e[l]);
        g = d[m] - d[l] + e[l] / (g + Math.CopySign(Math.Sqrt(g * g + 1), g));
        double s = 1, c = 1, p = 0;
        for (int i = m - 1; i >= l; i--)
        {
            double f = s * e[i], b = c * e[i], r = Math.Sqrt(f * f + g * g);
            e[i + 1] = r;
            if (r == 0)
            {
                d[i + 1] -= p;
                e[m] = 0;
                return;
            }
            s = f / r;
            c = g / r;
            g = d[i + 1] - p;
            r = (d[i] - g) * s + 2 * c * b;
            p = s * r;
            d[i + 1] = g + p;
            g = c * r - b;
            double[] low = z[i], high = z[i + 1];
            for (int k = 0; k < low.Length; k++)
            {
                double above = high[k];
                high[k] = s * low[k] + c * above;
                low[k] = c * low[k] - s * above;
            }
        }
        d[l] -= p;
        e[l] = g;
        e[m] = 0;
    }
}
