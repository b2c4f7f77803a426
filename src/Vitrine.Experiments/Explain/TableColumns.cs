using System.Globalization;
using System.Text.Json;
using Vitrine.Data;

namespace Vitrine.Experiments;

/// <summary>
/// How the columns of a table become a network's numbers: a JSON file that describes what was done to them when the network learned. Without one, every cell is
/// a number and every column an input.
/// </summary>
/// <remarks>
/// <code>
/// { "names": ["Age", "Job", "Hours"],            of a file without a header; leave it out where there is one
///   "missing": ["?", ""],                        cells that say nothing
///   "inputs": [
///     { "column": "Age", "mean": 38.6, "std": 13.6, "missing": 38.6 },
///     { "column": "Job", "values": ["Private", "State-gov"] },       one input a value, 1 or 0; another value and a missing one are zeros
///     { "column": "Hours" } ] }
/// </code>
/// A column that no input names is left out: the answers that the network learned, for instance.
/// </remarks>
internal sealed class TableColumns
{
    private const int LargestFile = 1 << 24;
    private const string Advice = "Describe the columns as {\"inputs\": [{\"column\": NAME, \"mean\": M, \"std\": S} or {\"column\": NAME, \"values\": [...]}]}.";

    private readonly string[]? _names;
    private readonly string[] _missing;
    private readonly Input[] _inputs;

    private TableColumns(string[]? names, string[] missing, Input[] inputs) => (_names, _missing, _inputs) = (names, missing, inputs);

    private sealed record Input(string Column, double Mean, double Deviation, double? Missing, string[]? Values)
    {
        public int Count => Values?.Length ?? 1;
    }

    /// <summary>Reads the description.</summary>
    /// <exception cref="DataException">It is missing or not sound.</exception>
    public static TableColumns Load(string path)
    {
        if (!File.Exists(path)) throw new DataException("There is no such description of columns.", "Check the path.", path);
        if (new FileInfo(path).Length > LargestFile) throw new DataException("This is too large for a description of columns.", Advice, path);
        try
        {
            using JsonDocument document = JsonDocument.Parse(
                File.ReadAllText(path), new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
            JsonElement root = document.RootElement;
            Input[] inputs = [.. root.GetProperty("inputs").EnumerateArray().Select(i => new Input(
                i.GetProperty("column").GetString()!,
                Number(i, "mean") ?? 0,
                Number(i, "std") ?? 1,
                Number(i, "missing"),
                i.TryGetProperty("values", out JsonElement values) ? Strings(values) : null))];
            if (inputs.Length == 0 || inputs.Any(i => i.Column is null || !(i.Deviation > 0) || i.Values is { Length: 0 }))
                throw new DataException("An input has no column, no values or no positive std.", Advice, path);
            return new TableColumns(
                root.TryGetProperty("names", out JsonElement names) ? Strings(names) : null,
                root.TryGetProperty("missing", out JsonElement missing) ? Strings(missing) : [""],
                inputs);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new DataException($"The description of the columns is not sound: {e.Message}", Advice, path, inner: e);
        }

        static double? Number(JsonElement of, string name) => of.TryGetProperty(name, out JsonElement number) ? number.GetDouble() : null;

        static string[] Strings(JsonElement list) => [.. list.EnumerateArray().Select(v => v.GetString() ?? "")];
    }

    /// <summary>The rows of a table.</summary>
    /// <param name="path">A CSV file with a header, unless the description has the names.</param>
    /// <param name="columns">The description; null where all cells are numbers.</param>
    /// <returns>The names of the columns that are used, which of them each input belongs to, and for each row its cells and its numbers.</returns>
    /// <exception cref="DataException">The file is not sound or lacks a column, or a cell is no number and has no other meaning.</exception>
    public static (IReadOnlyList<string> Names, int[] Groups, List<(string[] Cells, float[] Values)> Rows) Read(string path, TableColumns? columns)
    {
        string[]? names = columns?._names;
        Input[]? inputs = null;
        int[] places = [];
        var rows = new List<(string[], float[])>();
        foreach ((int line, string[] cells) in Csv.Read(path))
        {
            if (names is null)
            {
                names = cells;
                continue;
            }
            if (inputs is null) (inputs, places) = Placed(columns, names, path);
            if (cells.Length != names.Length)
                throw new DataException($"Line {line} has {cells.Length} cells, the header {names.Length}.", "Mend the line; quote cells that hold commas.",
                    path);
            List<float> values = [];
            for (int i = 0; i < inputs.Length; i++) Encode(inputs[i], cells[places[i]], columns, values, line, path);
            rows.Add(([.. places.Select(p => cells[p])], [.. values]));
        }
        if (rows.Count == 0 || inputs is null) throw new DataException("The table has no rows below its header.", "Give a header and at least one row.", path);
        return ([.. inputs.Select(i => i.Column)], [.. inputs.SelectMany((input, i) => Enumerable.Repeat(i, input.Count))], rows);
    }

    private static (Input[] Inputs, int[] Places) Placed(TableColumns? columns, string[] names, string path)
    {
        Input[] inputs = columns?._inputs ?? [.. names.Select(n => new Input(n, 0, 1, null, null))];
        int[] places = columns is null ? [.. Enumerable.Range(0, names.Length)] : [.. inputs.Select(i => Array.IndexOf(names, i.Column))];
        int lost = Array.IndexOf(places, -1);
        return lost < 0 ? (inputs, places)
            : throw new DataException($"The table has no column {inputs[lost].Column}; it has {string.Join(", ", names)}.",
                "Mend the header or the description.", path);
    }

    private static void Encode(Input input, string cell, TableColumns? columns, List<float> values, int line, string path)
    {
        bool missing = columns?._missing.Contains(cell) ?? false;
        if (input.Values is { } known)
        {
            values.AddRange(known.Select(v => !missing && v == cell ? 1f : 0));
            return;
        }
        double number;
        if (missing && input.Missing is { } instead) number = instead;
        else if (!double.TryParse(cell, NumberStyles.Float, CultureInfo.InvariantCulture, out number))
        {
            throw new DataException($"'{cell}' in line {line}, column {input.Column}, is no number.",
                "Describe with --columns FILE how the column was encoded: \"values\" for one input a value, \"missing\" for cells that say nothing.", path);
        }
        values.Add((float)((number - input.Mean) / input.Deviation));
    }
}
