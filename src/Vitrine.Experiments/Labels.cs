using System.Text.Json;
using Vitrine.Data;

namespace Vitrine.Experiments;

/// <summary>Names of classes from a file.</summary>
public static class Labels
{
    private const int LargestFile = 1 << 24;

    /// <summary>
    /// Reads names: a text file of one name a line; or JSON, a list of names, or an object from class number to a name or to [identifier, name] as Keras has it
    /// for ImageNet.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <exception cref="DataException">The file is missing or is none of these.</exception>
    public static IReadOnlyList<string> Load(string path)
    {
        const string todo = "Give one name a line, or JSON: a list of names, or an object from class number to name.";
        if (!File.Exists(path)) throw new DataException("There is no such file of labels.", "Check the path.", path);
        if (new FileInfo(path).Length > LargestFile) throw new DataException("This is too large for a file of labels.", todo, path);
        string text = File.ReadAllText(path);
        try
        {
            if (text.AsSpan().TrimStart().StartsWith("[") || text.AsSpan().TrimStart().StartsWith("{"))
            {
                using JsonDocument document = JsonDocument.Parse(text);
                return FromJson(document.RootElement) ?? throw new DataException("This JSON holds no labels.", todo, path);
            }
        }
        catch (JsonException e)
        {
            throw new DataException($"This is no sound JSON: {e.Message}", todo, path, inner: e);
        }
        string[] lines = [.. text.Split('\n').Select(l => l.Trim())];
        // Only the last line may be empty: a gap would shift the names that follow.
        if (lines[^1].Length == 0) lines = lines[..^1];
        int gap = Array.IndexOf(lines, "");
        if (lines.Length == 0 || gap >= 0) throw new DataException(gap < 0 ? "The file is empty." : $"Line {gap + 1} is empty.", todo, path);
        return lines;
    }

    private static IReadOnlyList<string>? FromJson(JsonElement root)
    {
        if (root.ValueKind == JsonValueKind.Array)
        {
            string?[] names = [.. root.EnumerateArray().Select(Name)];
            return names.Length > 0 && names.All(n => n is not null) ? [.. names.OfType<string>()] : null;
        }
        var byNumber = new SortedDictionary<int, string>();
        foreach (JsonProperty property in root.EnumerateObject())
        {
            if (!int.TryParse(property.Name, out int number) || number < 0 || Name(property.Value) is not { } name || !byNumber.TryAdd(number,
                name)) return null;
        }
        return byNumber.Count > 0 && byNumber.Keys.Last() == byNumber.Count - 1 ? [.. byNumber.Values] : null;
    }

    private static string? Name(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Array when value.GetArrayLength() == 2 && value[1].ValueKind == JsonValueKind.String => value[1].GetString(),
        _ => null,
    };
}
