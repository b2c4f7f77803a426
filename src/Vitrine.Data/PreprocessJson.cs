using System.Globalization;
using System.Text;
using System.Text.Json;
using Vitrine.Render;

namespace Vitrine.Data;

/// <summary>A <see cref="Preprocess"/> as JSON.</summary>
internal static class PreprocessJson
{
    private const string Advice = "Correct it; vitrine reads resize, interpolation, crop, rounding, range, channels, mean, std and background.";

    public static Preprocess Load(string file)
    {
        const int most = 1 << 20;
        string names = string.Join(", ", Preprocess.BuiltIn.Keys);
        if (!File.Exists(file)) throw new DataException($"There is no preprocessing '{file}': neither a file nor one of {names}.",
            "Check the name or the path.");
        try
        {
            if (new FileInfo(file).Length > most) throw new DataException("This is too large for the description of a preprocessing.",
                "Name a small JSON file.", file);
            return Parse(File.ReadAllText(file), file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DataException.From(e, file);
        }
    }

    public static Preprocess Parse(string json, string? file)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json,
                new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new DataException("The description of a preprocessing is a JSON object.", Advice,
                file);
            var result = new Preprocess();
            foreach (JsonProperty property in document.RootElement.EnumerateObject()) result = With(result, property, file);
            result.Check();
            return result;
        }
        catch (JsonException e)
        {
            throw new DataException($"The description of a preprocessing is no JSON: {e.Message}", Advice, file, inner: e);
        }
    }

    public static string Write(Preprocess p)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            if (p.Resize is { } resize) json.WriteNumber("resize", resize);
            json.WriteString("interpolation", Name(p.Interpolation));
            if (p.Crop is { } crop) json.WriteNumber("crop", crop);
            json.WriteString("rounding", Name(p.Rounding));
            json.WriteNumber("range", p.Range);
            json.WriteString("channels", Name(p.Order));
            Numbers("mean", p.Mean);
            Numbers("std", p.Deviation);
            if (p.Background is { } background) json.WriteString("background", background.ToHex());
            json.WriteEndObject();

            void Numbers(string name, IReadOnlyList<float> values)
            {
                json.WriteStartArray(name);
                foreach (float value in values) json.WriteNumberValue(value);
                json.WriteEndArray();
            }
        }
        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    private static Preprocess With(Preprocess p, JsonProperty property, string? file)
    {
        JsonElement value = property.Value;
        return property.Name switch
        {
            "resize" => p with { Resize = Pixels() },
            "crop" => p with { Crop = Pixels() },
            "interpolation" => p with { Interpolation = OneOf<Resampling>() },
            "rounding" => p with { Rounding = OneOf<PixelRounding>() },
            "channels" => p with { Order = OneOf<ChannelOrder>() },
            "range" => p with { Range = Number(value) },
            "mean" => p with { Mean = Numbers() },
            "std" => p with { Deviation = Numbers() },
            "background" => p with { Background = Color() },
            _ => throw new DataException($"A preprocessing has no '{property.Name}'.", Advice, file),
        };

        int? Pixels() => value.ValueKind == JsonValueKind.Null ? null
            : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number : throw Wrong("a whole number of pixels");

        float Number(JsonElement one) => one.ValueKind == JsonValueKind.Number && one.TryGetSingle(out float number)
            ? number : throw Wrong("a number or a list of numbers");

        float[] Numbers() => value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(Number)] : throw Wrong("a list of numbers");

        T OneOf<T>()
            where T : struct, Enum
        {
            foreach (T known in Enum.GetValues<T>())
            {
                if (value.ValueKind == JsonValueKind.String && value.ValueEquals(Name(known))) return known;
            }
            throw Wrong($"one of {string.Join(", ", Enum.GetValues<T>().Select(Name))}");
        }

        Rgb? Color()
        {
            if (value.ValueKind == JsonValueKind.Null) return null;
            string? text = value.ValueKind == JsonValueKind.String ? value.GetString() : null;
            if (text is not { Length: 7 } || text[0] != '#' || !uint.TryParse(text.AsSpan(1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture,
                out uint rgb))
                throw Wrong("a colour such as \"#ffffff\"");
            return new((byte)(rgb >> 16), (byte)(rgb >> 8), (byte)rgb);
        }

        DataException Wrong(string wanted) => new($"The preprocessing's {property.Name} is {value.GetRawText()}.", $"It should be {wanted}.", file);
    }

    private static string Name<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
