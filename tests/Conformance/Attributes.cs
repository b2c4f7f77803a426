using System.Text.Json;

namespace Vitrine.Conformance;

/// <summary>A case cannot be run as it is written: something is missing, misspelt or of the wrong kind.</summary>
internal sealed class MalformedCaseException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The attributes of a case, under PyTorch's names and with PyTorch's defaults. What nobody reads is an error, so that nothing is ignored silently.
/// </summary>
internal sealed class Attributes
{
    private readonly Dictionary<string, JsonElement> _values;
    private readonly HashSet<string> _read = new(StringComparer.Ordinal) { "note", "outputs" };

    private Attributes(Dictionary<string, JsonElement> values) => _values = values;

    public static Attributes Parse(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json);
        if (document.RootElement.ValueKind != JsonValueKind.Object) throw new MalformedCaseException("attrs is not a JSON object");
        return new Attributes(document.RootElement.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.Clone(), StringComparer.Ordinal));
    }

    /// <summary>The names that no accessor has asked for.</summary>
    public IEnumerable<string> Unread => _values.Keys.Where(k => !_read.Contains(k));

    /// <summary>Whether the attribute is there and not null.</summary>
    public bool Has(string name) => Find(name) is not null;

    public bool IsText(string name) => Find(name) is { ValueKind: JsonValueKind.String };

    public int Int(string name, int? missing = null) => Find(name) is { } value ? Whole(value, name) : missing ?? throw Missing(name);

    public float Float(string name, double? missing = null) => Find(name) is { } value ? (float)Number(value, name) : (float)(missing ?? throw Missing(name));

    public double Double(string name, double? missing = null) => Find(name) is { } value ? Number(value, name) : missing ?? throw Missing(name);

    public bool Bool(string name, bool missing) => Find(name) switch
    {
        null => missing,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { } value => throw Wrong(name, value, "a truth value"),
    };

    public string Text(string name, string? missing = null) => Find(name) switch
    {
        null => missing ?? throw Missing(name),
        { ValueKind: JsonValueKind.String } value => value.GetString()!,
        { } value => throw Wrong(name, value, "a text"),
    };

    /// <summary>A list of integers, or a single one; null when absent.</summary>
    public int[]? Ints(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Array } value => [.. value.EnumerateArray().Select(v => Whole(v, name))],
        { } value => [Whole(value, name)],
    };

    /// <summary>A list of integers that may be null; null when absent.</summary>
    public int?[]? Options(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Array } value => [.. value.EnumerateArray().Select(v => v.ValueKind == JsonValueKind.Null ? (int?)null : Whole(v, name))],
        { } value => [Whole(value, name)],
    };

    /// <summary>A list of numbers, or a single one; null when absent.</summary>
    public double[]? Doubles(string name) => Find(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Array } value => [.. value.EnumerateArray().Select(v => Number(v, name))],
        { } value => [Number(value, name)],
    };

    /// <summary>One number for each of <paramref name="count"/> directions; a single one stands for all.</summary>
    public int[] Each(string name, int count, int missing)
    {
        int[] values = Ints(name) ?? [missing];
        if (values.Length == 0) values = [missing]; // PyTorch's functions take () for the default stride.
        if (values.Length == 1) return [.. Enumerable.Repeat(values[0], count)];
        return values.Length == count ? values : throw new MalformedCaseException($"attribute {name} has {values.Length} numbers, not {count}");
    }

    /// <summary>Vertical and horizontal.</summary>
    public (int H, int W) Pair(string name, int missing) => Each(name, 2, missing) is [var h, var w] ? (h, w) : default;

    /// <summary>The axes of a reduction, negative ones from the end; none for all.</summary>
    public int[] Axes() => Ints("dim") ?? [];

    public LossReduction Reduction(string missing = "mean") => Text("reduction", missing) switch
    {
        "mean" => LossReduction.Mean,
        "sum" => LossReduction.Sum,
        "none" => LossReduction.None,
        var other => throw new MalformedCaseException($"reduction {other} is unknown"),
    };

    private static int Whole(JsonElement value, string name) => value.ValueKind switch
    {
        JsonValueKind.Number when value.TryGetInt32(out int whole) => whole,
        // PyTorch's attributes are Python numbers: 2.0 and true are integers too.
        JsonValueKind.Number when value.GetDouble() is var d && d == Math.Floor(d) && Math.Abs(d) <= int.MaxValue => (int)d,
        JsonValueKind.True => 1,
        JsonValueKind.False => 0,
        _ => throw Wrong(name, value, "an integer"),
    };

    private static double Number(JsonElement value, string name) => value.ValueKind switch
    {
        JsonValueKind.Number => value.GetDouble(),
        JsonValueKind.String when value.GetString() is "inf" or "Infinity" => double.PositiveInfinity,
        JsonValueKind.String when value.GetString() is "-inf" or "-Infinity" => double.NegativeInfinity,
        _ => throw Wrong(name, value, "a number"),
    };

    private static MalformedCaseException Missing(string name) => new($"attribute {name} is missing");

    private static MalformedCaseException Wrong(string name, JsonElement value, string wanted) =>
        new($"attribute {name} is {value.GetRawText()}, not {wanted}");

    private JsonElement? Find(string name)
    {
        _read.Add(name);
        return _values.TryGetValue(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }
}
