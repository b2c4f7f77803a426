using System.Globalization;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>The page that shows explanations beside the known answers.</summary>
internal sealed class GroundReport
{
    private const int Pictures = 3;
    private const int MapsInARow = 7;

    private readonly HtmlReport _page = new("Explanations beside answers that are known") { Kicker = "Vitrine: ground truth" };

    /// <summary>Adds a task with the maps of each method: the best first.</summary>
    public void Add(GroundTask task, IReadOnlyList<(GroundScore Score, float[][]? Maps)> methods)
    {
        ReportSection section = _page.Section(task.Name);
        section.Text($"{task.Question} The network: {task.Quality}.");
        string key = task.Truth.DType == DType.Bool ? "auc" : "correlation";
        (GroundScore Score, float[][] Maps)[] best =
            [.. methods.Where(m => m.Maps is not null).OrderByDescending(m => m.Score.Scores[key]).Select(m => (m.Score, m.Maps!))];
        if (best.Length == 0)
        {
            section.Note("No method that was asked for applies.");
            return;
        }
        if (task.Inputs.Rank == 4)
        {
            section.Text($"Three inputs, where the reason was planted, and the maps of the {Math.Min(best.Length, MapsInARow)} methods that come nearest. Bright is much.");
            section.Row(Maps(task, best));
        }
        if (task.Inputs.Rank == 3)
            section.Figure(Series(task, best[0]), "One series: its values, the planted window, and where the method that came nearest looks.");

        BarChart chart = new(key == "auc" ? "Area under the curve against the planted reason" : "Correlation with the true values")
        {
            Description = $"The {key} of every method, beside random maps and maps that know no network.",
            Format = "0.000",
            Maximum = 1,
            Width = 480,
        };
        foreach ((GroundScore score, _) in best) chart.Add(score.Method, Math.Max(0, score.Scores[key]));
        chart.Add("edges or sizes, no network", Math.Max(0, best[0].Score.Edges[key]), marked: true);
        chart.Add("random", Math.Max(0, best[0].Score.Random[key]), marked: true);
        section.Figure(chart.ToSvg(), "Marked bars are what a map scores that has nothing to do with the network: a method that does not beat them explains nothing here.");

        string[] names = [.. best[0].Score.Scores.Keys];
        section.Details("All scores", inside =>
        {
            inside.Table(
                ["method", .. names, "seconds"],
                [
                    .. best.Select(b => (IReadOnlyList<string>)[b.Score.Method, .. names.Select(n => Number(b.Score.Scores[n])), Number(b.Score.Seconds)]),
                    ["edges or sizes", .. names.Select(n => Number(best[0].Score.Edges[n])), "-"],
                    ["random", .. names.Select(n => $"{Number(best[0].Score.Random[n])} ± {Number(best[0].Score.RandomSpread[n])}"), "-"],
                ]);
            string[] declined = [.. methods.Where(m => m.Maps is null).Select(m => $"{m.Score.Method}: {m.Score.Declined}")];
            if (declined.Length > 0) inside.Heading("Not applicable here").List(declined);
        });
    }

    /// <summary>The whole page.</summary>
    public HtmlReport Compose(GroundResult result)
    {
        int compared = result.Tasks.Count(t => t.Declined is null);
        _page.Lead = "A heat map always looks plausible. On these tasks the reason for every answer was planted, so a map can be right or wrong, and each method is " +
            "measured beside maps that never saw the network.";
        _page.Facts(("tasks", Count(result.Networks.Count)), ("explanations scored", Count(compared)), ("seed", Count((long)result.Seed)));
        _page.Footer = $"vitrine ground, version {Tour.Version}";
        return _page;
    }

    // A column of pictures for each method, so that a phone can break the row.
    private static IEnumerable<Figure> Maps(GroundTask task, (GroundScore Score, float[][] Maps)[] best)
    {
        int height = task.Inputs.Shape[2], width = task.Inputs.Shape[3], scale = Math.Max(1, 96 / height), count = Math.Min(Pictures, task.Inputs.Shape[0]);
        yield return Column("Inputs", "input", i =>
        {
            Tensor image = task.Inputs.Slice(0, i, i + 1);
            return Picture.Of(image, image.Min([]).Item(), image.Max([]).Item()).ScaleUp(scale);
        });
        yield return Column("Where the reason was planted", "truth", i => Plane(task.Truth.Slice(0, i, i + 1).Cast(DType.Float32).ToArray()));
        foreach ((GroundScore score, float[][] maps) in best.Take(MapsInARow))
            yield return Column($"Where {score.Method} sees the reason", score.Method, i => Plane([.. maps[i].Select(MathF.Abs)]));

        Figure Column(string alt, string caption, Func<int, Picture> of)
        {
            var column = new ImageGrid(1);
            for (int i = 0; i < count; i++) column.Add(of(i));
            return Figure.Of(column.ToPicture(), alt, caption, width: 104);
        }

        Picture Plane(float[] values)
        {
            float[,] plane = new float[height, width];
            for (int p = 0; p < values.Length; p++) plane[p / width, p % width] = values[p];
            return HeatMap.Of(plane).Absolute().Scale(scale).ToPicture();
        }
    }

    private static Svg Series(GroundTask task, (GroundScore Score, float[][] Maps) best)
    {
        int length = task.Inputs.Shape[2];
        double[] series = [.. task.Inputs.Floats[..length].ToArray().Select(v => (double)v)];
        double[] window = [.. task.Truth.Bools[..length].ToArray().Select(inside => inside ? 1.0 : 0)];
        double most = Math.Max(1e-12, best.Maps[0].Max(MathF.Abs));
        double[] map = [.. best.Maps[0].Select(v => Math.Abs(v) / most)];
        return new LineChart("What decides")
        {
            Description = $"A time series, the window in which its pattern was planted, and the size of the attribution by {best.Score.Method}.",
            XLabel = "time step",
        }.Add("series", series).Add("planted", window, dashed: true).Add(best.Score.Method, map).ToSvg();
    }

    private static string Number(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

    private static string Count(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
