using System.Text.Json;
using System.Text.Json.Serialization;

namespace Vitrine.Experiments;

/// <summary>What of a network is to be maximised.</summary>
public enum MaximiseObjective
{
    /// <summary>The mean of a channel over all positions.</summary>
    Channel,

    /// <summary>A channel's neuron in the middle.</summary>
    Neuron,

    /// <summary>The logit of a class.</summary>
    Logit,

    /// <summary>All of a layer: the mean square.</summary>
    Layer,

    /// <summary>The first of two units minus the second.</summary>
    Difference,

    /// <summary>One unit in several pictures that shall not resemble each other.</summary>
    Diversity,

    /// <summary>A direction among the units of a layer, the mean over all positions.</summary>
    Direction,
}

/// <summary>How pictures are written.</summary>
public enum MaximiseWriting
{
    /// <summary>In frequencies and decorrelated colours.</summary>
    Fourier,

    /// <summary>In pixels, blurred every few steps and with small contributions cropped.</summary>
    Pixels,
}

/// <summary>What is to be maximised, and how.</summary>
public sealed record MaximiseOptions
{
    /// <summary>The word for a start from noise.</summary>
    public const string Noise = "noise";

    /// <summary>An ONNX file, or weights that <c>vitrine tour</c> or <c>vitrine train</c> wrote.</summary>
    public required string Model { get; init; }

    /// <summary>The preprocessing; null lets the network's input decide.</summary>
    public string? Preprocess { get; init; }

    /// <summary>A file of the names of the classes; or null.</summary>
    public string? Labels { get; init; }

    /// <summary>The layer; null for the network's output.</summary>
    public string? Layer { get; init; }

    /// <summary>Which units: <c>all</c>, or numbers and ranges such as <c>0-15,40</c>; or null.</summary>
    public string? Units { get; init; }

    /// <summary>A class by number or label, for the logit; or null.</summary>
    public string? Class { get; init; }

    /// <summary>What is raised; null for the logit where no layer is named, and for the channel where one is.</summary>
    public MaximiseObjective? Objective { get; init; }

    /// <summary>A file of one number a unit, the direction to be raised; or null.</summary>
    public string? Direction { get; init; }

    /// <summary>The picture that the ascent starts from, or <see cref="Noise"/>; null for noise, and for a caricature the picture itself.</summary>
    public string? From { get; init; }

    /// <summary>The picture to dream of, by DeepDream; or null.</summary>
    public string? Dream { get; init; }

    /// <summary>The picture to make a caricature of; or null.</summary>
    public string? Caricature { get; init; }

    /// <summary>How pictures are written.</summary>
    public MaximiseWriting Writing { get; init; }

    /// <summary>Whether pictures are moved, turned and scaled at random in every step.</summary>
    public bool Robust { get; init; } = true;

    /// <summary>How many steps of ascent are made; null for 96, and for 192 of a caricature.</summary>
    public int? Steps { get; init; }

    /// <summary>The size of a step: about how far every parameter moves; null for 0.2, and for 0.05 of a caricature, which is to stay like its
    /// picture.</summary>
    public double? Rate { get; init; }

    internal int StepCount => Steps ?? (Caricature is null ? 96 : 192);

    internal double StepSize => Rate ?? (Caricature is null ? 0.2 : 0.05);

    /// <summary>The side of the pictures, where the network leaves it open; null for what its preprocessing crops.</summary>
    public int? Size { get; init; }

    /// <summary>Data sets or folders whose best examples are shown beside.</summary>
    public IReadOnlyList<string> Data { get; init; } = [];

    /// <summary>The folder that holds data sets by name; null for VITRINE_DATA or the user's own.</summary>
    public string? DataRoot { get; init; }

    /// <summary>At most so many examples of each data set are looked at.</summary>
    public int Examples { get; init; } = 1000;

    /// <summary>How many pictures are made at once; memory grows with it, the result does not change.</summary>
    public int Batch { get; init; } = 8;

    /// <summary>The folder for the page, the pictures and the results.</summary>
    public string Output { get; init; } = "maximised";

    /// <summary>Where all random numbers start.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Whether pictures that an interrupted run made in answer to the same question are left as they are.</summary>
    public bool Resume { get; init; }
}

/// <summary>One picture that was made.</summary>
/// <param name="Name">What it maximises: <c>unit 12</c>, the label of a class.</param>
/// <param name="Unit">The number of the unit or class; null for a whole layer.</param>
/// <param name="File">The picture.</param>
/// <param name="Start">The activation where the ascent started.</param>
/// <param name="Reached">The activation reached, of the picture as it is saved: 8 bits a channel, no transformation.</param>
/// <param name="Real">The largest activation of a real example; null without examples.</param>
/// <param name="Example">The name of that example.</param>
/// <param name="Ratio">Reached over real; null without examples, and where no example excites the unit.</param>
/// <param name="Cosine">Of a caricature, the cosine of its activations with those of the picture: 1 for the same direction; null of others.</param>
public sealed record MaximisedPicture(
    string Name, int? Unit, string File, double Start, double Reached, double? Real = null, string? Example = null, double? Ratio = null,
    double? Cosine = null);

/// <summary>Real examples that were looked at.</summary>
/// <param name="Data">The data set.</param>
/// <param name="Examples">How many.</param>
/// <param name="Twice">How many of the units reach at least twice its best example.</param>
public sealed record MaximiseData(string Data, int Examples, int Twice);

/// <summary>What came out.</summary>
/// <param name="Model">The model.</param>
/// <param name="Question">What was raised and how, as one line.</param>
/// <param name="Layer">The layer; empty for the output.</param>
/// <param name="Value">What the activation of a unit is, in words.</param>
/// <param name="Pictures">The pictures, in the order of the units.</param>
/// <param name="Data">What they are compared with.</param>
/// <param name="Dead">How many units no example excites: they have no ratio.</param>
/// <param name="Seconds">How long the ascents took.</param>
/// <param name="Seed">Where all random numbers started.</param>
public sealed record MaximiseResult(
    string Model, string Question, string Layer, string Value, IReadOnlyList<MaximisedPicture> Pictures, IReadOnlyList<MaximiseData> Data, int Dead,
        double Seconds, ulong Seed)
{
    /// <summary>How many units reach at least twice the best of all real examples; units that no example excites count when they are excited at all.</summary>
    public int Twice => Pictures.Count(p => p.Ratio >= 2 || (p.Real <= 0 && p.Reached > 0));

    /// <summary>The middle of the ratios; null without any.</summary>
    public double? MedianRatio => Pictures.Where(p => p.Ratio is not null).Select(p => p.Ratio).Order().ToArray() is { Length: > 0 } r ? r[r.Length / 2] : null;

    /// <summary>The result as one JSON object.</summary>
    /// <param name="indented">Over several lines, for people.</param>
    public string ToJson(bool indented = false) =>
        JsonSerializer.Serialize(this, indented ? MaximiseJson.Indented.MaximiseResult : MaximiseJson.Default.MaximiseResult);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(MaximiseResult))]
internal sealed partial class MaximiseJson : JsonSerializerContext
{
    // Not taken from Default: the order in which the parts of a class are initialised is nobody's promise.
    public static MaximiseJson Indented { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        WriteIndented = true,
    });
}
