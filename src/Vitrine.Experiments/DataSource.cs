using Vitrine.Data;

namespace Vitrine.Experiments;

/// <summary>A data set with the words to speak about it.</summary>
/// <param name="Name">Its short name: <c>mnist</c>, or the name of a folder.</param>
/// <param name="Title">The name people use.</param>
/// <param name="One">What one example is: "digit".</param>
/// <param name="Many">What several examples are: "digits".</param>
/// <param name="Origin">Where the examples come from, as the end of a sentence.</param>
/// <param name="Split">The examples.</param>
public sealed record DataSource(string Name, string Title, string One, string Many, string Origin, DataSplit Split)
{
    /// <summary>How many digits the built-in generator draws for training unless told otherwise.</summary>
    public const int GeneratedTrain = 12_000;

    /// <summary>How many digits the built-in generator draws for testing unless told otherwise.</summary>
    public const int GeneratedTest = 5_000;

    private static readonly string[] Stems = ["train-images", "train-labels", "t10k-images", "t10k-labels"];

    /// <summary>Loads grey pictures of 28 x 28 by the name of a data set, or from a folder of IDX files.</summary>
    /// <param name="data"><c>digits</c>, <c>mnist</c>, <c>fashion-mnist</c>, or a folder that holds the four IDX files of MNIST or of a relative.</param>
    /// <param name="root">The folder that holds data sets by name; null for VITRINE_DATA or the user's own.</param>
    /// <param name="seed">The seed of generated data.</param>
    /// <param name="examples">At most so many training examples (and a fifth as many for testing); null for all.</param>
    /// <exception cref="DataException">There is no such data, or it is damaged. Nothing is ever put in its place.</exception>
    public static DataSource Load(string data, string? root = null, ulong seed = 1, int? examples = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(data);
        if (examples is < 1) throw new ArgumentOutOfRangeException(nameof(examples), examples, "At least one example is needed.");
        switch (data.ToLowerInvariant())
        {
            case "digits":
                int train = examples ?? GeneratedTrain;
                return new("digits", "Vitrine's digits", "digit", "digits", "drawn by a simulated pen",
                    Digits.Generate(train, examples is null ? GeneratedTest : TestCount(train), unchecked((int)seed)));
            case "mnist":
                return new("mnist", "MNIST", "digit", "digits", "written by census workers and pupils (MNIST)", Taken(Mnist.Load(root), examples));
            case "fashion-mnist":
                return new("fashion-mnist", "Fashion-MNIST", "garment", "garments", "from an online shop (Fashion-MNIST)", Taken(Mnist.LoadFashion(root),
                    examples));
            case "shapes":
                throw new DataException("The shapes are colour scenes of 32 x 32; LeNet-5 reads grey pictures of 28 x 28.",
                    "Choose digits, mnist or fashion-mnist.");
        }
        if (!LooksLikePath(data)) throw new DataException($"No data set is called '{data}'.", "Choose digits, mnist or fashion-mnist, or name a folder " +
            "that holds IDX files.");
        return new(NameOf(data), NameOf(data), "picture", "pictures", $"from the folder {NameOf(data)}", Taken(LoadFolder(data), examples));
    }

    private static bool LooksLikePath(string data) =>
        data.Contains('/') || data.Contains(Path.DirectorySeparatorChar) || data.StartsWith('.') || Directory.Exists(data);

    private static string NameOf(string folder)
    {
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        string safe = new([.. name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' ? c : '-')]);
        return safe.Length == 0 ? "folder" : safe;
    }

    private static DataSplit LoadFolder(string folder)
    {
        if (!Directory.Exists(folder)) throw new DataException($"The folder {folder} does not exist.", "Choose digits, mnist or fashion-mnist, or correct " +
            "the path.");
        string[] paths = new string[Stems.Length];
        for (int i = 0; i < Stems.Length; i++)
        {
            // Published as train-images-idx3-ubyte, but copies with a point before idx are about.
            string kind = i % 2 == 0 ? "idx3-ubyte" : "idx1-ubyte";
            string[] candidates = [.. new[] { "-", "." }.SelectMany(sign => new[] { ".gz", "" }.Select(end => Path.Combine(folder, Stems[i] + sign + kind
                + end)))];
            paths[i] = candidates.FirstOrDefault(File.Exists) ?? throw new DataException(
                $"The folder {folder} has no {Stems[i]}-{kind} (with or without .gz).",
                "It should hold the four files of MNIST; to use a data set below a root folder, give the root with --data-root and the name with --data.");
        }
        // The labels themselves say how many classes there are; a header that lies is found out by the reader below.
        int classes = Math.Max(2, 1 + Idx.Read(paths[1]).Values.Concat(Idx.Read(paths[3]).Values).Max());
        IReadOnlyList<string> names = NameOf(folder).Contains("fashion", StringComparison.OrdinalIgnoreCase) && classes <= Mnist.ClothesNames.Count
            ? Mnist.ClothesNames : [.. Enumerable.Range(0, Math.Max(10, classes)).Select(i => $"{i}")];
        var split = new DataSplit(Mnist.Read(paths[0], paths[1], names), Mnist.Read(paths[2], paths[3], names));
        foreach ((Dataset part, string path) in new[] { (split.Train, paths[0]), (split.Test, paths[2]) })
        {
            if (part.InputShape is not { Rank: 3 } || part.InputShape[1] != 28 || part.InputShape[2] != 28)
                throw new DataException($"LeNet-5 reads pictures of 28 x 28; these are {part.InputShape[1]} x {part.InputShape[2]}.",
                    "Scale them to 28 x 28 first.", path, 8);
        }
        return split;
    }

    private static DataSplit Taken(DataSplit split, int? examples) =>
        examples is { } count ? new DataSplit(split.Train.Take(count), split.Test.Take(TestCount(count))) : split;

    private static int TestCount(int train) => Math.Max(1, train / 5);
}
