namespace Vitrine.Data;

/// <summary>A random, smooth displacement of the plane: the elastic distortion of handwriting.</summary>
/// <remarks>
/// Simard, Steinkraus and Platt, "Best practices for convolutional neural networks applied to visual document analysis", ICDAR 2003, smooth white
/// noise with a Gaussian and move pixels. Here the noise sits on a coarse grid, the smoothing kernel is the cubic B-spline (within 2% of a
/// Gaussian with sigma = cell / sqrt(3)), and the points of the pen are moved: the same deformation, without resampling a picture.
/// </remarks>
internal ref struct ElasticField
{
    private readonly Span<float> _x;
    private readonly Span<float> _y;
    private readonly int _grid;
    private readonly float _cell;

    /// <summary>Draws a field over [0, size) x [0, size).</summary>
    /// <param name="random">Where the noise comes from.</param>
    /// <param name="storage">Room for 2 x (cells + 3) x (cells + 3) values.</param>
    /// <param name="size">The side of the plane in pixels.</param>
    /// <param name="cells">The number of grid cells a side.</param>
    /// <param name="strength">The standard deviation of the noise in pixels; displacements are about half of it.</param>
    public ElasticField(RandomSource random, Span<float> storage, float size, int cells, float strength)
    {
        _grid = cells + 3;
        _cell = size / cells;
        _x = storage[..(_grid * _grid)];
        _y = storage.Slice(_grid * _grid, _grid * _grid);
        for (int i = 0; i < _x.Length; i++)
        {
            _x[i] = strength * random.Bell();
            _y[i] = strength * random.Bell();
        }
    }

    /// <summary>The displacement at a point, in pixels. Points outside the plane move as its border does.</summary>
    public readonly (float X, float Y) At(float x, float y)
    {
        (int column, float u) = Cell(x);
        (int row, float v) = Cell(y);
        Span<float> across = stackalloc float[4];
        Span<float> down = stackalloc float[4];
        Spline(u, across);
        Spline(v, down);
        float dx = 0, dy = 0;
        for (int j = 0; j < 4; j++)
        {
            for (int i = 0; i < 4; i++)
            {
                float weight = down[j] * across[i];
                int at = ((row + j) * _grid) + column + i;
                dx += weight * _x[at];
                dy += weight * _y[at];
            }
        }
        return (dx, dy);
    }

    private readonly (int Index, float Fraction) Cell(float position)
    {
        float p = Math.Clamp(position / _cell, 0, _grid - 3);
        int index = Math.Min((int)p, _grid - 4);
        return (index, p - index);
    }

    private static void Spline(float t, Span<float> weights)
    {
        float s = 1 - t;
        weights[0] = s * s * s / 6;
        weights[1] = ((3 * t * t * t) - (6 * t * t) + 4) / 6;
        weights[2] = ((3 * s * s * s) - (6 * s * s) + 4) / 6;
        weights[3] = t * t * t / 6;
    }
}
