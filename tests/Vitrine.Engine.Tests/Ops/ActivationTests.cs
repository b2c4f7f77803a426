namespace Vitrine.Engine.Tests.Operators;

/// <summary>Activation functions and their derivatives against double precision, from the far left to the far right.</summary>
public class ActivationTests
{
    private static readonly Dictionary<string, (Func<Tensor, Tensor> Function, Func<double, double> Exact)> Table = new(StringComparer.Ordinal)
    {
        ["Erf"] = (x => x.Erf(), Erf),
        ["Gelu"] = (x => x.Gelu(), x => x * Normal(x)),
        ["GeluTanh"] = (x => x.GeluTanh(), x => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)))),
        ["Silu"] = (x => x.Silu(), x => x / (1 + Math.Exp(-x))),
        ["Mish"] = (x => x.Mish(), x => x * Math.Tanh(Softplus(x))),
        ["Softplus"] = (x => x.Softplus(), Softplus),
        ["Elu"] = (x => x.Elu(0.7f), x => x > 0 ? x : 0.7f * Expm1(x)),
        ["Selu"] = (x => x.Selu(), x => 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * Expm1(x))),
        ["LeakyRelu"] = (x => x.LeakyRelu(0.3f), x => x > 0 ? x : 0.3f * x),
        ["HardSigmoid"] = (x => x.HardSigmoid(), x => Math.Clamp(x / 6 + 0.5, 0, 1)),
        ["HardSwish"] = (x => x.HardSwish(), x => x * Math.Clamp(x / 6 + 0.5, 0, 1)),
        ["Softsign"] = (x => x.Softsign(), x => x / (1 + Math.Abs(x))),
        ["Sigmoid"] = (x => x.Sigmoid(), x => 1 / (1 + Math.Exp(-x))),
        ["Log1p"] = (x => x.Abs().Log1p(), x => Math.Abs(x) < 1e-4 ? Math.Abs(x) - x * x / 2 : Math.Log(1 + Math.Abs(x))),
    };

    public static TheoryData<string> Names() => [.. Table.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void IsAsExactAsFloatsAllow(string name)
    {
        (Func<Tensor, Tensor> function, Func<double, double> exact) = Table[name];
        float[] points = [0, 1e-30f, -1e-30f, 1e-6f, -1e-6f, 100, -100, 3e4f, -3e4f, .. Enumerable.Range(-1300, 2601).Select(i => i / 100f + 0.003f)];
        Tensor x = Tensor.From(points, [points.Length]).Watch(), y = function(x);
        float[] slopes = Autograd.Backward(y, null, [x])[0].ToArray();
        for (int i = 0; i < points.Length; i++)
        {
            double expected = exact(points[i]);
            Assert.True(Math.Abs(y.Floats[i] - expected) <= 4e-7 * Math.Abs(expected) + 3e-7 * Math.Min(1, Math.Abs(points[i])), $"{name}({points[i]}) is {y.Floats[i]}, should be {expected}");
            // Kinks are no place for differences; the points avoid them by at least 0.003.
            double h = 1e-4 * Math.Max(1, Math.Abs(points[i])), slope = (exact(points[i] + h) - exact(points[i] - h)) / (2 * h);
            if (Math.Abs(points[i]) > 1e-3) Assert.True(Math.Abs(slopes[i] - slope) <= 2e-5, $"{name}'({points[i]}) is {slopes[i]}, should be {slope}");
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void KeepsNaN(string name) => Assert.True(float.IsNaN(Table[name].Function(Tensor.Scalar(float.NaN)).Item()));

    private static double Softplus(double x) => Math.Max(x, 0) + (Math.Abs(x) > 30 ? Math.Exp(-Math.Abs(x)) : Math.Log(1 + Math.Exp(-Math.Abs(x))));

    private static double Expm1(double x) => Math.Abs(x) < 1e-5 ? x + x * x / 2 : Math.Exp(x) - 1;

    private static double Normal(double x) => x < -5 ? Tail(-x / Math.Sqrt(2)) / 2 : 0.5 * (1 + Erf(x / Math.Sqrt(2)));

    private static double Erf(double x)
    {
        if (Math.Abs(x) > 3) return Math.Sign(x) * (1 - Tail(Math.Abs(x)));
        double term = x, sum = x;
        for (int n = 1; n < 200; n++)
        {
            term *= 2 * x * x / (2 * n + 1);
            sum += term;
        }
        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }

    /// <summary>1 - erf, by its continued fraction.</summary>
    private static double Tail(double x)
    {
        double fraction = 0;
        for (int k = 100; k >= 1; k--) fraction = k / 2.0 / (x + fraction);
        return Math.Exp(-x * x) / ((x + fraction) * Math.Sqrt(Math.PI));
    }
}
