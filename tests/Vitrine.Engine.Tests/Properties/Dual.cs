namespace Vitrine.Engine.Tests.Properties;

/// <summary>A number and its derivative in one direction: forward-mode differentiation, by rules of one line each.</summary>
internal readonly record struct Dual(double V, double D)
{
    // How near to a kink is too near to tell on which side single precision falls.
    private const double Near = 1e-3;

    [ThreadStatic]
    private static bool t_doubtful;

    [ThreadStatic]
    private static double t_largest;

    /// <summary>Whether a decision since <see cref="Begin"/> hung on a hair.</summary>
    public static bool Doubtful => t_doubtful;

    /// <summary>The largest size of a value or derivative noted since <see cref="Begin"/>; infinite when one was not finite.</summary>
    public static double Largest => t_largest;

    public static void Begin()
    {
        t_doubtful = false;
        t_largest = 0;
    }

    public static implicit operator Dual(double v) => new(v, 0);

    public static Dual operator +(Dual a, Dual b) => new(a.V + b.V, a.D + b.D);

    public static Dual operator -(Dual a, Dual b) => new(a.V - b.V, a.D - b.D);

    public static Dual operator *(Dual a, Dual b) => new(a.V * b.V, a.D * b.V + a.V * b.D);

    public static Dual operator /(Dual a, Dual b) => new(a.V / b.V, (a.D * b.V - a.V * b.D) / (b.V * b.V));

    /// <summary>a > b, and a note when that is a close call.</summary>
    public static bool Above(Dual a, Dual b)
    {
        if (Math.Abs(a.V - b.V) < Near * (1 + Math.Abs(a.V))) t_doubtful = true;
        return a.V > b.V;
    }

    public static Dual Exp(Dual x) => new(Math.Exp(x.V), Math.Exp(x.V) * x.D);

    public static Dual Log(Dual x) => new(Math.Log(x.V), x.D / x.V);

    public static Dual Sqrt(Dual x) => new(Math.Sqrt(x.V), x.D / (2 * Math.Sqrt(x.V)));

    public static Dual Sin(Dual x) => new(Math.Sin(x.V), Math.Cos(x.V) * x.D);

    public static Dual Tanh(Dual x) => new(Math.Tanh(x.V), (1 - Math.Tanh(x.V) * Math.Tanh(x.V)) * x.D);

    public static Dual Sigmoid(Dual x) => 1 / (1 + Exp(0 - x));

    public static Dual Softplus(Dual x) => Log(1 + Exp(x));

    public static Dual Relu(Dual x) => Above(x, 0) ? x : 0;

    public static Dual Abs(Dual x) => Above(x, 0) ? x : 0 - x;

    public Dual Noted()
    {
        double size = Math.Max(Math.Abs(V), Math.Abs(D));
        t_largest = double.IsFinite(size) ? Math.Max(t_largest, size) : double.PositiveInfinity;
        return this;
    }
}
