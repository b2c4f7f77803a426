namespace Vitrine.Data;

/// <summary>A file of a published data set.</summary>
/// <param name="Name">Its name, also on this machine.</param>
/// <param name="Url">Where it is published.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Sha256">SHA-256 of the file as published: 64 lower-case hexadecimal digits.</param>
public sealed record CatalogFile(string Name, Uri Url, long Bytes, string Sha256);

/// <summary>A data set Vitrine knows by name.</summary>
/// <param name="Name">The name used everywhere: on the command line, as the folder's name.</param>
/// <param name="Title">The name people use.</param>
/// <param name="Description">What is in it, in a sentence.</param>
/// <param name="Shape">Its examples: how many, and the shape of each.</param>
/// <param name="Licence">The licence, as its source states it.</param>
/// <param name="Source">Where it comes from: a page or a paper.</param>
/// <param name="Files">The files to fetch; empty for a built-in generator, which needs none.</param>
public sealed record CatalogEntry(
    string Name, string Title, string Description, string Shape, string Licence, string Source, IReadOnlyList<CatalogFile> Files)
{
    /// <summary>Whether it is generated on the spot and needs no files.</summary>
    public bool BuiltIn => Files.Count == 0;

    /// <summary>The size of all files in bytes; 0 for a built-in generator.</summary>
    public long Bytes => Files.Sum(f => f.Bytes);
}

/// <summary>The data sets Vitrine knows.</summary>
public static class Catalog
{
    private const string MnistUrl = "https://ossci-datasets.s3.amazonaws.com/mnist/";
    private const string FashionUrl = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/";

    /// <summary>All of them: the built-in ones first.</summary>
    public static IReadOnlyList<CatalogEntry> All { get; } =
    [
        new("digits", "Pen-drawn digits", "Grey digits 0 to 9 drawn by a simulated pen; needs no files.", "any number of 1 x 28 x 28, 10 classes",
            "MIT (part of Vitrine)", "generated", []),
        new("shapes", "Shapes on textured backgrounds", "One coloured shape on a cluttered background, with the mask of its pixels; needs no files.",
            "any number of 3 x 32 x 32 (the size is an option), 8 classes", "MIT (part of Vitrine)", "generated", []),
        new("mnist", "MNIST", "Handwritten digits from American census workers and pupils.", "60,000 + 10,000 of 1 x 28 x 28, 10 classes",
            "CC BY-SA 3.0 (Yann LeCun and Corinna Cortes)", "http://yann.lecun.com/exdb/mnist/ (mirror of the PyTorch project)",
            [
                new("train-images-idx3-ubyte.gz", new(MnistUrl + "train-images-idx3-ubyte.gz"), 9_912_422,
                    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
                new("train-labels-idx1-ubyte.gz", new(MnistUrl + "train-labels-idx1-ubyte.gz"), 28_881,
                    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
                new("t10k-images-idx3-ubyte.gz", new(MnistUrl + "t10k-images-idx3-ubyte.gz"), 1_648_877,
                    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
                new("t10k-labels-idx1-ubyte.gz", new(MnistUrl + "t10k-labels-idx1-ubyte.gz"), 4_542,
                    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
            ]),
        new("fashion-mnist", "Fashion-MNIST", "Small pictures of clothes from Zalando's catalogue.", "60,000 + 10,000 of 1 x 28 x 28, 10 classes",
            "MIT (Zalando SE)", "https://github.com/zalandoresearch/fashion-mnist",
            [
                new("train-images-idx3-ubyte.gz", new(FashionUrl + "train-images-idx3-ubyte.gz"), 26_421_880,
                    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
                new("train-labels-idx1-ubyte.gz", new(FashionUrl + "train-labels-idx1-ubyte.gz"), 29_515,
                    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
                new("t10k-images-idx3-ubyte.gz", new(FashionUrl + "t10k-images-idx3-ubyte.gz"), 4_422_102,
                    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
                new("t10k-labels-idx1-ubyte.gz", new(FashionUrl + "t10k-labels-idx1-ubyte.gz"), 5_148,
                    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
            ]),
    ];

    /// <summary>Finds a data set by name.</summary>
    /// <param name="name">The name, in any case.</param>
    /// <returns>The entry.</returns>
    /// <exception cref="DataException">The name is not known; the message lists those that are.</exception>
    public static CatalogEntry Find(string name) =>
        All.FirstOrDefault(e => e.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new DataException($"No data set is called '{name}'.", $"Choose one of: {string.Join(", ", All.Select(e => e.Name))}.");
}
