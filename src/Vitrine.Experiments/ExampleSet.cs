using Vitrine.Data;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>Examples to look at a network with, in the form in which the network takes them: batch by batch, so that no more than one batch need be
/// held.</summary>
public sealed class ExampleSet
{
    private readonly Func<int, int, Tensor> _batch;
    private readonly Func<int, Picture> _picture;
    private readonly Func<int, string> _name;
    private readonly IReadOnlyList<int>? _labels;

    private ExampleSet(
        string title, int count, IReadOnlyList<string> classes, IReadOnlyList<int>? labels, Func<int, int, Tensor> batch, Func<int, Picture> picture, Func<int, string> name)
    {
        (Title, Count, Classes, _labels) = (title, count, classes, labels);
        (_batch, _picture, _name) = (batch, picture, name);
    }

    /// <summary>The names of the data sets it knows.</summary>
    public static IReadOnlyList<string> Names { get; } = ["digits", "mnist", "fashion-mnist", "shapes", "cifar10"];

    /// <summary>The name people use.</summary>
    public string Title { get; }

    /// <summary>How many examples there are.</summary>
    public int Count { get; }

    /// <summary>The names of the classes; empty where the examples have none.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>Whether every example has a class.</summary>
    public bool Labelled => _labels is not null;

    /// <summary>Where the concepts are, for data that knows; null otherwise.</summary>
    internal ExampleMasks? Masks { get; private set; }

    /// <summary>The class of an example.</summary>
    /// <exception cref="InvalidOperationException">The examples have no classes.</exception>
    public int Label(int i) => _labels is { } labels ? labels[i] : throw new InvalidOperationException($"The examples of {Title} have no classes.");

    /// <summary>Consecutive examples as the network takes them, [count, ...].</summary>
    public Tensor Batch(int start, int count) => _batch(start, Math.Min(count, Count - start));

    /// <summary>All of them, in batches.</summary>
    public IEnumerable<Tensor> Batches(int size)
    {
        for (int start = 0; start < Count; start += size) yield return Batch(start, size);
    }

    /// <summary>An example as people see it: what the network sees of it, with its preprocessing undone.</summary>
    public Picture Picture(int i) => _picture(i);

    /// <summary>What an example is called: its file, or its number in the data set.</summary>
    public string Name(int i) => _name(i);

    /// <summary>The examples in memory.</summary>
    /// <exception cref="InvalidOperationException">The examples have no classes.</exception>
    public Dataset ToDataset() => new(Batch(0, Count), Tensor.From([.. Enumerable.Range(0, Count).Select(i => (long)Label(i))], [Count]), Classes);

    /// <summary>Finds examples for a network.</summary>
    /// <param name="network">The network that is to see them.</param>
    /// <param name="data">
    /// One of <see cref="Names"/>, or a folder of pictures. Where its pictures lie in sub-folders these are the classes, under the numbers that the network's
    /// labels give these names, or else in the order of the names.
    /// </param>
    /// <param name="root">The folder that holds data sets by name; null for VITRINE_DATA or the user's own.</param>
    /// <param name="train">Whether the part to learn from is meant, or the one to be judged by; a folder has one part.</param>
    /// <param name="most">At most so many, the first ones; null for all.</param>
    /// <param name="seed">The seed of generated data.</param>
    /// <param name="warn">Hears about pictures that cannot be read and are left out; or null.</param>
    /// <exception cref="DataException">There is no such data, it does not fit the network, or none of it can be read.</exception>
    public static ExampleSet Load(
        OpenedNetwork network, string data, string? root = null, bool train = false, int? most = null, ulong seed = 1, Action<string>? warn = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentException.ThrowIfNullOrWhiteSpace(data);
        if (most is < 1) throw new ArgumentOutOfRangeException(nameof(most), most, "At least one example is needed.");
        if (!network.TakesPictures) throw new DataException("The network takes no pictures.", "'vitrine open' shows what it takes.", network.FilePath);
        string name = data.ToLowerInvariant();
        if (Names.Contains(name))
        {
            MaskedSplit? shapes = name == "shapes" ? Shapes.Generate(train ? most ?? 8_000 : 8, train ? 8 : most ?? 2_000, unchecked((int)seed)) : null;
            DataSplit split = name switch
            {
                "digits" => Digits.Generate(train ? most ?? DataSource.GeneratedTrain : 10, train ? 10 : most ?? DataSource.GeneratedTest,
                    unchecked((int)seed)),
                "shapes" => shapes!.Data,
                "mnist" => Mnist.Load(root),
                "fashion-mnist" => Mnist.LoadFashion(root),
                _ => Cifar10.Load(root),
            };
            Dataset part = train ? split.Train : split.Test;
            ExampleSet set = Of(network, name, most is { } count ? part.Take(count) : part);
            set.Masks = shapes is null ? null : ExampleMasks.OfObjects(network, part, train ? shapes.TrainMasks : shapes.TestMasks);
            return set;
        }
        if (!Directory.Exists(data))
            throw new DataException($"'{data}' is neither a data set nor a folder.", $"Choose one of {string.Join(", ", Names)}, or a folder of pictures.");
        return OfFolder(network, data, most, warn);
    }

