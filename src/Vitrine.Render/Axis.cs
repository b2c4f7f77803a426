using System.Globalization;

namespace Vitrine.Render;

/// <summary>A number line: its range, its ticks and their labels.</summary>
internal sealed class Axis
{
    private readonly double _low;
    private readonly double _high;
    private readonly bool _log;

    private Axis(double low, double high, bool log, IReadOnlyList<(double Value, string Label)> ticks)
    {
        _low = low;
        _high = high;
        _log = log;
        Ticks = ticks;
    }

    public IReadOnlyList<(double Value, string Label)> Ticks { get; }

    /// <summary>An axis with ticks at 1, 2 or 5 times a power of ten: Paul Heckbert, "Nice Numbers for Graph Labels", Graphics Gems, 1990.</summary>
    public static Axis Linear(double low, double high, int about, bool whole = false)
    {
        (low, high) = Widen(low, high);
        double rough = (high - low) / Math.Max(1, about);
        double power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double part = rough / power;
        double step = power * (part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10);
        if (whole) step = Math.Max(1, Math.Round(step));
        int decimals = Math.Clamp((int)-Math.Floor(Math.Log10(step) + 1e-9), 0, 12);
        List<(double, string)> ticks = [];
        for (double k = Math.Ceiling((low / step) - 1e-6); k <= Math.Floor((high / step) + 1e-6) && ticks.Count < 50; k++)
            ticks.Add((k * step, Label(k * step, step, decimals)));
        return new(low, high, false, ticks);
    }

    /// <summary>An axis by powers of ten; over less than two of them, 2 and 5 are labelled too.</summary>
    public static Axis Log(double low, double high)
    {
        if (high <= low) (low, high) = (low / 2, high * 2);
        int first = (int)Math.Floor(Math.Log10(low) + 1e-9), last = (int)Math.Ceiling(Math.Log10(high) - 1e-9);
        int every = Math.Max(1, (last - first + 5) / 6);
        double[] factors = Math.Log10(high / low) < 2 ? [1, 2, 5] : [1];
        List<(double, string)> ticks = [];
        for (int e = first; e <= last; e += every)
            foreach (double factor in factors)
            {
                double value = factor * Math.Pow(10, e);
                if (value >= low * 0.999 && value <= high * 1.001) ticks.Add((value, Markup.Readable(value)));
            }
        return new(low, high, true, ticks);
    }

    /// <summary>Where a value lies, 0 at the low end to 1 at the high end.</summary>
    public double Place(double value) =>
        _log ? Math.Log(value / _low) / Math.Log(_high / _low) : (value - _low) / (_high - _low);

    private static (double Low, double High) Widen(double low, double high)
    {
        if (high > low) return (low, high);
        double room = low == 0 ? 1 : Math.Abs(low) * 0.1;
        return (low - room, low + room);
    }

    private static string Label(double value, double step, int decimals)
    {
        if (Math.Abs(value) < step * 1e-6) value = 0;
        string text = step switch
        {
            >= 1e7 or < 1e-5 => value == 0 ? "0" : value.ToString("0.##e0", CultureInfo.InvariantCulture),
            >= 1e6 => (value / 1e6).ToString("0.#", CultureInfo.InvariantCulture) + "M",
            >= 1e3 => (value / 1e3).ToString("0.#", CultureInfo.InvariantCulture) + "k",
            _ => value.ToString("F" + decimals, CultureInfo.InvariantCulture),
        };
        if (text is "0M" or "0k") text = "0";
        return text.Replace("-", "\u2212", StringComparison.Ordinal);
    }
}
