namespace Vitrine.Data;

/// <summary>The outlines of the shapes, as signed distances: negative inside, about 1 from the centre to the farthest point.</summary>
internal static class ShapeOutlines
{
    public static readonly string[] Names = ["circle", "square", "triangle", "star", "cross", "ring", "crescent", "arrow"];

    // Corners as x, y, x, y, ..., y down, in order around the outline.
    private static readonly float[] Square = [-0.72f, -0.72f, 0.72f, -0.72f, 0.72f, 0.72f, -0.72f, 0.72f];
    private static readonly float[] Triangle = [0, -1, 0.866f, 0.5f, -0.866f, 0.5f];
    private static readonly float[] Star =
    [
        0, -1, 0.235f, -0.324f, 0.951f, -0.309f, 0.380f, 0.124f, 0.588f, 0.809f,
        0, 0.4f, -0.588f, 0.809f, -0.380f, 0.124f, -0.951f, -0.309f, -0.235f, -0.324f,
    ];

    private static readonly float[] Cross =
    [
        -0.3f, -0.92f, 0.3f, -0.92f, 0.3f, -0.3f, 0.92f, -0.3f, 0.92f, 0.3f, 0.3f, 0.3f,
        0.3f, 0.92f, -0.3f, 0.92f, -0.3f, 0.3f, -0.92f, 0.3f, -0.92f, -0.3f, -0.3f, -0.3f,
    ];

    private static readonly float[] Arrow = [-0.95f, -0.22f, 0.1f, -0.22f, 0.1f, -0.7f, 1, 0, 0.1f, 0.7f, 0.1f, 0.22f, -0.95f, 0.22f];

    /// <summary>How far (x, y) is outside the shape.</summary>
    public static float Distance(int shape, float x, float y) => shape switch
    {
        0 => Length(x, y) - 0.85f,
        1 => ToPolygon(Square, x, y),
        2 => ToPolygon(Triangle, x, y),
        3 => ToPolygon(Star, x, y),
        4 => ToPolygon(Cross, x, y),
        5 => Math.Abs(Length(x, y) - 0.72f) - 0.21f,
        6 => Math.Max(Length(x, y) - 0.95f, 0.74f - Length(x - 0.46f, y)),
        7 => ToPolygon(Arrow, x, y),
        _ => throw new ArgumentOutOfRangeException(nameof(shape), shape, $"There are {Names.Length} shapes."),
    };

    private static float Length(float x, float y) => MathF.Sqrt((x * x) + (y * y));

    // The distance to the nearest edge; a ray to the right that crosses an odd number of edges starts inside.
    private static float ToPolygon(float[] corners, float x, float y)
    {
        float nearest = float.MaxValue;
        bool inside = false;
        float ax = corners[^2], ay = corners[^1];
        for (int i = 0; i < corners.Length; i += 2)
        {
            float bx = corners[i], by = corners[i + 1];
            float ex = bx - ax, ey = by - ay, px = x - ax, py = y - ay;
            float t = Math.Clamp(((px * ex) + (py * ey)) / ((ex * ex) + (ey * ey)), 0, 1);
            float dx = px - (t * ex), dy = py - (t * ey);
            nearest = Math.Min(nearest, (dx * dx) + (dy * dy));
            if (ay > y != by > y && px * ey < ex * py == ey < 0) inside = !inside;
            (ax, ay) = (bx, by);
        }
        return inside ? -MathF.Sqrt(nearest) : MathF.Sqrt(nearest);
    }
}