    /// <summary>The examples of a data set of pictures [N, C, H, W] in 0..1.</summary>
    /// <exception cref="DataException">They do not fit the network.</exception>
    public static ExampleSet Of(OpenedNetwork network, string title, Dataset data)
    {
        int[] labels = [.. data.Labels.Longs.ToArray().Select(l => (int)l)];
        if (network.Preprocess is { } preprocess)
        {
            return new ExampleSet(title, data.Count, data.Classes, labels,
                (start, count) => preprocess.Apply([.. Enumerable.Range(start, count).Select(Original)]), i => preprocess.Fit(Original(i)),
                    i => $"{title} {i}");
        }
        if (data.InputShape.Dims is not [1, 28, 28])
            throw new DataException($"LeNet-5 reads grey pictures of 28 x 28; those of {title} are {data.InputShape}.",
                "Choose digits, mnist or fashion-mnist.");
        return new ExampleSet(title, data.Count, data.Classes, labels,
            (start, count) => data.Inputs.Slice(0, start, start + count), Original, i => $"{title} {i}");

        Picture Original(int i) => Render.Picture.Of(data.Inputs.Slice(0, i, i + 1));
    }

    private static ExampleSet OfFolder(OpenedNetwork network, string folder, int? most, Action<string>? warn)
    {
        IReadOnlyList<string> found = PictureFiles.Find([folder], out IReadOnlyList<(string Argument, string Error)> empty);
        if (empty.Count > 0) throw new DataException(empty[0].Error, "Name another folder.");
        var files = new List<string>();
        foreach (string file in found)
        {
            if (files.Count == most) break;
            try
            {
                network.Read(file); // a picture that cannot be read is found out before the work, not in its middle
                files.Add(file);
            }
            catch (Exception e) when (Failure.Describe(e) is { } message)
            {
                warn?.Invoke($"{file} is left out: {message}");
            }
        }
        if (files.Count == 0)
            throw new DataException($"None of the {found.Count} pictures in {folder} can be read.", "Check that they are pictures this network takes.");

        string[] classOf = [.. files.Select(
            f => Path.GetRelativePath(folder, f).Split(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar) is [var top, _, ..] ? top : "")];
        bool labelled = classOf.All(c => c.Length > 0);
        string[] names = [.. classOf.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        IReadOnlyList<string> classes = !labelled ? []
            : network.Labels is { } known && names.All(n => known.Contains(n, StringComparer.OrdinalIgnoreCase)) ? known
            : names;
        int[]? labels = labelled ? [.. classOf.Select(c => Number(classes, c))] : null;
        return new ExampleSet(Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))), files.Count, classes, labels,
            (start, count) => TensorOps.Concat(0, [.. Enumerable.Range(start, count).Select(i => network.Read(files[i]).Input)]),
            i => network.Read(files[i]).Shown, i => Path.GetRelativePath(folder, files[i]));

        static int Number(IReadOnlyList<string> classes, string name)
        {
            for (int k = 0; k < classes.Count; k++)
            {
                if (classes[k].Equals(name, StringComparison.OrdinalIgnoreCase)) return k;
            }
            throw new InvalidOperationException($"There is no class {name}.");
        }
    }
}
