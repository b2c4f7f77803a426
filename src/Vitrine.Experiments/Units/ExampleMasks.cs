using Vitrine.Data;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>Where concepts are in examples: for each a mask a concept, cut and scaled as the network sees the example.</summary>
internal sealed class ExampleMasks
{
    private readonly Func<int, int, Picture?> _mask;
    private readonly OpenedNetwork _network;

    private ExampleMasks(OpenedNetwork network, IReadOnlyList<string> concepts, Func<int, int, Picture?> mask) =>
        (_network, Concepts, _mask) = (network, concepts, mask);

    /// <summary>The names of the concepts.</summary>
    public IReadOnlyList<string> Concepts { get; }

    /// <summary>The masks of data that knows where the object of its class is: the classes are the concepts.</summary>
    /// <param name="network">The network that sees the examples.</param>
    /// <param name="data">The examples.</param>
    /// <param name="objects">[N, 1, H, W], Bool: where the object is.</param>
    public static ExampleMasks OfObjects(OpenedNetwork network, Dataset data, Tensor objects)
    {
        int height = objects.Shape[2], width = objects.Shape[3];
        return new ExampleMasks(network, data.Classes, (example, concept) => data.Labels.Longs[example] != concept ? null
            : new Picture(width, height, 1,
                [.. objects.Bools.Slice(example * height * width, height * width).ToArray().Select(on => on ? (byte)255 : (byte)0)]));
    }

    /// <summary>Masks in a folder with a sub-folder a concept, in which a mask has the path and name of its picture; any kind of picture will do. White (128
    /// and above, of 255) is where the concept is; where there is no file the concept is not in the picture.</summary>
    /// <param name="network">The network that sees the examples.</param>
    /// <param name="folder">The folder of the masks.</param>
    /// <param name="examples">The pictures.</param>
    /// <param name="pictures">The folder they are from.</param>
    /// <exception cref="DataException">There is no such folder, no concept in it, or no mask of any of the pictures.</exception>
    public static ExampleMasks OfFolder(OpenedNetwork network, string folder, ExampleSet examples, string pictures)
    {
        if (!Directory.Exists(folder)) throw new DataException($"There is no folder {folder}.", "Check the path of --masks.");
        string[] concepts = [.. Directory.EnumerateDirectories(folder).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal)];
        if (concepts.Length == 0) throw new DataException($"{folder} has no folders in it.",
            "A concept is a folder of masks that are named like their pictures.");
        string?[,] files = new string?[examples.Count, concepts.Length];
        int found = 0;
        for (int i = 0; i < examples.Count; i++)
        {
            for (int c = 0; c < concepts.Length; c++)
            {
                string stem = Path.Combine(folder, concepts[c], examples.Name(i));
                files[i, c] = PictureFiles.Endings.Select(ending => Path.ChangeExtension(stem, ending)).Prepend(stem).FirstOrDefault(File.Exists);
                if (files[i, c] is not null) found++;
            }
        }
        return found > 0 ? new ExampleMasks(network, concepts, Mask)
            : throw new DataException($"{folder} has no mask of any picture of {examples.Title}.",
                $"The mask of {examples.Name(0)} in it would be {Path.Combine(concepts[0], examples.Name(0))}.");

        // One of another shape would be cut at another place than its picture, and nobody would notice.
        Picture? Mask(int example, int concept)
        {
            if (files[example, concept] is not { } file) return null;
            Picture mask = Picture.Load(file), picture = Picture.Load(Path.Combine(pictures, examples.Name(example)));
            return mask.Width == picture.Width && mask.Height == picture.Height ? mask
                : throw new DataException($"The mask {file} is {mask.Width} x {mask.Height}; its picture is {picture.Width} x {picture.Height}.",
                    "Give masks the size of their pictures.");
        }
    }

    /// <summary>The masks of an example, [concepts, H, W], Bool.</summary>
    /// <param name="example">Its number.</param>
    /// <param name="height">H: the rows of the network's input.</param>
    /// <param name="width">W: its columns.</param>
    /// <exception cref="DataException">A mask has another size than its picture.</exception>
    /// <exception cref="InvalidOperationException">The network's input has another size.</exception>
    public Tensor Of(int example, int height, int width)
    {
        bool[] masks = new bool[Concepts.Count * height * width];
        for (int c = 0; c < Concepts.Count; c++)
        {
            if (_mask(example, c) is not { } mask) continue;
            Picture seen = _network.Preprocess is { } p ? p.Fit(mask) : mask;
            if (seen.Height != height || seen.Width != width)
                throw new InvalidOperationException($"A mask of {seen.Width} x {seen.Height} does not lie on an input of {width} x {height}.");
            for (int y = 0; y < height; y++)
            {
                for (int x = 0; x < width; x++) masks[(c * height + y) * width + x] = seen[x, y].R >= 128;
            }
        }
        return Tensor.From(masks, [Concepts.Count, height, width]);
    }
}
