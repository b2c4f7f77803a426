using System.Diagnostics;
using System.Text.Json;
using Vitrine.Insight;

namespace Vitrine.Experiments;

/// <summary>What is to be compared with the truth.</summary>
public sealed record GroundOptions
{
    /// <summary>The tasks; null for all.</summary>
    public IReadOnlyList<string>? Tasks { get; init; }

    /// <summary>The methods by name; null for all that apply.</summary>
    public IReadOnlyList<string>? Methods { get; init; }

    /// <summary>How many test examples of each task are explained.</summary>
    public int Examples { get; init; } = 16;

    /// <summary>Where all random numbers start.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>The folder the report and the results go to; null for none.</summary>
    public string? Output { get; init; }
}

/// <summary>How near one method came to the truth of one task. Scores are means over the examples.</summary>
/// <param name="Task">The task.</param>
/// <param name="Method">The method.</param>
/// <param name="Scores">Its scores by name; empty when it does not apply.</param>
/// <param name="Random">The same scores of random maps, over five draws.</param>
/// <param name="RandomSpread">Their standard deviation over the draws.</param>
/// <param name="Edges">The same scores of a map that knows no network: edges of a picture, the size of a number, of a step in a series or of a token's
/// embedding.</param>
/// <param name="Seconds">How long the explanations took.</param>
/// <param name="Declined">Why the method does not apply; null when it does.</param>
public sealed record GroundScore(
    string Task, string Method, IReadOnlyDictionary<string, double> Scores, IReadOnlyDictionary<string, double> Random,
    IReadOnlyDictionary<string, double> RandomSpread, IReadOnlyDictionary<string, double> Edges, double Seconds, string? Declined = null);

/// <summary>A task as the results name it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Question">What is planted.</param>
/// <param name="Quality">How good its network is.</param>
/// <param name="Examples">How many examples were explained.</param>
public sealed record GroundNetwork(string Name, string Question, string Quality, int Examples);

/// <summary>What came out.</summary>
/// <param name="Tasks">Every task with every method.</param>
/// <param name="Networks">What the tasks were and how good their networks.</param>
/// <param name="Seed">Where all random numbers started.</param>
public sealed record GroundResult(IReadOnlyList<GroundScore> Tasks, IReadOnlyList<GroundNetwork> Networks, ulong Seed)
{
    /// <summary>The result as one JSON object.</summary>
    /// <param name="indented">Over several lines, for people.</param>
    public string ToJson(bool indented = false) =>
        JsonSerializer.Serialize(this, indented ? ResultJson.Indented.GroundResult : ResultJson.Default.GroundResult);
}

/// <summary>
/// Explanations against known answers: on tasks whose reason was planted, every method is scored beside random maps and maps that never saw the network.
/// </summary>
public static class GroundTruth
{
    private const int Draws = 5;

    /// <summary>Trains the networks, explains, scores, and writes report and results where a folder is given.</summary>
    /// <param name="options">What to compare.</param>
    /// <param name="progress">Hears what is being done, in words; or null.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="ArgumentException">There is no such task or method.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="IOException">The folder cannot be written to.</exception>
    public static GroundResult Run(GroundOptions options, Action<string>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        IReadOnlyList<Method> methods = options.Methods is null ? Methods.All : [.. options.Methods.Select(Method)];
        if (options.Output is not null) OutputFolder.Prepare(options.Output);
        var scores = new List<GroundScore>();
        var networks = new List<GroundNetwork>();
        GroundReport? report = options.Output is null ? null : new GroundReport();
        foreach (string name in options.Tasks ?? GroundTasks.Names)
        {
            progress?.Invoke($"{name}: training");
            GroundTask task = GroundTasks.Train(name, options.Examples, options.Seed, cancel);
            networks.Add(new GroundNetwork(name, task.Question, task.Quality, task.Inputs.Shape[0]));
            (Dictionary<string, double> random, Dictionary<string, double> spread) = Chance(task, options.Seed, cancel);
            Dictionary<string, double> edges = Score(task, Maps(task, new EdgeMap(), cancel));
            var shown = new List<(GroundScore Score, float[][]? Maps)>();
            foreach (Method method in methods)
            {
                progress?.Invoke($"{name}: {method.Name}");
                var clock = Stopwatch.StartNew();
                float[][]? maps = Explain(task, method, cancel, out string? declined);
                Dictionary<string, double> own = maps is null ? [] : Score(task, maps);
                var score = new GroundScore(name, method.Name, own, random, spread, edges, Math.Round(clock.Elapsed.TotalSeconds, 3), declined);
                scores.Add(score);
                shown.Add((score, maps));
            }
            report?.Add(task, shown);
        }
        var result = new GroundResult(scores, networks, options.Seed);
        if (options.Output is { } folder)
        {
            OutputFolder.Write(Path.Combine(folder, "results.json"), result.ToJson(indented: true) + "\n");
            report!.Compose(result).Save(Path.Combine(folder, "index.html"));
        }
        return result;
    }

