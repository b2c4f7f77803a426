namespace Vitrine.Insight;

/// <summary>
/// In each step the tree or the grid, whichever takes less time: a tree's grows with N log N, a grid's with N and with the width of the map, which is small in
/// the first steps. What is chosen follows from the number of points and the width alone, so it is the same on every machine.
/// </summary>
internal sealed class QuickerRepulsion(double angle) : Repulsion
{
    // Nanoseconds, measured on two threads of an AMD EPYC (only their ratios matter): of a point and a level of the tree, of a point on the grid, and of a node of the grid.
    private const double TreeLevel = 13;
    private const double GridPoint = 55;
    private const double GridNode = 18.5;

    private readonly BarnesHut _tree = new(angle);
    private readonly InterpolatedRepulsion _grid = new(InterpolatedRepulsion.Coarse);

    /// <summary>Whether the grid takes less time.</summary>
    /// <param name="points">How many points there are.</param>
    /// <param name="span">How wide the map is.</param>
    public static bool IsGrid(int points, double span)
    {
        double length = InterpolatedRepulsion.LengthFor(span, InterpolatedRepulsion.Coarse);
        return GridPoint * points + GridNode * length * length < TreeLevel * points * Math.Log2(points);
    }

    public override double Forces(double[] x, double[] y, double[] forceX, double[] forceY)
    {
        double span = Math.Max(x.Max() - x.Min(), y.Max() - y.Min());
        return (IsGrid(x.Length, span) ? (Repulsion)_grid : _tree).Forces(x, y, forceX, forceY);
    }
}
