using System.Text.Json;
using Vitrine.Insight;

namespace Vitrine.Experiments;

/// <summary>What <c>vitrine attack</c> is to do.</summary>
public sealed record AttackOptions
{
    /// <summary>An ONNX file, or weights that <c>vitrine tour</c> or <c>vitrine train</c> wrote.</summary>
    public required string Model { get; init; }

    /// <summary>Picture files, folders and patterns; their classes are those the network finds likeliest.</summary>
    public IReadOnlyList<string> Inputs { get; init; } = [];

    /// <summary>A data set by name or a folder of classes, instead of <see cref="Inputs"/>; or null.</summary>
    public string? Data { get; init; }

    /// <summary>The folder that holds data sets by name; null for VITRINE_DATA or the user's own.</summary>
    public string? DataRoot { get; init; }

    /// <summary>At most so many examples of the data.</summary>
    public int Examples { get; init; } = 200;

    /// <summary>The attacks by name.</summary>
    public IReadOnlyList<string> Attacks { get; init; } = ["fgsm", "pgd"];

    /// <summary>Sizes of the change, for pixels from 0 to 1; null for sizes that suit the picture.</summary>
    public IReadOnlyList<float>? Epsilons { get; init; }

    /// <summary>In which norm sizes are measured.</summary>
    public AttackNorm Norm { get; init; }

    /// <summary>The number or label of a class that is to be reached; null for any but the right one.</summary>
    public string? Target { get; init; }

    /// <summary>Whether uniform and normal noise are measured beside the signs that always are.</summary>
    public bool Noise { get; init; }

    /// <summary>Other networks that are shown what was made to fool the first.</summary>
    public IReadOnlyList<string> Against { get; init; } = [];

    /// <summary>How pictures become the network's input: a built-in name or a file; null lets the network's input decide.</summary>
    public string? Preprocess { get; init; }

    /// <summary>A file of the names of the classes; or null.</summary>
    public string? Labels { get; init; }

    /// <summary>The folder for the page and the results; null for none.</summary>
    public string? Output { get; init; }

    /// <summary>Where all random numbers start.</summary>
    public ulong Seed { get; init; } = 1;
}

/// <summary>What one attack did to a network.</summary>
/// <param name="Network">The network.</param>
/// <param name="Attack">The attack.</param>
/// <param name="Epsilon">Its size, or null where it looks for a small one itself.</param>
/// <param name="Clipped">Whether the results are valid pictures.</param>
/// <param name="Examples">How many examples.</param>
/// <param name="Accuracy">The share of them that is still named as before the attack, or rightly where there are labels, in [0, 1].</param>
/// <param name="Reached">The share that is given the target; null without one.</param>
/// <param name="Confidence">The mean probability of the class where it is wrong; null where none is.</param>
/// <param name="Length">The median length of the changes: the square root of the sum of squares.</param>
/// <param name="Largest">The median of the largest changes of a pixel.</param>
/// <param name="Seconds">How long it took.</param>
public sealed record AttackScore(
    string Network, string Attack, double? Epsilon, bool Clipped, int Examples, double Accuracy, double? Reached, double? Confidence, double Length,
    double Largest, double Seconds);

/// <summary>How little it takes.</summary>
/// <param name="Network">The network.</param>
/// <param name="Attack">By which attack.</param>
/// <param name="Norm"><c>linf</c> or <c>l2</c>.</param>
/// <param name="Median">The median over the examples; infinity when fewer than half were fooled.</param>
/// <param name="Sizes">The size for each example: 0 for an error without an attack, infinity where none was enough.</param>
public sealed record AttackMinimum(string Network, string Attack, string Norm, double Median, IReadOnlyList<double> Sizes);

/// <summary>What was made on one network, shown to others.</summary>
/// <param name="Attack">By which attack.</param>
/// <param name="Epsilon">Its size.</param>
/// <param name="Networks">The networks.</param>
/// <param name="Fooled">A row for each network it was made on, a share for each that was shown it.</param>
/// <param name="Examples">How many examples, all named rightly by every network.</param>
public sealed record AttackTransfer(string Attack, double Epsilon, IReadOnlyList<string> Networks, IReadOnlyList<IReadOnlyList<double>> Fooled, int Examples);

/// <summary>One example, before and after.</summary>
/// <param name="Input">Its name.</param>
/// <param name="Network">The network.</param>
/// <param name="Attack">The attack.</param>
/// <param name="Epsilon">The smallest of the sizes that fooled it, or the largest; null where the attack takes none.</param>
/// <param name="Label">The class it has, or was to get.</param>
/// <param name="Before">What the network saw in it.</param>
/// <param name="BeforeConfidence">With which probability.</param>
/// <param name="After">What it sees now.</param>
/// <param name="AfterConfidence">With which probability.</param>
/// <param name="Length">The length of the change.</param>
/// <param name="Largest">The largest change of a pixel.</param>
/// <param name="Succeeded">Whether the class is the target, or no longer the label.</param>
public sealed record AttackedInput(
    string Input, string Network, string Attack, double? Epsilon, string Label, string Before, double BeforeConfidence, string After, double AfterConfidence,
    double Length, double Largest, bool Succeeded);

/// <summary>What came out.</summary>
/// <param name="Title">What was attacked with what.</param>
/// <param name="Norm"><c>linf</c> or <c>l2</c>: how sizes are measured.</param>
/// <param name="Seed">Where all random numbers started.</param>
/// <param name="Accuracy">By network: the share of examples named rightly without an attack; 1 where the network's own answers are the labels.</param>
/// <param name="Scores">Every network under every attack of every size.</param>
/// <param name="Minima">How little it takes.</param>
/// <param name="Transfers">What carries over between networks.</param>
/// <param name="Inputs">Single examples.</param>
public sealed record AttackResult(
    string Title, string Norm, ulong Seed, IReadOnlyDictionary<string, double> Accuracy, IReadOnlyList<AttackScore> Scores, IReadOnlyList<AttackMinimum> Minima,
    IReadOnlyList<AttackTransfer> Transfers, IReadOnlyList<AttackedInput> Inputs)
{
    /// <summary>The result as one JSON object.</summary>
    /// <param name="indented">Over several lines, for people.</param>
    public string ToJson(bool indented = false) =>
        JsonSerializer.Serialize(this, indented ? ResultJson.Indented.AttackResult : ResultJson.Default.AttackResult);
}