    private static Method Method(string name) => Methods.All.FirstOrDefault(m => m.Name == name)
        ?? throw new ArgumentException($"No method is called '{name}'. Choose one of: {string.Join(", ", Methods.All.Select(m => m.Name))}.");

    // One map for each example, or null with the reason.
    private static float[][]? Explain(GroundTask task, Method method, CancellationToken cancel, out string? declined)
    {
        bool picture = task.Inputs.Rank == 4;
        declined = method switch
        {
            _ when method.Needs.HasFlag(Needs.Picture) && !picture => "needs a picture",
            _ when method.Needs.HasFlag(Needs.FeatureMaps) && task.FeatureMaps is null => "needs a layer of feature maps",
            _ => null,
        };
        if (declined is not null) return null;
        try
        {
            return Maps(task, method.Create(new MethodOptions(task.FeatureMaps)), cancel);
        }
        catch (Exception e) when (e is NotSupportedException or ArgumentException)
        {
            declined = e.Message;
            return null;
        }
    }

    private static float[][] Maps(GroundTask task, IAttribution method, CancellationToken cancel) =>
        GroundMaps.Of(task, method.Explain(task.Network, task.Inputs, task.Target, task.Wrt, cancel: cancel).Values);

    private static (Dictionary<string, double> Mean, Dictionary<string, double> Spread) Chance(
        GroundTask task, ulong seed, CancellationToken cancel)
    {
        var draws = new List<Dictionary<string, double>>();
        for (int draw = 0; draw < Draws; draw++)
        {
            draws.Add(Score(task, Maps(task, new RandomMap(new RandomSource(seed).Derive($"random maps {draw}")), cancel)));
        }
        var mean = draws[0].Keys.ToDictionary(k => k, k => draws.Average(d => d[k]));
        return (mean, mean.ToDictionary(m => m.Key, m => Math.Sqrt(draws.Average(d => (d[m.Key] - m.Value) * (d[m.Key] - m.Value)))));
    }

    private static Dictionary<string, double> Score(GroundTask task, float[][] maps)
    {
        var scores = new Dictionary<string, double>(StringComparer.Ordinal);
        int size = task.Truth.Count / maps.Length;
        for (int i = 0; i < maps.Length; i++)
        {
            if (task.Truth.DType == DType.Bool)
            {
                float[] map = [.. maps[i].Select(MathF.Abs)];
                ReadOnlySpan<bool> mask = task.Truth.Bools.Slice(i * size, size);
                Add("auc", Localisation.Auc(map, mask));
                Add("mass", map.Any(v => v > 0) ? Localisation.MassAccuracy(map, mask) : 0);
                Add("rank", Localisation.RankAccuracy(map, mask));
                Add("pointing", Localisation.PointingGame(map, mask) ? 1 : 0);
            }
            else
            {
                float[] truth = task.Truth.Floats.Slice(i * size, size).ToArray();
                Add("correlation", Correlation(maps[i], truth));
                Add("error", Math.Sqrt(maps[i].Zip(truth, (a, t) => (double)(a - t) * (a - t)).Sum() / truth.Sum(t => (double)t * t)));
            }
        }
        return scores.ToDictionary(s => s.Key, s => s.Value / maps.Length, StringComparer.Ordinal);

        void Add(string name, double value) => scores[name] = scores.GetValueOrDefault(name) + value;
    }

    private static double Correlation(float[] a, float[] b)
    {
        double meanA = a.Average(), meanB = b.Average(), ab = 0, aa = 0, bb = 0;
        for (int i = 0; i < a.Length; i++)
        {
            ab += (a[i] - meanA) * (b[i] - meanB);
            aa += (a[i] - meanA) * (a[i] - meanA);
            bb += (b[i] - meanB) * (b[i] - meanB);
        }
        return aa > 0 && bb > 0 ? ab / Math.Sqrt(aa * bb) : 0;
    }
}
