using System.Globalization;

namespace Vitrine.Render;

/// <summary>
/// Which class was taken for which, as SVG: a row a true class, a column a predicted class, the count in each cell. The colour is the share of the row, so
/// that rare classes are seen as well as frequent ones; right answers are blue, errors red.
/// </summary>
public sealed class ConfusionMatrix
{
    private readonly int[,] _counts;
    private readonly IReadOnlyList<string> _names;

    /// <summary>Takes the counts.</summary>
    /// <param name="counts">[true class, predicted class]; copied.</param>
    /// <param name="names">The names of the classes.</param>
    /// <exception cref="ArgumentException">The array is not square, a count is negative, or the names differ in number.</exception>
    public ConfusionMatrix(int[,] counts, IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(counts);
        ArgumentNullException.ThrowIfNull(names);
        if (counts.GetLength(0) != counts.GetLength(1) || counts.Length == 0)
        {
            string shape = $"[{counts.GetLength(0)}, {counts.GetLength(1)}]";
            throw new ArgumentException($"A confusion matrix has as many rows as columns and at least one, but the array is {shape}.", nameof(counts));
        }
        if (names.Count != counts.GetLength(0))
            throw new ArgumentException($"There are {counts.GetLength(0)} classes, but {names.Count} names.", nameof(names));
        foreach (int count in counts)
            if (count < 0) throw new ArgumentException($"A count is {count}: counts are 0 or more.", nameof(counts));
        _counts = (int[,])counts.Clone();
        _names = [.. names];
    }

    /// <summary>Counts the pairs of true and predicted class.</summary>
    /// <param name="truth">The true classes, 0 to the number of names - 1.</param>
    /// <param name="predicted">The predicted classes, as many.</param>
    /// <param name="names">The names of the classes.</param>
    /// <exception cref="ArgumentException">The lists differ in length, or a class is out of range.</exception>
    public static ConfusionMatrix Of(ReadOnlySpan<int> truth, ReadOnlySpan<int> predicted, IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        if (truth.Length != predicted.Length)
            throw new ArgumentException($"There are {truth.Length} true classes, but {predicted.Length} predictions.", nameof(predicted));
        int[,] counts = new int[names.Count, names.Count];
        for (int i = 0; i < truth.Length; i++)
        {
            if ((uint)truth[i] >= (uint)names.Count || (uint)predicted[i] >= (uint)names.Count)
            {
                throw new ArgumentException(
                    $"Example {i} has true class {truth[i]} and predicted class {predicted[i]}, but classes run from 0 to {names.Count - 1}.", nameof(truth));
            }
            counts[truth[i], predicted[i]]++;
        }
        return new(counts, names);
    }

    /// <summary>The title, above the matrix.</summary>
    public string Title { get; set; } = "Confusion matrix";

    /// <summary>What there is to be seen, for those who do not see it; by default the accuracy and the most frequent confusion.</summary>
    public string? Description { get; set; }

    /// <summary>The share of right answers, 0 to 1; NaN without examples.</summary>
    public double Accuracy
    {
        get
        {
            (long right, long all) = (0, 0);
            for (int i = 0; i < _names.Count; i++)
                for (int j = 0; j < _names.Count; j++)
                {
                    all += _counts[i, j];
                    if (i == j) right += _counts[i, j];
                }
            return all == 0 ? double.NaN : (double)right / all;
        }
    }

