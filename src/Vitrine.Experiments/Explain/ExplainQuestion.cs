using System.Globalization;
using Vitrine.Data;
using Vitrine.Insight;

namespace Vitrine.Experiments;

/// <summary>Targets and baselines from the words of a command line.</summary>
internal static class ExplainQuestion
{
    private const int BlurSize = 9;

    /// <summary><c>top</c>, the number or the label of a class, or <c>neuron:SCOPE:CHANNEL,ROW,COLUMN</c>.</summary>
    /// <exception cref="DataException">It is none of these.</exception>
    public static Target Target(string text, IReadOnlyList<string>? labels)
    {
        if (text == "top") return Insight.Target.Top;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)) return Insight.Target.Class(number);
        if (text.StartsWith("neuron:", StringComparison.Ordinal)) return Neuron(text);
        for (int i = 0; labels is not null && i < labels.Count; i++)
        {
            if (labels[i].Equals(text, StringComparison.OrdinalIgnoreCase)) return Insight.Target.Class(i);
        }
        throw new DataException(
            labels is null ? $"'{text}' names no class, for the classes have no names." : $"No class is called '{text}'.",
            "Give top, the number of a class, one of the labels, or neuron:SCOPE:CHANNEL,ROW,COLUMN.");
    }

    /// <summary>Sees that words name a baseline at all, before any input is read.</summary>
    /// <exception cref="DataException">They do not.</exception>
    public static void CheckBaseline(string text)
    {
        if (text is "zeros" or "mean" or "blur" || float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _)) return;
        if (text.StartsWith("token:", StringComparison.Ordinal)
            && int.TryParse(text.AsSpan("token:".Length), NumberStyles.None, CultureInfo.InvariantCulture, out _)) return;
        throw new DataException($"'{text}' is no baseline.", "Give zeros, mean, blur, a number or token:NUMBER.");
    }

    /// <summary><c>zeros</c>, <c>mean</c>, <c>blur</c>, a number or <c>token:NUMBER</c>.</summary>
    /// <param name="text">The words.</param>
    /// <param name="subject">What is explained: of tokens a baseline is a token, and the mean of a table is that of its columns.</param>
    /// <exception cref="DataException">It is none of these, or has no meaning for such an input.</exception>
    public static Baseline Baseline(string text, ExplainSubject subject)
    {
        bool tokens = subject.Input.DType != DType.Float32;
        if (text.StartsWith("token:", StringComparison.Ordinal))
        {
            if (!tokens) throw new DataException("Only texts have tokens.", "Choose another --baseline.");
            CheckBaseline(text);
            return Insight.Baseline.Constant(int.Parse(text.AsSpan("token:".Length), NumberStyles.None, CultureInfo.InvariantCulture));
        }
        if (text == "zeros") return Insight.Baseline.Zeros;
        if (tokens) throw new DataException($"A text has no baseline '{text}'.", "Give token:NUMBER, or zeros for token 0.");
        if (text == "mean" && subject.Background is { } rows) return Insight.Baseline.Of(rows.Mean([0], keepDims: true));
        return text switch
        {
            "mean" => Insight.Baseline.Of("mean", x =>
                x.Mean([.. Enumerable.Range(Math.Min(2, x.Rank - 1), x.Rank - Math.Min(2, x.Rank - 1))], keepDims: true).Expand(x.Shape)),
            "blur" => Insight.Baseline.Of("blur", Blurred),
            _ => float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out float value)
                ? Insight.Baseline.Constant(value)
                : throw new DataException($"'{text}' is no baseline.", "Give zeros, mean, blur, a number or token:NUMBER."),
        };
    }

    private static Target Neuron(string text)
    {
        // The name of a layer may hold colons itself: the place comes after the last.
        int end = text.LastIndexOf(':'), start = "neuron:".Length;
        string[] places = end <= start ? [] : text[(end + 1)..].Split(',');
        int[] position = new int[places.Length];
        bool sound = places.Length > 0;
        for (int i = 0; i < places.Length; i++) sound &= int.TryParse(places[i], NumberStyles.None, CultureInfo.InvariantCulture, out position[i]);
        return sound ? Insight.Target.Neuron(text[start..end], position)
            : throw new DataException($"'{text}' names no neuron.", "Write neuron:SCOPE:CHANNEL,ROW,COLUMN, for example neuron:conv2:3,4,4.");
    }

    // Three box blurs are nearly a Gaussian one.
    private static Tensor Blurred(Tensor x)
    {
        if (x.Rank != 4) throw new DataException($"An input of shape {x.Shape} is no picture that could be blurred.", "Choose another --baseline.");
        for (int i = 0; i < 3; i++) x = x.AvgPool2d(BlurSize, stride: 1, padding: BlurSize / 2, countPadding: false);
        return x;
    }
}
