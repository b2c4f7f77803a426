using System.Diagnostics;
using System.Numerics.Tensors;
using System.Text.Json;
using System.Text.Json.Serialization;
using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Models;
using Vitrine.Onnx;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>How a captioner is trained and looked into.</summary>
public sealed record CaptionOptions
{
    /// <summary>The name of the study among the tasks of <c>vitrine attention</c>.</summary>
    public const string Task = "captions";

    /// <summary>The steps of training that give the figures of the documentation.</summary>
    public const int DefaultSteps = 1_000;

    /// <summary>Steps of training, <see cref="CaptionTraining.Batch"/> new scenes each.</summary>
    public int Steps { get; init; } = DefaultSteps;

    /// <summary>Unseen scenes to measure on.</summary>
    public int Scenes { get; init; } = 500;

    /// <summary>Scenes to show on the page.</summary>
    public int Shown { get; init; } = 6;

    /// <summary>The weight of the doubly stochastic penalty; see <see cref="CaptionTraining.Train"/>.</summary>
    public float Spread { get; init; }

    /// <summary>Where random numbers start.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>The folder for the page, the results and the network; null for none.</summary>
    public string? Output { get; init; }
}

/// <summary>Where a captioner looks before words that name one of the two shapes: means over unseen scenes of the part of the weight, from 0 to 1.</summary>
/// <param name="Words">Which words.</param>
/// <param name="Named">On the shape that is named. A place of the grid counts with the part of its square that the shape covers.</param>
/// <param name="Other">On the other shape.</param>
/// <param name="Even">On the named shape if all places had the same weight: its share of the picture.</param>
/// <param name="Elsewhere">On where the named shape of another scene is: what a liking for certain places alone would give.</param>
/// <param name="Untrained">On the named shape, before the network learned anything.</param>
/// <param name="Most">On the named shape if all the weight were on the place that it covers most.</param>
/// <param name="Seeing">On places whose receptive field meets the named shape.</param>
/// <param name="EvenSeeing">The same if all places had the same weight.</param>
/// <param name="Peak">How often the place with the largest weight is on the named shape, at least in part.</param>
/// <param name="PeakOther">How often it is on the other shape.</param>
public sealed record CaptionLook(
    string Words, double Named, double Other, double Even, double Elsewhere, double Untrained, double Most, double Seeing, double EvenSeeing, double Peak,
    double PeakOther);

/// <summary>What a captioner writes, and where it looks.</summary>
/// <param name="Version">The version of Vitrine.</param>
/// <param name="Steps">The steps it learned.</param>
/// <param name="Seed">Where random numbers started.</param>
/// <param name="Scenes">The unseen scenes it was measured on.</param>
/// <param name="Right">The part of scenes whose caption is right in every word.</param>
/// <param name="WordsRight">The part of words, and ends of captions, that it writes where they should be.</param>
/// <param name="Reach">The side of the receptive field of a place of the grid, in pixels.</param>
/// <param name="All">Where it looks before all words that name a shape.</param>
/// <param name="Looks">The same for each of the four words.</param>
public sealed record CaptionResult(
    string Version, int Steps, ulong Seed, int Scenes, double Right, double WordsRight, int Reach, CaptionLook All, IReadOnlyList<CaptionLook> Looks)
{
    /// <summary>The result as one JSON object.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, CaptionJson.Default.CaptionResult);
}

/// <summary>
/// Trains a captioner that looks at the picture anew for each word (Xu et al. 2015, "Show, attend and tell"), and measures whether it looks at what it speaks
/// about: in made-up scenes it is known which pixels each word is about.
/// </summary>
public static class CaptionStudy
{
    private const int Batch = 50;

    private static readonly string[] Named = ["colour of the first", "kind of the first", "colour of the second", "kind of the second"];

