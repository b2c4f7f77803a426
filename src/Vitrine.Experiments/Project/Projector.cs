using System.Diagnostics;
using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Models;

namespace Vitrine.Experiments;

/// <summary>Projects the activity of networks: of a file, or of one of the ready studies.</summary>
public static class Projector
{
    private const int FewestPoints = 10;
    private const int SurroundingNeighbours = 10;

    /// <summary>The ready questions: what training does to hidden layers; whether they hear the speaker or the digit.</summary>
    public static IReadOnlyList<string> Studies { get; } = [HiddenActivity.Name, SpeechStudy.Name];

    /// <summary>How maps are made: t-SNE, UMAP, or the two principal components.</summary>
    public static IReadOnlyList<string> Methods { get; } = ["tsne", "umap", "pca"];

    /// <summary>Makes the maps, judges them, and writes page, maps and results where a folder is given.</summary>
    /// <param name="options">What to project.</param>
    /// <param name="stage">Hears what is being done, in words; or null.</param>
    /// <param name="progress">Hears how a study's training goes; or null.</param>
    /// <param name="warn">Hears what is assumed or left out; or null.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="DataException">The network, the data or a layer is missing or does not fit.</exception>
    /// <exception cref="ArgumentException">An option makes no sense.</exception>
    /// <exception cref="IOException">The folder cannot be written to.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static ProjectResult Run(
        ProjectOptions options, Action<string>? stage = null, Action<TrainingProgress>? progress = null, Action<string>? warn = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        Check(options);
        var clock = Stopwatch.StartNew();
        if (options.Output is not null) OutputFolder.Prepare(options.Output);
        (string title, IReadOnlyList<ProjectSubject> subjects) = options.Study switch
        {
            HiddenActivity.Name => HiddenActivity.Prepare(options, stage, progress, cancel),
            SpeechStudy.Name => SpeechStudy.Prepare(options, stage, progress, cancel),
            _ => OfModel(options, stage, warn),
        };
        foreach (ProjectSubject subject in subjects)
        {
            if (subject.Count < Math.Max(FewestPoints, 2 * options.Neighbours + 1))
                throw new DataException($"There are {subject.Count} examples; a map judged by {options.Neighbours} neighbours needs at least " +
                    $"{Math.Max(FewestPoints, 2 * options.Neighbours + 1)}.", "Take more examples, or fewer --neighbours.");
        }
        var maker = new ActivityMaps(options, stage, cancel);
        var maps = new List<NetworkMaps>();
        var networks = new List<ProjectedNetwork>();
        foreach (ProjectSubject subject in subjects)
        {
            NetworkMaps made = maker.Of(subject);
            maps.Add(made);
            networks.Add(Judge(made, cancel));
        }
        var result = new ProjectResult(title, options.Data ?? (options.Study == SpeechStudy.Name ? "fsdd" : "mnist"), options.Method, subjects[0].Count,
            options.Neighbours, options.Seed, networks,
            Math.Round(clock.Elapsed.TotalSeconds, 1), Tour.Version);
        if (options.Output is { } folder)
        {
            stage?.Invoke("writing the page");
            Write(folder, result, maps, cancel);
        }
        return result;
    }

    private static void Check(ProjectOptions options)
    {
        if (options.Model is null == options.Study is null) throw new ArgumentException($"Give either a model or a study ({string.Join(", ", Studies)}).");
        if (options.Study is { } study && !Studies.Contains(study))
            throw new ArgumentException($"No study is called '{study}'. Choose one of: {string.Join(", ", Studies)}.");
        if (!Methods.Contains(options.Method))
            throw new ArgumentException($"No projection is called '{options.Method}'. Choose one of: {string.Join(", ", Methods)}.");
        if (options.Model is not null && options.Data is null)
            throw new ArgumentException("Name the examples with --data: a data set or a folder of pictures.");
        if (options.Study is not null && options.Epochs.Count > 0) throw new ArgumentException("A study trains its own networks; --epochs belongs to a model.");
        if (options.Study is not null && options.New is not null) throw new ArgumentException("A study shows its own examples; --new belongs to a model.");
        if (options.Study == SpeechStudy.Name && options.Data is not (null or "fsdd"))
            throw new ArgumentException("The speech study has its own data, fsdd; leave --data out.");
        if (options.Points < FewestPoints) throw new ArgumentException($"A map shows at least {FewestPoints} points, not {options.Points}.");
        if (options.Neighbours < 1) throw new ArgumentException($"At least one neighbour is asked, not {options.Neighbours}.");
    }

    private static (string Title, IReadOnlyList<ProjectSubject> Subjects) OfModel(ProjectOptions options, Action<string>? stage, Action<string>? warn)
    {
        stage?.Invoke("opening the network");
        OpenedNetwork opened = OpenedNetwork.Open(options.Model!, options.Preprocess, options.Labels, warn);
        stage?.Invoke("reading the data");
        ExampleSet examples = ExampleSet.Load(opened, options.Data!, options.DataRoot, most: options.Points, seed: options.Seed, warn: warn);
        var stages = new List<ProjectStage>();
        if (opened.Module is LeNet5 && options.Epochs.Count == 0)
        {
            // Of our own networks we can make one that has learned nothing.
            stages.Add(new("before", new LeNet5(Weights.Random(options.Seed), classes: opened.Labels?.Count ?? 10)));
            stages.Add(new("after", opened.Module));
        }
        else
        {
            foreach (string file in options.Epochs)
                stages.Add(new(Path.GetFileNameWithoutExtension(file), OpenedNetwork.Open(file, options.Preprocess, options.Labels, warn).Module));
            stages.Add(new(Path.GetFileNameWithoutExtension(options.Model!), opened.Module));
        }
        string[] names = [.. stages.Select(s => s.Name)];
        if (names.Distinct(StringComparer.Ordinal).Count() < names.Length)
            throw new DataException($"Two weights files have one name: {string.Join(", ", names)}.", "Rename one.");
        string name = Path.GetFileName(options.Model!);
        return ($"The hidden activity of {name}", [new ProjectSubject
        {
            Name = name,
            Text = $"{examples.Count} examples of {examples.Title}.",
            Stages = stages,
            Count = examples.Count,
            Batch = examples.Batch,
            Labellings = examples.Labelled ? [new("class", [.. Enumerable.Range(0, examples.Count).Select(examples.Label)], examples.Classes)] : [],
            ExampleName = examples.Name,
            Picture = examples.Picture,
            New = options.New is { } more ? ExampleSet.Load(opened, more, options.DataRoot, most: options.Points, seed: options.Seed + 1, warn: warn) : null,
        }]);
    }

    private static ProjectedNetwork Judge(NetworkMaps maps, CancellationToken cancel)
    {
        ActivityMap last = maps.Last;
        IReadOnlyList<ProjectedOutlier> outliers = [], suspected = [];
        if (maps.Subject.Labellings is [var labelling, ..])
        {
            int k = Math.Min(SurroundingNeighbours, maps.Subject.Count - 1);
            outliers = [.. VisualOutlier.Find(last.Map, labelling.Labels, k, cancel: cancel).Select(Named)];
            suspected = [.. VisualOutlier.SuspectedLabels(last.Rows, last.Map, labelling.Labels, k, cancel: cancel).Select(Named)];

            ProjectedOutlier Named(VisualOutlier o) =>
                new(maps.Subject.ExampleName(o.Index), o.Index, labelling.Classes[o.Label], labelling.Classes[o.Surrounding], o.Others);
        }
        return new ProjectedNetwork(maps.Subject.Name, maps.Accuracy, maps.Focus, [.. maps.Maps.Select(m => m.Score)], outliers, suspected, Newcomers(maps));
    }

    // Where new examples came to lie, and among whom.
    private static IReadOnlyList<ProjectedExample> Newcomers(NetworkMaps maps)
    {
        if (maps.New is not { } added || maps.Subject.New is not { } examples) return [];
        Labelling? labelling = maps.Subject.Labellings.FirstOrDefault();
        int k = Math.Min(SurroundingNeighbours, maps.Subject.Count - 1);
        bool answers = labelling is not null && added.Answers.All(a => a < labelling.Classes.Count);
        float[] places = maps.Last.Map.ToArray();
        return [.. Enumerable.Range(0, examples.Count).Select(i =>
        {
            (float x, float y) = (added.Map.Floats[2 * i], added.Map.Floats[2 * i + 1]);
            (string Class, int Count)? most = labelling is null ? null : Enumerable.Range(0, maps.Subject.Count)
                .OrderBy(j => Math.Pow(places[2 * j] - x, 2) + Math.Pow(places[2 * j + 1] - y, 2)).Take(k).CountBy(j => labelling.Labels[j])
                .OrderByDescending(c => c.Value).ThenBy(c => c.Key).Select(c => (labelling.Classes[c.Key], c.Value)).First();
            return new ProjectedExample(examples.Name(i), x, y, examples.Labelled ? examples.Classes[examples.Label(i)] : null,
                most?.Class, most is { } m ? m.Count / (double)k : 0, answers ? labelling!.Classes[added.Answers[i]] : null);
        })];
    }

    private static void Write(string folder, ProjectResult result, IReadOnlyList<NetworkMaps> maps, CancellationToken cancel)
    {
        var arrays = new SortedDictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (NetworkMaps network in maps)
        {
            if (network.New is { } added) arrays[$"{network.Subject.Name}.new.{network.Focus}".Replace('/', '_')] = added.Map;
            foreach (ActivityMap map in network.Maps) arrays[$"{network.Subject.Name}.{map.Stage}.{map.Layer}".Replace('/', '_')] = map.Map;
        }
        NumPy.SaveArchive(Path.Combine(folder, "maps.npz"), arrays);
        OutputFolder.Write(Path.Combine(folder, "results.json"), result.ToJson(indented: true) + "\n");
        new ProjectPage(result, maps).Compose(cancel).Save(Path.Combine(folder, "index.html"));
    }
}
