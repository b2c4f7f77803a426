namespace Vitrine.Insight;

/// <summary>Where on the way from a baseline (0) to an input (1) an integral looks, and what each look counts.</summary>
public sealed class Quadrature
{
    private readonly Func<int, IReadOnlyList<(double Place, double Weight)>> _points;
    private readonly string _name;

    private Quadrature(string name, Func<int, IReadOnlyList<(double Place, double Weight)>> points)
    {
        _name = name;
        _points = points;
    }

    /// <summary>The roots of Legendre polynomials: exact for polynomials of degree 2 n - 1.</summary>
    public static Quadrature GaussLegendre { get; } = new("Gauss-Legendre", Roots);

    /// <summary>Equal intervals, both ends included; the ends count half.</summary>
    public static Quadrature Trapezoid { get; } = new(
        "trapezoid", n => n == 1 ? [(0.5, 1)] : Even(n, i => i / (n - 1.0), i => (i == 0 || i == n - 1 ? 0.5 : 1) / (n - 1)));

    /// <summary>The left ends of n equal intervals.</summary>
    public static Quadrature Left { get; } = new("left", n => Even(n, i => (double)i / n, _ => 1.0 / n));

    /// <summary>The right ends of n equal intervals.</summary>
    public static Quadrature Right { get; } = new("right", n => Even(n, i => (i + 1.0) / n, _ => 1.0 / n));

    /// <summary>The middles of n equal intervals.</summary>
    public static Quadrature Middle { get; } = new("middle", n => Even(n, i => (i + 0.5) / n, _ => 1.0 / n));

    /// <summary>Any rule: from the number of points to places, in ascending order, and weights.</summary>
    public static Quadrature Of(string name, Func<int, IReadOnlyList<(double Place, double Weight)>> points) => new(name, points);

    /// <summary>n places in [0, 1], ascending, and their weights.</summary>
    public IReadOnlyList<(double Place, double Weight)> Points(int n)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(n, 1);
        return _points(n);
    }

    /// <inheritdoc/>
    public override string ToString() => _name;

    private static (double Place, double Weight)[] Even(int n, Func<int, double> place, Func<int, double> weight) =>
        [.. Enumerable.Range(0, n).Select(i => (place(i), weight(i)))];

    private static (double Place, double Weight)[] Roots(int n)
    {
        var points = new (double Place, double Weight)[n];
        for (int i = 0; i < n; i++)
        {
            // Newton's method from Tricomi's estimate of the root; a few steps reach the last bit.
            double x = -Math.Cos(Math.PI * (i + 0.75) / (n + 0.5)), slope = 0;
            for (int step = 0; step < 100; step++)
            {
                (double value, slope) = Legendre(n, x);
                double change = value / slope;
                x -= change;
                if (Math.Abs(change) < 1e-15) break;
            }
            points[i] = ((1 + x) / 2, 1 / ((1 - x * x) * slope * slope)); // 2 / ..., over an interval of half the length
        }
        return points;
    }

    /// <summary>The Legendre polynomial of degree n and its derivative, by its three-term recurrence.</summary>
    private static (double Value, double Slope) Legendre(int n, double x)
    {
        double before = 1, value = x;
        for (int k = 2; k <= n; k++) (before, value) = (value, ((2 * k - 1) * x * value - (k - 1) * before) / k);
        return (value, n * (x * value - before) / (x * x - 1));
    }
}
