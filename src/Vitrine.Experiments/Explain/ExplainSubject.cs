using System.Globalization;
using Vitrine.Data;
using Vitrine.Onnx;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>One input of a network as it is explained and as people see it.</summary>
/// <param name="Name">The file, with the number of the row or line where it holds several.</param>
/// <param name="Input">[1, ...].</param>
/// <param name="Picture">The picture as the network sees it, or null.</param>
/// <param name="Parts">The names of the elements of a row or the words of a text; null for pictures and arrays.</param>
internal sealed record ExplainSubject(string Name, Tensor Input, Picture? Picture, IReadOnlyList<string>? Parts)
{
    /// <summary>The inputs that a file holds, by the ending of its name: rows of a table, lines of a text, examples of an array, one picture.</summary>
    /// <param name="path">The file.</param>
    /// <param name="pictures">Reads a picture as the network wants it and as people see it; null where the network takes none.</param>
    /// <param name="shape">What an ONNX network declares of its input; null for LeNet-5.</param>
    /// <param name="vocabulary">The number of each token, or null.</param>
    /// <exception cref="DataException">The file is not sound or does not fit the network.</exception>
    public static IReadOnlyList<ExplainSubject> Read(
        string path, Func<string, (Tensor Input, Picture Shown)>? pictures, IReadOnlyList<OnnxExtent>? shape, IReadOnlyDictionary<string, long>? vocabulary)
    {
        switch (Path.GetExtension(path).ToUpperInvariant())
        {
            case ".CSV":
                return Rows(path);
            case ".TXT":
                return Lines(path, shape, vocabulary ?? throw new DataException("A text needs a vocabulary.", "Give --vocabulary FILE: one token a line.", path));
            case ".NPY":
                return Examples(path, shape);
            default:
                if (pictures is null) throw new DataException("The network takes no pictures.", "'vitrine open' shows what it takes; give .csv, .txt or .npy files.", path);
                (Tensor input, Picture shown) = pictures(path);
                return [new ExplainSubject(path, input, shown, null)];
        }
    }

    /// <summary>Tokens by their lines in a file, the first 0.</summary>
    /// <exception cref="DataException">The file is missing or empty.</exception>
    public static IReadOnlyDictionary<string, long> Vocabulary(string path)
    {
        Exists(path);
        var numbers = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (string line in File.ReadLines(path)) numbers.TryAdd(line.Trim(), numbers.Count);
        return numbers.Count > 0 ? numbers : throw new DataException("The vocabulary is empty.", "Give a file with one token a line.", path);
    }

    private static List<ExplainSubject> Rows(string path)
    {
        Exists(path);
        string[]? columns = null;
        var rows = new List<ExplainSubject>();
        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line)) continue;
            string[] cells = [.. line.Split(',').Select(c => c.Trim().Trim('"'))];
            if (columns is null)
            {
                columns = cells;
                continue;
            }
            if (cells.Length != columns.Length)
                throw new DataException($"Line {number} has {cells.Length} cells, the header {columns.Length}.", "Mend the line; commas inside cells are not read.", path);
            float[] values = new float[cells.Length];
            for (int i = 0; i < values.Length; i++)
            {
                if (!float.TryParse(cells[i], NumberStyles.Float, CultureInfo.InvariantCulture, out values[i]))
                    throw new DataException($"'{cells[i]}' in line {number}, column {columns[i]}, is no number.", "Encode what is not a number as the network learned it.", path);
            }
            rows.Add(new ExplainSubject($"{path}#{rows.Count + 1}", Tensor.From(values, [1, values.Length]), null, columns));
        }
        return rows.Count > 0 ? rows : throw new DataException("The table has no rows below its header.", "Give a header and at least one row.", path);
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

    private static List<ExplainSubject> Examples(string path, IReadOnlyList<OnnxExtent>? shape)
    {
        Exists(path);
        Tensor array = NumPy.LoadArray(path);
        int rank = shape?.Count ?? 4;
        if (array.Rank == rank - 1) array = array.Unsqueeze(0);
        if (array.Rank != rank || array.Count == 0)
            throw new DataException($"The array has shape {array.Shape}; the network takes {rank} axes, the first for examples.", "Reshape it.", path);
        return [.. Enumerable.Range(0, array.Shape[0]).Select(i => new ExplainSubject($"{path}#{i + 1}", array.Slice(0, i, i + 1), null, null))];
    }

    private static void Exists(string path)
    {
        if (!File.Exists(path)) throw new DataException("There is no such file.", "Check the path.", path);
    }
}
