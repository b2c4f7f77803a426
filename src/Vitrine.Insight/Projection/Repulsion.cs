using System.Runtime.Intrinsics;

namespace Vitrine.Insight;

/// <summary>The part of t-SNE's gradient that pushes all points apart: the one thing the exact and the fast forms do differently.</summary>
internal abstract class Repulsion
{
    /// <summary>For each point i the sum over others j of w² (y_i - y_j), with w = 1 / (1 + |y_i - y_j|²).</summary>
    /// <param name="x">First coordinates.</param>
    /// <param name="y">Second coordinates.</param>
    /// <param name="forceX">Receives the first coordinates of the sums.</param>
    /// <param name="forceY">Receives the second coordinates.</param>
    /// <returns>Z, the sum of w over all ordered pairs.</returns>
    public abstract double Forces(double[] x, double[] y, double[] forceX, double[] forceY);
}

/// <summary>Every pair is looked at (van der Maaten and Hinton 2008): O(N²).</summary>
internal sealed class ExactRepulsion : Repulsion
{
    public override double Forces(double[] x, double[] y, double[] forceX, double[] forceY)
    {
        int n = x.Length;
        double[] sums = new double[n];
        Work.Split(n, 16, (start, end) =>
        {
            int whole = n - n % Vector512<double>.Count;
            for (int i = start; i < end; i++)
            {
                Vector512<double> fx = default, fy = default, z = default;
                Vector512<double> px = Vector512.Create(x[i]), py = Vector512.Create(y[i]);
                for (int j = 0; j < whole; j += Vector512<double>.Count)
                {
                    Vector512<double> dx = px - Vector512.Create(x, j), dy = py - Vector512.Create(y, j);
                    Vector512<double> w = Vector512<double>.One / (Vector512<double>.One + dx * dx + dy * dy);
                    z += w;
                    w *= w;
                    fx += w * dx;
                    fy += w * dy;
                }
                double sumX = Vector512.Sum(fx), sumY = Vector512.Sum(fy), sum = Vector512.Sum(z);
                for (int j = whole; j < n; j++)
                {
                    double dx = x[i] - x[j], dy = y[i] - y[j], w = 1 / (1 + dx * dx + dy * dy);
                    sum += w;
                    sumX += w * w * dx;
                    sumY += w * w * dy;
                }
                (forceX[i], forceY[i], sums[i]) = (sumX, sumY, sum - 1); // less the pair with itself
            }
        });
        return sums.Sum();
    }
}
