namespace Vitrine.Insight;

/// <summary>Small weighted least-squares problems in double precision.</summary>
internal static class LeastSquares
{
    /// <summary>The b that minimises the sum of w (y - x b)^2 plus ridge |b|^2. Where columns depend on each other, the later ones get nothing.</summary>
    /// <param name="x">Rows of equal length.</param>
    /// <param name="y">What the rows should give.</param>
    /// <param name="weights">The weight of each row, not negative.</param>
    /// <param name="ridge">How much large coefficients cost.</param>
    public static double[] Fit(double[][] x, double[] y, double[] weights, double ridge = 0)
    {
        int columns = x.Length == 0 ? 0 : x[0].Length;
        double[,] products = new double[columns, columns];
        double[] right = new double[columns];
        for (int r = 0; r < x.Length; r++)
        {
            double[] row = x[r];
            for (int i = 0; i < columns; i++)
            {
                double left = weights[r] * row[i];
                if (left == 0) continue;
                right[i] += left * y[r];
                for (int j = 0; j <= i; j++) products[i, j] += left * row[j];
            }
        }
        for (int i = 0; i < columns; i++) products[i, i] += ridge;
        return Solve(products, right);
    }

    /// <summary>The solution of a symmetric system whose lower half is given, which is not negative definite (Cholesky's decomposition, in place).</summary>
    public static double[] Solve(double[,] lower, double[] right)
    {
        int n = right.Length;
        bool[] free = new bool[n];
        for (int j = 0; j < n; j++)
        {
            double full = lower[j, j], pivot = full;
            for (int k = 0; k < j; k++) pivot -= lower[j, k] * lower[j, k];
            // What is left of a column that depends on earlier ones is rounding.
            free[j] = pivot <= 1e-12 * full || pivot <= 0;
            lower[j, j] = free[j] ? 0 : Math.Sqrt(pivot);
            for (int i = j + 1; i < n; i++)
            {
                double sum = lower[i, j];
                for (int k = 0; k < j; k++) sum -= lower[i, k] * lower[j, k];
                lower[i, j] = free[j] ? 0 : sum / lower[j, j];
            }
        }
        double[] solution = [.. right];
        for (int i = 0; i < n; i++)
        {
            for (int k = 0; k < i; k++) solution[i] -= lower[i, k] * solution[k];
            solution[i] = free[i] ? 0 : solution[i] / lower[i, i];
        }
        for (int i = n - 1; i >= 0; i--)
        {
            for (int k = i + 1; k < n; k++) solution[i] -= lower[k, i] * solution[k];
            solution[i] = free[i] ? 0 : solution[i] / lower[i, i];
        }
        return solution;
    }

    /// <summary>
    /// The columns that enter first on the path of least-angle regression (Efron, Hastie, Johnstone, Tibshirani 2004): those that a sparse answer would use.
    /// </summary>
    /// <param name="x">Rows of equal length.</param>
    /// <param name="y">What the rows should give.</param>
    /// <param name="weights">The weight of each row, not negative.</param>
    /// <param name="count">How many columns to choose at most.</param>
    public static int[] FirstColumns(double[][] x, double[] y, double[] weights, int count)
    {
        int columns = x[0].Length;
        double[,] products = new double[columns, columns];
        double[] correlation = new double[columns];
        for (int r = 0; r < x.Length; r++)
        {
            for (int i = 0; i < columns; i++)
            {
                double left = weights[r] * x[r][i];
                if (left == 0) continue;
                correlation[i] += left * y[r];
                for (int j = 0; j < columns; j++) products[i, j] += left * x[r][j];
            }
        }
        var active = new List<int>();
        double floor = 1e-12 * correlation.Max(Math.Abs);
        while (active.Count < Math.Min(count, columns))
        {
            int enters = -1;
            for (int i = 0; i < columns; i++)
            {
                if (!active.Contains(i) && (enters < 0 || Math.Abs(correlation[i]) > Math.Abs(correlation[enters]))) enters = i;
            }
            if (Math.Abs(correlation[enters]) <= floor) break;
            active.Add(enters);
            if (active.Count == count) break;

            // All active columns stay equally correlated with what is left: go that way until another one is.
            int n = active.Count;
            double[,] among = new double[n, n];
            double[] signs = new double[n];
            for (int i = 0; i < n; i++)
            {
                signs[i] = Math.Sign(correlation[active[i]]);
                for (int j = 0; j <= i; j++) among[i, j] = products[active[i], active[j]];
            }
            double[] way = Solve(among, signs);
            double level = active.Max(i => Math.Abs(correlation[i])), step = level;
            double[] along = new double[columns];
            for (int i = 0; i < columns; i++)
            {
                for (int j = 0; j < n; j++) along[i] += products[i, active[j]] * way[j];
                if (active.Contains(i)) continue;
                foreach (double meets in (ReadOnlySpan<double>)[(level - correlation[i]) / (1 - along[i]), (level + correlation[i]) / (1 + along[i])])
                {
                    if (meets > 0 && meets < step) step = meets;
                }
            }
            for (int i = 0; i < columns; i++) correlation[i] -= step * along[i];
        }
        return [.. active];
    }
}
