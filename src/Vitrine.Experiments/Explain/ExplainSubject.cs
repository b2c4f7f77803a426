using Vitrine.Data;
using Vitrine.Onnx;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>One input of a network as it is explained and as people see it.</summary>
/// <param name="Name">The file, with the number of the row or line where it holds several.</param>
/// <param name="Input">[1, ...].</param>
/// <param name="Picture">The picture as the network sees it, or null.</param>
/// <param name="Parts">The columns of a row with their cells, the words of a text, or the channels of a series; null for pictures and arrays.</param>
internal sealed record ExplainSubject(string Name, Tensor Input, Picture? Picture, IReadOnlyList<string>? Parts)
{
    /// <summary>Of a table: the part each input belongs to, for a column of words may be several inputs. Null where every element is a part.</summary>
    public int[]? Groups { get; init; }

    /// <summary>Of a table: rows to compare with, [M, inputs].</summary>
    public Tensor? Background { get; init; }

    /// <summary>The inputs that a file holds, by the ending of its name: rows of a table, lines of a text, examples of an array, one picture.</summary>
    /// <param name="path">The file.</param>
    /// <param name="network">The network.</param>
    /// <param name="vocabulary">The number of each token, or null.</param>
    /// <param name="columns">How the columns of a table become inputs, or null.</param>
    /// <param name="background">Rows to compare with, or null for those of the table.</param>
    /// <exception cref="DataException">The file is not sound or does not fit the network.</exception>
    public static IReadOnlyList<ExplainSubject> Read(
        string path, OpenedNetwork network, IReadOnlyDictionary<string, long>? vocabulary, TableColumns? columns, string? background)
    {
        switch (Path.GetExtension(path).ToUpperInvariant())
        {
            case ".CSV" when network.Shape is { Count: 3 } shape:
                return [Series(path, shape)];
            case ".CSV":
                return Rows(path, columns, background);
            case ".TXT":
                return Lines(path, network.Shape, vocabulary
                    ?? throw new DataException("A text needs a vocabulary.", "Give --vocabulary FILE: one token a line.", path));
            case ".NPY":
                return Examples(path, network);
            default:
                if (!network.TakesPictures)
                    throw new DataException("The network takes no pictures.", "'vitrine open' shows what it takes; give .csv, .txt or .npy files.", path);
                (Tensor input, Picture shown) = network.Read(path);
                return [new ExplainSubject(path, input, shown, null)];
        }
    }

    /// <summary>The endings of the files that a folder stands for: those that the network can read.</summary>
    public static IReadOnlyList<string> Endings(OpenedNetwork network, bool tokens) =>
        network.TakesPictures ? [.. PictureFiles.Endings, ".npy"] : tokens ? [".txt", ".npy"] : [".csv", ".npy"];

    /// <summary>Tokens by their lines in a file, the first 0.</summary>
    /// <exception cref="DataException">The file is missing or empty.</exception>
    public static IReadOnlyDictionary<string, long> Vocabulary(string path)
    {
        Exists(path);
        var numbers = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (string line in File.ReadLines(path)) numbers.TryAdd(line.Trim(), numbers.Count);
        return numbers.Count > 0 ? numbers : throw new DataException("The vocabulary is empty.", "Give a file with one token a line.", path);
    }

    private static List<ExplainSubject> Rows(string path, TableColumns? columns, string? background)
    {
        (IReadOnlyList<string> names, int[] groups, List<(string[] Cells, float[] Values)> rows) = TableColumns.Read(path, columns);
        List<(string[] Cells, float[] Values)> others = background is null ? rows : TableColumns.Read(background, columns).Rows;
        Tensor compared = Tensor.From([.. others.SelectMany(r => r.Values)], [others.Count, groups.Length]);
        return
        [
            .. rows.Select((row, i) => new ExplainSubject(
                $"{path}#{i + 1}", Tensor.From(row.Values, [1, groups.Length]), null, [.. names.Zip(row.Cells, (n, c) => $"{n} = {c}")])
            {
                Groups = groups.Length == names.Count ? null : groups,
                Background = compared,
            }),
        ];
    }

    // A series: a column a channel, a row a step in time.
    private static ExplainSubject Series(string path, IReadOnlyList<OnnxExtent> shape)
    {
        (IReadOnlyList<string> names, _, List<(string[] Cells, float[] Values)> rows) = TableColumns.Read(path, null);
        if (shape[1].Size is { } channels && channels != names.Count)
            throw new DataException($"The table has {names.Count} columns; the network takes series of {channels} channels.",
                "Give one column a channel, one row a step.", path);
        float[] values = [.. Enumerable.Range(0, names.Count).SelectMany(c => rows.Select(r => r.Values[c]))];
        return new ExplainSubject(path, Tensor.From(values, [1, names.Count, rows.Count]), null, names);
    }

    private static List<ExplainSubject> Lines(string path, IReadOnlyList<OnnxExtent>? shape, IReadOnlyDictionary<string, long> vocabulary)
    {
        Exists(path);
        int? length = shape is { Count: 2 } ? shape[1].Size : null;
        var texts = new List<ExplainSubject>();
        foreach (string line in File.ReadLines(path))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (words.Length == 0) continue;
            if (length is { } fixedLength)
            {
                if (words.Length > fixedLength) words = words[..fixedLength];
                else words = [.. words, .. Enumerable.Repeat("<pad>", fixedLength - words.Length)];
            }
            long[] numbers = [.. words.Select(Number)];
            texts.Add(new ExplainSubject($"{path}#{texts.Count + 1}", Tensor.From(numbers, [1, numbers.Length]), null, words));
        }
        return texts.Count > 0 ? texts : throw new DataException("The text is empty.", "Give one text a line, its words separated by spaces.", path);

        long Number(string word) =>
            vocabulary.TryGetValue(word, out long n) || vocabulary.TryGetValue(word.ToLowerInvariant(), out n) || vocabulary.TryGetValue("<unk>", out n) ? n
            : word == "<pad>" ? 0
            : throw new DataException($"'{word}' is not in the vocabulary.", "Add it, or a token <unk> that stands for all others.", path);
    }

    private static List<ExplainSubject> Examples(string path, OpenedNetwork network)
    {
        Exists(path);
        Tensor array = NumPy.LoadArray(path);
        int rank = network.Shape?.Count ?? 4;
        if (array.Rank == rank - 1) array = array.Unsqueeze(0);
        if (array.Rank != rank || array.Count == 0)
            throw new DataException($"The array has shape {array.Shape}; the network takes {rank} axes, the first for examples.", "Reshape it.", path);
        return [.. Enumerable.Range(0, array.Shape[0]).Select(i => new ExplainSubject(
            $"{path}#{i + 1}", array.Slice(0, i, i + 1), network.TakesPictures ? network.Shown(array, i) : null, null))];
    }

    private static void Exists(string path)
    {
        if (!File.Exists(path)) throw new DataException("There is no such file.", "Check the path.", path);
    }
}
