namespace Vitrine.Data;

/// <summary>A round pen that draws segments on a grey canvas, anti-aliased.</summary>
internal static class Pen
{
    /// <summary>Draws one segment whose width goes linearly from one end to the other; where ink already is, the darker value stays.</summary>
    /// <param name="canvas">Ink in 0..1, row by row.</param>
    /// <param name="width">Columns of the canvas.</param>
    /// <param name="height">Rows of the canvas.</param>
    /// <param name="x0">First end, in pixels; the centre of the first pixel is at 0.5.</param>
    /// <param name="y0">First end.</param>
    /// <param name="r0">Radius of the pen at the first end, in pixels.</param>
    /// <param name="x1">Second end.</param>
    /// <param name="y1">Second end.</param>
    /// <param name="r1">Radius at the second end.</param>
    /// <param name="edge">Width of the soft rim, in pixels; above 0.</param>
    public static void Segment(
        Span<float> canvas, int width, int height, float x0, float y0, float r0, float x1, float y1, float r1, float edge)
    {
        float reach = Math.Max(r0, r1) + edge;
        int left = Math.Max(0, (int)(Math.Min(x0, x1) - reach)), right = Math.Min(width - 1, (int)(Math.Max(x0, x1) + reach));
        int top = Math.Max(0, (int)(Math.Min(y0, y1) - reach)), bottom = Math.Min(height - 1, (int)(Math.Max(y0, y1) + reach));
        float dx = x1 - x0, dy = y1 - y0;
        float length = (dx * dx) + (dy * dy);
        float inverse = length > 1e-12f ? 1 / length : 0;
        for (int y = top; y <= bottom; y++)
        {
            float py = y + 0.5f - y0;
            for (int x = left; x <= right; x++)
            {
                float px = x + 0.5f - x0;
                float t = Math.Clamp(((px * dx) + (py * dy)) * inverse, 0, 1);
                float ex = px - (t * dx), ey = py - (t * dy);
                float squared = (ex * ex) + (ey * ey);
                float rim = r0 + (t * (r1 - r0)) + (0.5f * edge);
                if (squared >= rim * rim) continue;
                float ink = Math.Min(1, (rim - MathF.Sqrt(squared)) / edge);
                ref float pixel = ref canvas[(y * width) + x];
                if (ink > pixel) pixel = ink;
            }
        }
    }
}
