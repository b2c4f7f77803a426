namespace Vitrine.Data;

/// <summary>MNIST and Fashion-MNIST: 60,000 + 10,000 grey images of 28 x 28 in ten classes each.</summary>
/// <remarks>
/// LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", Proc. IEEE 1998;
/// Xiao, Rasul and Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms", 2017.
/// </remarks>
public static class Mnist
{
    private static readonly string[] Files =
        ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"];

    /// <summary>The classes of MNIST: "0" to "9".</summary>
    public static IReadOnlyList<string> DigitNames { get; } = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

    /// <summary>The classes of Fashion-MNIST, in the order of its labels.</summary>
    public static IReadOnlyList<string> ClothesNames { get; } =
        ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

    /// <summary>Loads MNIST from this machine.</summary>
    /// <param name="root">The data folder asked for explicitly, or null: see <see cref="DataFolder"/>.</param>
    /// <returns>Images [N, 1, 28, 28] in 0..1, bright ink on dark ground.</returns>
    /// <exception cref="DataException">The files are not there (the message says where they were looked for and how to get them) or are damaged.</exception>
    public static DataSplit Load(string? root = null) => Load("mnist", DigitNames, root);

    /// <summary>Loads Fashion-MNIST from this machine.</summary>
    /// <inheritdoc cref="Load(string?)"/>
    public static DataSplit LoadFashion(string? root = null) => Load("fashion-mnist", ClothesNames, root);

    /// <summary>Reads grey images and their labels from a pair of IDX files: how the relatives of MNIST are published.</summary>
    /// <param name="images">An IDX file [N, H, W].</param>
    /// <param name="labels">An IDX file [N] of class numbers.</param>
    /// <param name="classes">The names of the classes.</param>
    /// <returns>Images [N, 1, H, W], the bytes 0..255 as 0..1.</returns>
    /// <exception cref="DataException">A file cannot be read, has the wrong number of dimensions, or the two do not belong together.</exception>
    public static Dataset Read(string images, string labels, IReadOnlyList<string> classes)
    {
        ArgumentNullException.ThrowIfNull(classes);
        IdxArray numbers = Idx.Read(labels);
        if (numbers.Dimensions is not [int labelled])
            throw new DataException($"Labels have one dimension; this file has {numbers.Dimensions.Length}.",
                "Check that images and labels are not mixed up.", labels, 3);
        IdxArray pictures = Idx.Read(images);
        if (pictures.Dimensions is not [int count, int height, int width])
            throw new DataException($"Images have three dimensions; this file has {pictures.Dimensions.Length}.",
                "Check that images and labels are not mixed up.", images, 3);
        if (count != labelled)
            throw new DataException($"There are {count} images and {labelled} labels ({labels}).",
                "Check that the two files are of the same part of the same data set.", images, 4);

        long[] classOf = new long[count];
        for (int i = 0; i < count; i++)
        {
            classOf[i] = numbers.Values[i];
            if (classOf[i] >= classes.Count)
                throw new DataException($"Label {i} is {classOf[i]}, and there are {classes.Count} classes.", "Check that this is the right file.",
                    labels, 8 + i);
        }
        float[] pixels = new float[pictures.Values.Length];
        for (int i = 0; i < pixels.Length; i++) pixels[i] = pictures.Values[i] / 255f;
        return new Dataset(Tensor.From(pixels, [count, 1, height, width]), Tensor.From(classOf, [count]), classes);
    }

    private static DataSplit Load(string name, IReadOnlyList<string> classes, string? root)
    {
        IReadOnlyList<string> paths = DataFolder.Find(name, Files, root);
        return new DataSplit(Read(paths[0], paths[1], classes), Read(paths[2], paths[3], classes));
    }
}