    /// <summary>Draws the matrix.</summary>
    public Svg ToSvg()
    {
        int classes = _names.Count, longest = 1, digits = 1;
        foreach (string name in _names) longest = Math.Max(longest, name.Length);
        foreach (int count in _counts) digits = Math.Max(digits, Markup.Readable(count).Length);
        // Numbers need room; beyond forty classes colour and tooltip must do.
        bool numbers = classes <= 40;
        bool small = classes > 12;
        string font = small ? "vt-small" : "";
        double size = small ? 11 : 13;
        double cell = !numbers ? Math.Max(6, 640.0 / classes) : small ? Math.Max(26, (digits * 7.5) + 6) : Math.Max(40, (digits * 8.5) + 10);
        double letter = cell < 12 ? 0 : 1; // names of rows lower than the letters would overlap
        double longestName = SvgBuilder.TextWidth(new('x', longest), size);
        double left = 30 + (letter * Math.Min(150, longestName + 12));
        bool turned = longestName > cell;
        double head = 36 + 18 + (letter * (turned ? Math.Min(110, (longestName * 0.75) + 14) : 24));
        // A slanted last name reaches beyond the last column.
        double recall = left + (classes * cell) + 10, width = recall + 58 + (turned ? 14 : 0), bottom = head + (classes * cell);

        SvgBuilder svg = new();
        svg.Text(0, 17, Title, "vt-strong");
        svg.Text(left, 46, "predicted \u2192", "vt-soft vt-small");
        svg.Text(14, bottom, "true \u2192", "vt-soft vt-small", "start", turn: -90);
        if (numbers) svg.Text(recall + 48, bottom + 16, "recall", "vt-soft vt-small", "end");
        for (int i = 0; i < classes; i++)
        {
            double middle = (i + 0.5) * cell;
            long total = 0;
            for (int j = 0; j < classes; j++) total += _counts[i, j];
            if (letter > 0)
            {
                string row = SvgBuilder.Fit(_names[i], left - 38, size), column = SvgBuilder.Fit(_names[i], turned ? 110 : cell + 8, size);
                svg.Text(left - 9, head + middle + 4.5, row, font, "end", row == _names[i] ? null : _names[i]);
                if (turned) svg.Text(left + middle + 3, head - 8, column, font, turn: -45, tooltip: column == _names[i] ? null : _names[i]);
                else svg.Text(left + middle, head - 9, column, font, "middle");
            }
            for (int j = 0; j < classes; j++)
            {
                double share = total > 0 ? _counts[i, j] / (double)total : 0;
                double gap = cell > 20 ? 1 : 0;
                double x = left + (j * cell) + gap, y = head + (i * cell) + gap, side = cell - (2 * gap);
                string tooltip = $"{_names[i]} taken for {_names[j]}: {_counts[i, j]} of {total} ({Percent(share, "0.#")})";
                svg.Rect(x, y, side, side, "vt-track", radius: gap * 3, tooltip: tooltip);
                // Errors are rare, so their scale is stretched at its low end (a power below 1); a straight one would leave most of them white.
                double tint = i == j ? 0.1 + (0.9 * share) : Math.Pow(share, 0.6);
                if (_counts[i, j] == 0) continue;
                svg.Rect(x, y, side, side, i == j ? "vt-fill" : "vt-mark", tint, gap * 3, tooltip);
                string style = (tint > 0.72 ? "vt-on " : "") + font;
                if (numbers) svg.Text(left + ((j + 0.5) * cell), head + middle + 4.5, Markup.Readable(_counts[i, j]), style, "middle", tooltip);
            }
            if (numbers && total > 0) svg.Text(recall + 48, head + middle + 4.5, Percent(_counts[i, i] / (double)total, "0.0"), "vt-soft vt-small", "end");
        }
        return svg.Finish(Title, Description ?? Describe(), width, bottom + (numbers ? 24 : 8));
    }

    private static string Percent(double share, string format) => (100 * share).ToString(format, CultureInfo.InvariantCulture) + " %";

    private string Describe()
    {
        (int worstRow, int worstColumn) = (0, 0);
        int most = 0;
        for (int i = 0; i < _names.Count; i++)
            for (int j = 0; j < _names.Count; j++)
                if (i != j && _counts[i, j] > most) (most, worstRow, worstColumn) = (_counts[i, j], i, j);
        string accuracy = double.IsNaN(Accuracy) ? "There are no examples." : $"{Percent(Accuracy, "0.##")} of the answers are right.";
        return most == 0 ? $"{_names.Count} classes. {accuracy}"
            : $"{_names.Count} classes. {accuracy} The most frequent confusion: {_names[worstRow]} taken for {_names[worstColumn]}, {most} times.";
    }
}
