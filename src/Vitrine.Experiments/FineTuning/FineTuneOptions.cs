using System.Text.Json;

namespace Vitrine.Experiments;

/// <summary>How a network is to learn other classes.</summary>
public sealed record FineTuneOptions
{
    /// <summary>An ONNX file of a classifier of pictures, or weights of LeNet-5 that <c>vitrine train</c> or <c>vitrine tour</c> wrote.</summary>
    public required string Model { get; init; }

    /// <summary>A folder of pictures whose sub-folders are the classes, or a data set by name.</summary>
    public required string Data { get; init; }

    /// <summary>The folder that holds data sets by name; null for VITRINE_DATA or the user's own.</summary>
    public string? DataRoot { get; init; }

    /// <summary>How pictures become the input of an ONNX network; null lets its input decide.</summary>
    public string? Preprocess { get; init; }

    /// <summary>
    /// What stays as it is: a number of layers from the input on, the name of the last layer that stays, <c>all</c> for all but the new last layer; null for
    /// none.
    /// </summary>
    public string? Freeze { get; init; }

    /// <summary>The learning rate of the last layer at the beginning; it falls to nothing along half a cosine.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>
    /// By how much the learning rate falls from each layer to the one before it (discriminative fine-tuning; Howard and Ruder 2018, "Universal language model
    /// fine-tuning for text classification", who take 2.6); 1 for one rate for all.
    /// </summary>
    public double Discriminative { get; init; } = 1;

    /// <summary>Passes over the pictures.</summary>
    public int Epochs { get; init; } = 10;

    /// <summary>Pictures in a step.</summary>
    public int BatchSize { get; init; } = 16;

    /// <summary>The part of the pictures of each class that is kept for validation, in (0, 1); a data set has a part of its own.</summary>
    public double Validation { get; init; } = 0.2;

    /// <summary>At most so many training examples of a data set; null for all.</summary>
    public int? Examples { get; init; }

    /// <summary>Where all random numbers start: the division, the new layer, the order of pictures.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Ends after so many passes without a better validation loss and takes the best weights; null to go on.</summary>
    public int? Patience { get; init; }

    /// <summary>Whether every weight is drawn anew, to see what the trained ones are worth.</summary>
    public bool Scratch { get; init; }

    /// <summary>
    /// The file for the network: <c>.onnx</c>, or <c>.safetensors</c> for LeNet-5. The checkpoint and the names of the classes lie beside it, and so does a
    /// folder for the page and the results: <c>mine.onnx</c> has <c>mine.report</c>.
    /// </summary>
    public string Output { get; init; } = "finetuned.onnx";

    /// <summary>Whether to continue from the checkpoint.</summary>
    public bool Resume { get; init; }
}

/// <summary>A layer as it was trained.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Parameters">How many numbers it has.</param>
/// <param name="Frozen">Whether it stayed as it was.</param>
/// <param name="LearningRate">Its learning rate at the beginning; 0 where it stayed.</param>
public sealed record FineTunedLayer(string Name, long Parameters, bool Frozen, double LearningRate);

/// <summary>How a class fares among the pictures that the network was judged by.</summary>
/// <param name="Class">The class.</param>
/// <param name="Pictures">How many of them are of this class.</param>
/// <param name="Right">How many of these were named rightly.</param>
public sealed record FineTunedClass(string Class, int Pictures, int Right);

/// <summary>A class that was taken for another.</summary>
/// <param name="True">What the pictures are.</param>
/// <param name="Said">What the network said.</param>
/// <param name="Count">How many times.</param>
public sealed record FineTuneConfusion(string True, string Said, int Count);

/// <summary>A picture that the network was judged by.</summary>
/// <param name="Picture">Its file in the folder of the data, or its number in the data set.</param>
/// <param name="True">Its class.</param>
/// <param name="Said">The class the network gave.</param>
/// <param name="Confidence">The probability the network gave that class.</param>
public sealed record JudgedPicture(string Picture, string True, string Said, double Confidence);

/// <summary>A picture that could not be used.</summary>
/// <param name="Picture">The file.</param>
/// <param name="Error">Why.</param>
public sealed record SkippedPicture(string Picture, string Error);

/// <summary>A network that learned other classes.</summary>
/// <param name="Model">The file it came from.</param>
/// <param name="Classes">The classes.</param>
/// <param name="Training">How many pictures it learned from.</param>
/// <param name="Validation">How many it was judged by.</param>
/// <param name="Skipped">What was left out.</param>
/// <param name="Layers">Its layers.</param>
/// <param name="Epochs">The passes.</param>
/// <param name="BestEpoch">The pass whose weights it has.</param>
/// <param name="Accuracy">The part of the validation pictures named rightly, in [0, 1].</param>
/// <param name="Output">The file it went to.</param>
/// <param name="Labels">The file of the names of its classes.</param>
public sealed record FineTuneResult(
    string Model,
    IReadOnlyList<string> Classes,
    int Training,
    int Validation,
    IReadOnlyList<SkippedPicture> Skipped,
    IReadOnlyList<FineTunedLayer> Layers,
    IReadOnlyList<Epoch> Epochs,
    int BestEpoch,
    double Accuracy,
    string Output,
    string Labels)
{
    /// <summary>The page; the figures lie beside it as <c>results.json</c>.</summary>
    public required string Report { get; init; }

    /// <summary>The seed.</summary>
    public required ulong Seed { get; init; }

    /// <summary>How pictures became the network's input, as JSON; null where the network reads pictures of one size as they are.</summary>
    public required string? Preprocess { get; init; }

    /// <summary>The lower end of the 95% interval of the accuracy on unseen pictures (<see cref="Insight.WilsonInterval"/>).</summary>
    public required double AccuracyLow { get; init; }

    /// <summary>Its upper end.</summary>
    public required double AccuracyHigh { get; init; }

    /// <summary>The mean cross-entropy on the validation pictures, in nats.</summary>
    public required double Loss { get; init; }

    /// <summary>How many numbers the network has.</summary>
    public required long Parameters { get; init; }

    /// <summary>How many of them learned.</summary>
    public required long Learned { get; init; }

    /// <summary>The classes, in their order.</summary>
    public required IReadOnlyList<FineTunedClass> PerClass { get; init; }

    /// <summary>What was taken for what, the most frequent first.</summary>
    public required IReadOnlyList<FineTuneConfusion> Confusions { get; init; }

    /// <summary>The wrong answers it was surest of, the surest first; at most a dozen.</summary>
    public required IReadOnlyList<JudgedPicture> Mistakes { get; init; }

    /// <summary>A few right answers: the surest ones, and after them the least sure.</summary>
    public required IReadOnlyList<JudgedPicture> Right { get; init; }

    /// <summary>The result as one JSON object.</summary>
    /// <param name="indented">Whether it is for people.</param>
    public string ToJson(bool indented = false) =>
        JsonSerializer.Serialize(this, indented ? ResultJson.Indented.FineTuneResult : ResultJson.Default.FineTuneResult);
}
