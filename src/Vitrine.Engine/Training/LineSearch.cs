using Point = Vitrine.Lbfgs.Point;

namespace Vitrine;

/// <summary>
/// Looks along a direction for a place where the loss is low enough and flat enough: the strong Wolfe conditions, by algorithms 3.5 and 3.6 of Nocedal and
/// Wright 2006, "Numerical Optimization".
/// </summary>
internal static class LineSearch
{
    private const double Lower = 1e-4; // c1: the loss must fall by this part of what the slope at the start promises
    private const double Flatter = 0.9; // c2: the slope must be at most this part of the one at the start
    private const int MostEvaluations = 25;

    /// <summary>Runs a search.</summary>
    /// <param name="at">Evaluates the loss at a distance.</param>
    /// <param name="start">The place at distance 0; its slope is negative.</param>
    /// <param name="length">The distance to try first.</param>
    /// <param name="smallest">An interval this short is not divided any further.</param>
    /// <returns>The place that was found; <paramref name="start"/> itself when there is none that is lower.</returns>
    public static Point Run(Func<double, Point> at, Point start, double length, double smallest)
    {
        Point before = start;
        for (int i = 0; i < MostEvaluations; i++)
        {
            Point here = at(length);
            if (!double.IsFinite(here.Loss) || !double.IsFinite(here.Descent))
            {
                // Beyond the edge of what the loss can bear: come back half of the way.
                length = (before.T + length) / 2;
                if (length - before.T <= smallest) return before;
                continue;
            }
            if (TooHigh(start, here) || (before.T > 0 && here.Loss >= before.Loss)) return Zoom(at, start, before, here, smallest, MostEvaluations - i - 1);
            if (FlatEnough(start, here)) return here;
            if (here.Descent >= 0) return Zoom(at, start, here, before, smallest, MostEvaluations - i - 1);
            double further = Between(before, here, here.T + 0.01 * (here.T - before.T), 10 * here.T);
            before = here;
            length = further;
        }
        return before;
    }

    /// <summary>Narrows an interval that holds a good place: <paramref name="low"/> is the best end so far; the loss falls from it into the interval.</summary>
    private static Point Zoom(Func<double, Point> at, Point start, Point low, Point other, double smallest, int evaluations)
    {
        for (int i = 0; i < evaluations && Math.Abs(other.T - low.T) > smallest; i++)
        {
            double left = Math.Min(low.T, other.T), width = Math.Abs(other.T - low.T);
            // A tenth off either end, so that the interval shrinks whatever the cubic says.
            Point here = at(Between(low, other, left + 0.1 * width, left + 0.9 * width));
            if (!double.IsFinite(here.Loss) || TooHigh(start, here) || here.Loss >= low.Loss)
            {
                other = here;
                continue;
            }
            if (FlatEnough(start, here)) return here;
            if (here.Descent * (other.T - low.T) >= 0) other = low;
            low = here;
        }
        return low;
    }

    private static bool TooHigh(Point start, Point here) => here.Loss > start.Loss + Lower * here.T * start.Descent;

    private static bool FlatEnough(Point start, Point here) => Math.Abs(here.Descent) <= -Flatter * start.Descent;

    /// <summary>The minimum of the cubic through two places with their slopes (equation 3.59), kept inside limits; their middle where there is none.</summary>
    private static double Between(Point a, Point b, double low, double high)
    {
        double d1 = a.Descent + b.Descent - 3 * (a.Loss - b.Loss) / (a.T - b.T), square = d1 * d1 - a.Descent * b.Descent;
        if (!(square >= 0)) return (low + high) / 2;
        double d2 = Math.Sign(b.T - a.T) * Math.Sqrt(square);
        double t = b.T - (b.T - a.T) * ((b.Descent + d2 - d1) / (b.Descent - a.Descent + 2 * d2));
        return double.IsFinite(t) ? Math.Clamp(t, low, high) : (low + high) / 2;
    }
}
