namespace Vitrine.Data;

/// <summary>Sine and cosine from additions and multiplications alone.</summary>
/// <remarks>Math.Sin is the platform's own and may differ in the last bit, and a generator must give the same bytes everywhere.</remarks>
internal static class Trigonometry
{
    /// <summary>Sine and cosine of an angle in radians; exact to about 1e-9 for |angle| up to 1e5.</summary>
    public static (float Sin, float Cos) SinCos(float angle)
    {
        double quarters = Math.Floor((angle * (2 / Math.PI)) + 0.5);
        double x = angle - (quarters * (Math.PI / 2));
        double y = x * x;
        double sin = x * (1 + (y * ((-1.0 / 6) + (y * ((1.0 / 120) + (y * ((-1.0 / 5040) + (y * (1.0 / 362880)))))))));
        double cos = 1 + (y * (-0.5 + (y * ((1.0 / 24) + (y * ((-1.0 / 720) + (y * ((1.0 / 40320) - (y * (1.0 / 3628800))))))))));
        return ((long)quarters & 3) switch
        {
            0 => ((float)sin, (float)cos),
            1 => ((float)cos, (float)-sin),
            2 => ((float)-sin, (float)-cos),
            _ => ((float)-cos, (float)sin),
        };
    }
}
