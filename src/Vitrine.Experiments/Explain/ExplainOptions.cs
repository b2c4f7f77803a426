using System.Text.Json.Serialization;
using Vitrine.Insight;

namespace Vitrine.Experiments;

/// <summary>What <c>vitrine explain</c> is to do.</summary>
public sealed record ExplainOptions
{
    /// <summary>An ONNX file, or weights that <c>vitrine tour</c> or <c>vitrine train</c> wrote.</summary>
    public required string Model { get; init; }

    /// <summary>Pictures, tables (.csv, a row an example), texts (.txt, a line an example) or arrays (.npy), as files, folders and patterns.</summary>
    public required IReadOnlyList<string> Inputs { get; init; }

    /// <summary>The methods by name; one name <c>all</c> stands for all that apply.</summary>
    public IReadOnlyList<string> Methods { get; init; } = ["integrated gradients", "guided backprop", "grad-cam", "occlusion"];

    /// <summary><c>top</c>, the number or label of a class, or <c>neuron:SCOPE:CHANNEL,ROW,COLUMN</c>.</summary>
    public string Target { get; init; } = "top";

    /// <summary>
    /// What inputs are compared with: <c>zeros</c>, <c>mean</c> (of each channel, or of each column of a table), <c>blur</c>, or a number; of tokens
    /// <c>token:NUMBER</c>, where zeros is token 0.
    /// </summary>
    public string Baseline { get; init; } = "zeros";

    /// <summary>The layer or value to attribute to; null for the input, or for the first layer of numbers where the input holds tokens.</summary>
    public string? Wrt { get; init; }

    /// <summary>The layer of feature maps that class activation maps look at; null for the last.</summary>
    public string? Layer { get; init; }

    /// <summary>How much is checked; null for nothing.</summary>
    public AuditLevel? Audit { get; init; } = AuditLevel.Quick;

    /// <summary>How pictures become the network's input: a built-in name or a file; null lets the network's input decide.</summary>
    public string? Preprocess { get; init; }

    /// <summary>A file of the names of the classes; or null.</summary>
    public string? Labels { get; init; }

    /// <summary>For texts: a file with one token a line, whose number is its line counted from 0.</summary>
    public string? Vocabulary { get; init; }

    /// <summary>For tables: a JSON file that says how columns become inputs; null where all cells are numbers.</summary>
    public string? Columns { get; init; }

    /// <summary>For tables: a file of rows to compare with, such as those the network learned from; null for the rows that are explained.</summary>
    public string? Background { get; init; }

    /// <summary>For pictures: a black picture, white where the answer should be seen, which the same preprocessing fits; or null.</summary>
    public string? Mask { get; init; }

    /// <summary>The folder that everything goes to.</summary>
    public string Output { get; init; } = "explained";

    /// <summary>Where all random numbers start.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Whether inputs that are explained already, by the same question, are left as they are.</summary>
    public bool Resume { get; init; }
}

/// <summary>One method's explanation of one input.</summary>
/// <param name="Method">The method.</param>
/// <param name="Values">The file of the raw values [1, ...], beside the page; null where there are none.</param>
/// <param name="Sum">The sum of the values.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="Verdict">What the audit says, or null without one.</param>
/// <param name="Checks">The audit's numbers, each beside those of random maps and edges.</param>
/// <param name="Error">Why there is no explanation, or null.</param>
public sealed record ExplainedMethod(
    string Method, string? Values, double Sum, double Seconds, string? Verdict, IReadOnlyList<ExplainedCheck> Checks, string? Error = null)
{
    /// <summary>How the answer goes as the input is taken away or put back.</summary>
    public IReadOnlyList<AuditCurve> Curves { get; init; } = [];

    /// <summary>How alike the explanation stays as layers are randomised from the answer down, in a full audit; empty otherwise.</summary>
    public IReadOnlyList<ExplainedLikeness> Cascade { get; init; } = [];

    /// <summary>Of methods with a local model, such as LIME: how much of the answers' variance it explains (R2); or null.</summary>
    public double? LocalFit { get; init; }
}

/// <summary>How alike an explanation is to its first after a layer, and all after it, lost its weights.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Spearman">The rank correlation, 1 where nothing changed.</param>
public sealed record ExplainedLikeness(string Layer, double Spearman);

/// <summary>A number of an audit.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Value">The method's.</param>
/// <param name="Random">That of random maps, their mean.</param>
/// <param name="RandomLow">The lowest of the random maps.</param>
/// <param name="RandomHigh">The highest.</param>
/// <param name="Edges">That of the edges of the input.</param>
/// <param name="Failed">What is wrong, or null.</param>
public sealed record ExplainedCheck(string Name, double Value, double Random, double RandomLow, double RandomHigh, double Edges, string? Failed);

/// <summary>What was found about one input.</summary>
/// <param name="Input">The file, with the number of the row or line where it holds several.</param>
/// <param name="Page">The page, or null where there was an error.</param>
/// <param name="Target">What was explained, in words.</param>
/// <param name="Score">The target's value.</param>
/// <param name="Methods">The explanations.</param>
/// <param name="Error">Why there is none, or null.</param>
public sealed record ExplainedInput(string Input, string? Page, string? Target, double? Score, IReadOnlyList<ExplainedMethod> Methods, string? Error = null);

/// <summary>What came out.</summary>
/// <param name="Model">The model.</param>
/// <param name="Question">Target, baseline, methods and whatever else decides the answer, as one line.</param>
/// <param name="Inputs">One entry an input, in their order.</param>
public sealed record ExplainResult(string Model, string Question, IReadOnlyList<ExplainedInput> Inputs)
{
    /// <summary>How pictures became the network's input, in full, as <c>--preprocess</c> reads it; null where the inputs are no pictures.</summary>
    public System.Text.Json.JsonElement? Preprocess { get; init; }

    /// <summary>The result as one JSON object.</summary>
    /// <param name="indented">Over several lines, for people.</param>
    public string ToJson(bool indented = false) =>
        System.Text.Json.JsonSerializer.Serialize(this, indented ? ResultJson.Indented.ExplainResult : ResultJson.Default.ExplainResult);

    /// <summary>Whether an input or a method failed.</summary>
    [JsonIgnore]
    public bool AnyFailed => Inputs.Any(i => i.Error is not null);
}
