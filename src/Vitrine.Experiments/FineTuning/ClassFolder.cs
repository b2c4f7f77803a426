using Vitrine.Data;

namespace Vitrine.Experiments;

/// <summary>Pictures in a folder whose sub-folders are the classes, divided into those to learn from and those to be judged by.</summary>
internal static class ClassFolder
{
    /// <summary>Reads the pictures as a network takes them.</summary>
    /// <param name="network">The network.</param>
    /// <param name="folder">The folder; the names of its sub-folders are those of the classes, in their order.</param>
    /// <param name="validation">The part of each class to be judged by, in (0, 1): at least one picture, and never all.</param>
    /// <param name="seed">What decides which.</param>
    /// <param name="skipped">Receives what cannot be read.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <returns>Both parts, and the file of each picture of the second, from the folder on.</returns>
    /// <exception cref="DataException">There are no sub-folders, fewer than two classes, a class with fewer than two pictures, or too much for
    /// memory.</exception>
    public static (DataSplit Parts, IReadOnlyList<string> Judged) Read(
        OpenedNetwork network, string folder, double validation, ulong seed, ICollection<SkippedPicture> skipped, CancellationToken cancel)
    {
        string[] classes = [.. Directory.EnumerateDirectories(folder).Select(d => Path.GetFileName(d)).Where(n => !n.StartsWith('.'))
            .Order(StringComparer.Ordinal)];
        if (classes.Length == 0)
            throw new DataException($"{folder} has no sub-folders, which stand for the classes.", "Put the pictures of each class into a folder of their own.");
        if (classes.Length == 1)
            throw new DataException($"{folder} has one class, {classes[0]}; there is nothing to tell apart.",
                "Add a sub-folder with pictures of another class.");
        var random = new RandomSource(seed);
        List<(Tensor Input, long Label, string File)> train = [], judge = [];
        for (int k = 0; k < classes.Length; k++)
        {
            string path = Path.Combine(folder, classes[k]);
            IReadOnlyList<string> files = PictureFiles.Find([path], out _);
            var inputs = new List<Tensor>();
            var names = new List<string>();
            foreach (string file in files)
            {
                cancel.ThrowIfCancellationRequested();
                try
                {
                    inputs.Add(network.Read(file).Input);
                    names.Add(Path.GetRelativePath(folder, file).Replace(Path.DirectorySeparatorChar, '/'));
                }
                catch (Exception e) when (Failure.Describe(e) is { } message)
                {
                    skipped.Add(new SkippedPicture(Path.GetRelativePath(folder, file), message));
                }
                if (inputs.Count == 1 && k == 0) CheckMemory(folder, inputs[0]);
                if (inputs.Count > 0 && inputs[^1].Shape != (train.Count > 0 ? train[0].Input : inputs[0]).Shape)
                {
                    throw new DataException($"{file} becomes an input of {inputs[^1].Shape}, others of {(train.Count > 0 ? train[0].Input : inputs[0]).Shape}.",
                        "Give a preprocessing with a crop, so that all pictures have one size.");
                }
            }
            if (inputs.Count < 2)
            {
                throw new DataException($"The class {classes[k]} has {inputs.Count} of {files.Count} pictures that can be read; one to learn from and one "
                    + $"to be judged by are needed.",
                    "Add pictures, or take the folder away.", path);
            }
            int[] order = new RandomSource(random.Derive(classes[k])).Permutation(inputs.Count);
            int judged = Math.Clamp((int)Math.Round(validation * inputs.Count), 1, inputs.Count - 1);
            for (int i = 0; i < order.Length; i++) (i < judged ? judge : train).Add((inputs[order[i]], k, names[order[i]]));
        }
        return (new DataSplit(Joined(train, classes), Joined(judge, classes)), [.. judge.Select(j => j.File)]);
    }

    private static Dataset Joined(List<(Tensor Input, long Label, string File)> examples, string[] classes)
    {
        Shape one = examples[0].Input.Shape;
        float[] all = new float[examples.Count * one.Count];
        for (int i = 0; i < examples.Count; i++) examples[i].Input.Floats.CopyTo(all.AsSpan(i * one.Count));
        return new Dataset(Tensor.From(all, one.With(0, examples.Count)), Tensor.From([.. examples.Select(e => e.Label)], [examples.Count]), classes);
    }

    // Inputs are held in memory, twice while they are joined.
    private static void CheckMemory(string folder, Tensor input)
    {
        long count = PictureFiles.Find([folder], out _).Count, bytes = 2L * count * input.Count * sizeof(float),
            room = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (bytes > room || count * (long)input.Count > Array.MaxLength)
            throw new DataException($"{count:N0} pictures of {input.Shape} take {bytes >> 20:N0} MB, more than there is.",
                "Take fewer pictures, or a network with smaller inputs.");
    }
}