    /// <summary>Trains, measures, and writes the page.</summary>
    /// <param name="options">How.</param>
    /// <param name="stage">Hears what is being done now; or null.</param>
    /// <param name="cancel">Ends the work; nothing is written then.</param>
    /// <exception cref="IOException">The folder cannot be written to.</exception>
    public static CaptionResult Run(CaptionOptions options, Action<string>? stage = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Steps, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Scenes, 2); // another scene is needed to compare with
        if (options.Output is not null) OutputFolder.Prepare(options.Output);
        var clock = Stopwatch.StartNew();
        stage?.Invoke("training a captioner");
        ShowAttendTell network = CaptionTraining.Train(options.Seed, options.Steps, options.Spread,
            (done, loss) => stage?.Invoke(FormattableString.Invariant($"training a captioner: {done} of {options.Steps} steps, loss {loss:0.000}")), cancel);
        double seconds = clock.Elapsed.TotalSeconds;
        stage?.Invoke("measuring where it looks");
        var random = new RandomSource(options.Seed);
        CaptionedScenes unseen = CaptionedScenes.Generate(options.Scenes, random.Derive("measured"));
        long[][] written = Written(network, unseen.Pictures, cancel);
        (double right, double wordsRight) = Score(unseen, written);
        ReceptiveField[] fields = Fields(network);
        (CaptionLook all, CaptionLook[] looks) = Measure(
            unseen, Weights(network, unseen, cancel), Weights(CaptionTraining.Train(options.Seed, 0), unseen, cancel), network.Grid, fields);
        var result = new CaptionResult(Tour.Version, options.Steps, options.Seed, options.Scenes, right, wordsRight,
            fields[fields.Length / 2 + network.Grid / 2].Extent(2), all, looks);
        if (options.Output is null) return result;
        stage?.Invoke("writing the page");
        cancel.ThrowIfCancellationRequested();
        CaptionPage.Of(result, Views(network, unseen, written, options.Shown), seconds).Save(Path.Combine(options.Output, "index.html"));
        OutputFolder.Write(Path.Combine(options.Output, "captions.json"), result.ToJson());
        Keep(network, unseen, options.Output);
        return result;
    }

    /// <summary>
    /// The network as weights and as an ONNX file that reads a picture and writes its caption, with what <c>vitrine attention</c> needs to look into that: the
    /// words it writes, how pictures become its input, and a picture.
    /// </summary>
    private static void Keep(ShowAttendTell network, CaptionedScenes scenes, string folder)
    {
        const int side = CaptionedScenes.Size;
        network.Save(Path.Combine(folder, "captioner.safetensors"));
        OnnxExport.Save(network, scenes.Pictures.Slice(0, 0, Math.Min(3, scenes.Count)), Path.Combine(folder, "captioner.onnx"),
            new OnnxExportOptions { InputNames = ["picture"], OutputNames = ["caption"] });
        OutputFolder.Write(Path.Combine(folder, "words.txt"), string.Join('\n', CaptionedScenes.Words) + "\n");
        OutputFolder.Write(Path.Combine(folder, "preprocess.json"), new Preprocess { Resize = side, Crop = side }.ToJson());
        Picture.Of(scenes.Pictures.Slice(0, 0, 1)).Save(Path.Combine(folder, "scene.png"));
    }

    /// <summary>What the network writes by itself: for each picture the numbers of words.</summary>
    internal static long[][] Written(ShowAttendTell network, Tensor pictures, CancellationToken cancel = default)
    {
        var rows = new List<long[]>();
        foreach ((int from, int to) in Batches(pictures.Shape[0]))
        {
            cancel.ThrowIfCancellationRequested();
            Tensor words = network.Predict(pictures.Slice(0, from, to)).ArgMax(2); // [N, T]
            for (int i = 0; i < to - from; i++) rows.Add(words.Longs.Slice(i * network.Longest, network.Longest).ToArray());
        }
        return [.. rows];
    }

    /// <summary>Where the network looks as it is shown captions word by word: [N, T, places].</summary>
    internal static Tensor Weights(ShowAttendTell network, CaptionedScenes scenes, CancellationToken cancel = default)
    {
        var parts = new List<Tensor>();
        Tensor shown = scenes.Shown;
        foreach ((int from, int to) in Batches(scenes.Count))
        {
            cancel.ThrowIfCancellationRequested();
            IReadOnlyList<AttentionMap> maps = AttentionMap.Of(network, scenes.Pictures.Slice(0, from, to), shown.Slice(0, from, to));
            parts.Add(AttentionMap.OverSteps(maps).Single().Weights.Squeeze(1)); // [N, T, places]
        }
        return TensorOps.Concat(0, [.. parts]);
    }

    /// <summary>The parts of captions, and of their words with the end after them, that are right.</summary>
    internal static (double Captions, double Words) Score(CaptionedScenes scenes, long[][] written)
    {
        (int captions, int words, int all) = (0, 0, 0);
        for (int n = 0; n < scenes.Count; n++)
        {
            ReadOnlySpan<long> truth = scenes.Captions.Longs.Slice(n * CaptionedScenes.Length, CaptionedScenes.Length);
            int length = truth.IndexOf(CaptionedScenes.End) + 1, right = 0;
            for (int t = 0; t < length; t++) if (written[n][t] == truth[t]) right++;
            (words, all) = (words + right, all + length);
            if (right == length) captions++;
        }
        return (captions / (double)scenes.Count, words / (double)all);
    }

    /// <summary>What each place of the grid sees of the picture, in pixels: read off the network, not reckoned by hand.</summary>
    internal static ReceptiveField[] Fields(ShowAttendTell network)
    {
        var fields = ReceptiveFields.Of(network, new RandomSource(0).Uniform([1, 3, CaptionedScenes.Size, CaptionedScenes.Size], 0, 1));
        return [.. Enumerable.Range(0, network.Grid * network.Grid).Select(p => fields.Of("encoder", 0, p / network.Grid, p % network.Grid))];
    }

    /// <summary>Where weights [N, T, places] lie before each of the four words that name a shape, and before all of them.</summary>
    internal static (CaptionLook All, CaptionLook[] Looks) Measure(CaptionedScenes scenes, Tensor weights, Tensor untrained, int grid, ReceptiveField[] fields)
    {
        Tensor coverage = ImageAttention.Coverage(scenes.Masks, grid, grid), seen = Seen(scenes.Masks, fields); // [N, 2, places]
        Tensor another = TensorOps.Concat(0, coverage.Slice(0, 1, scenes.Count), coverage.Slice(0, 0, 1));       // that of the next scene
        float[] on = ImageAttention.On(weights, coverage).ToArray(), elsewhere = ImageAttention.On(weights, another).ToArray(); // [N, T, 2]
        float[] fresh = ImageAttention.On(untrained, coverage).ToArray(), seeing = ImageAttention.On(weights, seen).ToArray();
        int places = grid * grid, length = CaptionedScenes.Length;
        var sums = new double[Named.Length][];
        for (int n = 0; n < scenes.Count; n++)
        {
            int word = 0;
            for (int t = 0; t < length; t++)
            {
                int about = (int)scenes.About.Longs[(n * length) + t] - 1;
                if (about < 0) continue;
                int at = ((n * length) + t) * 2;
                ReadOnlySpan<float> named = coverage.Floats.Slice(((n * 2) + about) * places, places);
                ReadOnlySpan<float> other = coverage.Floats.Slice(((n * 2) + 1 - about) * places, places);
                ReadOnlySpan<float> sees = seen.Floats.Slice(((n * 2) + about) * places, places);
                int peak = TensorPrimitives.IndexOfMax(weights.Floats.Slice(((n * length) + t) * places, places));
                double[] row =
                [
                    on[at + about], on[at + 1 - about], TensorPrimitives.Sum(named) / places, elsewhere[at + about], fresh[at + about],
                    TensorPrimitives.Max(named), seeing[at + about], TensorPrimitives.Sum(sees) / places, named[peak] > 0 ? 1 : 0, other[peak] > 0 ? 1 : 0,
                ];
                sums[word] = sums[word] is { } sum ? [.. sum.Zip(row, (a, b) => a + b)] : row;
                word++;
            }
        }
        CaptionLook[] looks = [.. sums.Select((sum, word) => Look(Named[word], [.. sum.Select(v => v / scenes.Count)]))];
        double[] all = [.. Enumerable.Range(0, sums[0].Length).Select(k => sums.Average(sum => sum[k] / scenes.Count))];
        return (Look("all four", all), looks);

        static CaptionLook Look(string words, double[] m) => new(words, m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], m[9]);
    }

    /// <summary>1 where a place of the grid sees any of a mask's pixels, else 0: [N, K, places].</summary>
    private static Tensor Seen(Tensor masks, ReceptiveField[] fields)
    {
        (int k, int height, int width) = (masks.Shape[0] * masks.Shape[1], masks.Shape[2], masks.Shape[3]);
        float[] seen = new float[k * fields.Length];
        for (int i = 0; i < seen.Length; i++)
        {
            ReadOnlySpan<bool> mask = masks.Bools.Slice(i / fields.Length * height * width, height * width);
            ReceptiveField field = fields[i % fields.Length]; // axes: channel, row, column
            for (int y = field.Start[^2]; y < field.End[^2] && seen[i] == 0; y++)
                if (mask[((y * width) + field.Start[^1])..((y * width) + field.End[^1])].Contains(true)) seen[i] = 1;
        }
        return Tensor.From(seen, [masks.Shape[0], masks.Shape[1], fields.Length]);
    }

    /// <summary>Scenes for the page: the first ones, and the first that is described wrongly, if any is.</summary>
    private static List<CaptionView> Views(ShowAttendTell network, CaptionedScenes scenes, long[][] written, int shown)
    {
        var chosen = Enumerable.Range(0, Math.Min(shown, scenes.Count)).ToList();
        int wrong = Enumerable.Range(0, scenes.Count).FirstOrDefault(n => !Same(n), -1);
        if (wrong >= 0 && !chosen.Contains(wrong)) chosen.Add(wrong);
        return [.. chosen.Select(View)];

        string Truth(int n) => CaptionedScenes.Text(scenes.Captions.Longs.Slice(n * CaptionedScenes.Length, CaptionedScenes.Length));
        bool Same(int n) => Truth(n) == CaptionedScenes.Text(written[n]);

        CaptionView View(int n)
        {
            // Where it looks as it writes by itself, right or wrong.
            Tensor picture = scenes.Pictures.Slice(0, n, n + 1);
            Tensor weights = AttentionMap.OverSteps(AttentionMap.Of(network, picture)).Single().Weights; // [1, 1, T, places]
            string text = CaptionedScenes.Text(written[n]);
            string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return new CaptionView(picture, Truth(n), words, weights.Reshape(weights.Shape[2], weights.Shape[3]), network.Grid, Same(n));
        }
    }

    private static IEnumerable<(int From, int To)> Batches(int count)
    {
        for (int from = 0; from < count; from += Batch) yield return (from, Math.Min(count, from + Batch));
    }
}

/// <summary>A scene on the page.</summary>
/// <param name="Picture">[1, 3, H, W].</param>
/// <param name="Truth">Its caption.</param>
/// <param name="Words">What the network writes.</param>
/// <param name="Weights">[T, places]: where it looks before each word.</param>
/// <param name="Grid">Rows, and columns, of places.</param>
/// <param name="Right">Whether it writes the caption.</param>
internal sealed record CaptionView(Tensor Picture, string Truth, IReadOnlyList<string> Words, Tensor Weights, int Grid, bool Right);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(CaptionResult))]
internal sealed partial class CaptionJson : JsonSerializerContext;
