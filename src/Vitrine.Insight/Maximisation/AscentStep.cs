namespace Vitrine.Insight;

/// <summary>How a step follows from a gradient.</summary>
public enum AscentRule
{
    /// <summary>Adam (Kingma and Ba 2015): every parameter moves by about the rate, however steep it is.</summary>
    Adam,

    /// <summary>The rate times the gradient.</summary>
    Plain,

    /// <summary>The rate times the gradient over the root of its mean square, example by example: steps have one length, directions are the
    /// gradient's.</summary>
    Normalised,
}

/// <summary>The state of an ascent and its next step.</summary>
internal sealed class AscentStep(AscentRule rule, double rate, int examples, int size)
{
    private const double Beta1 = 0.9;
    private const double Beta2 = 0.999;
    private const double Epsilon = 1e-8;
    private const int Grain = 1 << 14;

    private readonly float[] _mean = rule == AscentRule.Adam ? new float[examples * size] : [];
    private readonly float[] _square = rule == AscentRule.Adam ? new float[examples * size] : [];
    private int _step;

    /// <summary>Moves the parameters up along the gradient.</summary>
    public void Up(float[] parameters, float[] gradient)
    {
        _step++;
        switch (rule)
        {
            case AscentRule.Adam:
                double first = 1 - Math.Pow(Beta1, _step), second = 1 - Math.Pow(Beta2, _step);
                float mean = (float)(rate / first), square = (float)(1 / second);
                Work.Split(parameters.Length, Grain, (start, end) =>
                {
                    for (int i = start; i < end; i++)
                    {
                        float g = gradient[i];
                        float m = _mean[i] = (float)Beta1 * _mean[i] + (float)(1 - Beta1) * g;
                        float v = _square[i] = (float)Beta2 * _square[i] + (float)(1 - Beta2) * g * g;
                        parameters[i] += mean * m / (MathF.Sqrt(square * v) + (float)Epsilon);
                    }
                });
                break;
            case AscentRule.Plain:
                for (int i = 0; i < parameters.Length; i++) parameters[i] += (float)(rate * gradient[i]);
                break;
            default:
                for (int e = 0; e < examples; e++)
                {
                    double sum = 0;
                    foreach (float g in gradient.AsSpan(e * size, size)) sum += (double)g * g;
                    double length = rate / (Math.Sqrt(sum / size) + 1e-12);
                    for (int i = e * size; i < (e + 1) * size; i++) parameters[i] += (float)(length * gradient[i]);
                }
                break;
        }
    }
}
