using Vitrine.Data;
using Vitrine.Insight;

namespace Vitrine.Experiments;

/// <summary>Attacks a network from a file on pictures or a data set, and writes the page.</summary>
public static class Attacker
{
    /// <summary>Attacks, measures, compares with noise, and writes page and results where a folder is given.</summary>
    /// <param name="options">What, and how.</param>
    /// <param name="progress">Hears what is being done, in words; or null.</param>
    /// <param name="cancel">Ends it; nothing is left half-written.</param>
    /// <exception cref="DataException">The model, an input or an option is not sound.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="IOException">A file cannot be read or written.</exception>
    public static AttackResult Run(AttackOptions options, Action<string>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Output is not null) OutputFolder.Prepare(options.Output);
        progress?.Invoke("opening the model");
        var network = OpenedNetwork.Open(options.Model, options.Preprocess, options.Labels, progress);
        var pixels = new PixelNetwork(network);
        AttackSubject subject = new(Path.GetFileNameWithoutExtension(options.Model), pixels);
        progress?.Invoke("reading the examples");
        (Dataset data, Func<int, string> name) = Examples(options, network, pixels, progress);
        IReadOnlyList<string> labels = Names(network, data);
        float[] epsilons = [.. (options.Epsilons ?? Suitable(data.InputShape, options.Norm)).Where(e => e > 0).Order()];
        if (epsilons.Length == 0) throw new DataException("There is no size of the change above 0.", "Give one with --epsilon, 0.03 for instance.");
        var series = new AttackSeries
        {
            Data = data,
            Name = name,
            Epsilons = epsilons,
            Norm = options.Norm,
            Target = options.Target is null ? null : ExplainTarget(options.Target, labels),
            Seed = options.Seed,
            Stage = progress,
            Cancel = cancel,
        };
        string[] asked = [.. options.Attacks.Distinct(StringComparer.OrdinalIgnoreCase)];
        AttackKind[] kinds = [.. asked.Where(a => !IsUniversal(a)).Select(AttackKind.Find)]; // a name that is wrong is an error before the work
        string[] noise = options.Noise ? ["sign-noise", "uniform-noise", "gaussian-noise"] : ["sign-noise"];
        string[] attacks = [.. asked.Concat(noise).Distinct(StringComparer.OrdinalIgnoreCase)];
        series.Measure(subject, attacks);

        string[] sized = [.. kinds.Where(k => k is { TakesEpsilon: true, IsNoise: false }).Select(k => k.Name)];
        if (options.Target is null && sized.Length > 0) series.Minimize(subject, sized[0], epsilons[^1]);
        if (options.Against.Count > 0)
        {
            List<AttackSubject> subjects = [subject];
            foreach (string path in options.Against)
            {
                var other = OpenedNetwork.Open(path, null, null, progress);
                subjects.Add(new AttackSubject(Path.GetFileNameWithoutExtension(path), new PixelNetwork(other)));
            }
            foreach (string attack in sized) series.Transfer(subjects, attack, epsilons[^1]);
            series.Transfer(subjects, "sign-noise", epsilons[^1]);
        }

        progress?.Invoke("single examples");
        IReadOnlyList<int> shown = series.WorthShowing(subject);
        string[] looks = [.. attacks.Where(a => !IsUniversal(a))];
        List<AttackPictures> pictures = [.. shown.Select(i => series.Look(subject, looks[0], i, labels))];
        if (shown.Count > 0) pictures.AddRange(looks.Skip(1).Select(a => series.Look(subject, a, shown[0], labels)));
        AttackResult result = series.Result(subject.Name, pictures);
        if (options.Output is { } folder)
        {
            OutputFolder.Write(Path.Combine(folder, "results.json"), result.ToJson(indented: true) + "\n");
            AttackPage.Compose(result, pictures, "vitrine attack").Save(Path.Combine(folder, "index.html"));
        }
        return result;
    }

    // Pictures of files have the classes that the network finds likeliest: an attack then is what changes its answer.
    private static (Dataset Data, Func<int, string> Name) Examples(AttackOptions options, OpenedNetwork network, PixelNetwork pixels, Action<string>? warn)
    {
        if (options.Inputs.Count > 0 == options.Data is not null)
            throw new DataException("There is nothing to attack, or twice.", "Name pictures, or a data set with --data.");
        Tensor inputs;
        Func<int, string> name;
        if (options.Data is not null)
        {
            var set = ExampleSet.Load(network, options.Data, options.DataRoot, most: options.Examples, seed: options.Seed, warn: warn);
            inputs = pixels.ToPixels(set.Batch(0, set.Count));
            if (set.Labelled)
            {
                long[] numbers = [.. Enumerable.Range(0, set.Count).Select(i => (long)set.Label(i))];
                return (new Dataset(inputs, Tensor.From(numbers, [set.Count]), set.Classes), set.Name);
            }
            name = set.Name;
        }
        else
        {
            IReadOnlyList<string> files = PictureFiles.Find(options.Inputs, out IReadOnlyList<(string Argument, string Error)> empty);
            if (empty.Count > 0) throw new DataException(empty[0].Error, "Check the path.");
            inputs = pixels.ToPixels(TensorOps.Concat(0, [.. files.Select(f => network.Read(f).Input)]));
            name = i => Path.GetFileName(files[i]);
        }
        long[] own = [.. Enumerable.Range(0, inputs.Shape[0]).Select(i => pixels.Predict(inputs.Slice(0, i, i + 1)).Flatten().ArgMax(1).Longs[0])];
        int classes = pixels.Predict(inputs.Slice(0, 0, 1)).Count;
        return (new Dataset(inputs, Tensor.From(own, [own.Length]), [.. Enumerable.Range(0, classes).Select(k => $"class {k}")]), name);
    }

    private static bool IsUniversal(string attack) => attack.Equals(AttackKind.Universal, StringComparison.OrdinalIgnoreCase);

    private static IReadOnlyList<string> Names(OpenedNetwork network, Dataset data) => network.Labels is { } known && known.Count >= data.Classes.Count
        ? known : data.Classes;

    private static int ExplainTarget(string target, IReadOnlyList<string> labels)
    {
        if (int.TryParse(target, System.Globalization.CultureInfo.InvariantCulture, out int number) && number >= 0) return number;
        for (int k = 0; k < labels.Count; k++)
        {
            if (labels[k].Equals(target, StringComparison.OrdinalIgnoreCase)) return k;
        }
        throw new DataException($"No class is called '{target}'.", "Give its number, or the names of the classes with --labels.");
    }

    // Small grey pictures bear more than photographs. In the norm of two, what signs of a quarter of the size would have.
    private static float[] Suitable(Shape shape, AttackNorm norm)
    {
        float[] infinity = shape[0] == 1 && shape.Count <= 1024
            ? [0.05f, 0.1f, 0.15f, 0.2f, 0.25f, 0.3f]
            : [0.5f / 255, 1f / 255, 2f / 255, 4f / 255, 8f / 255, 16f / 255];
        return norm == AttackNorm.Infinity ? infinity : [.. infinity.Select(e => MathF.Round(e * MathF.Sqrt(shape.Count) / 4, 3))];
    }
}
