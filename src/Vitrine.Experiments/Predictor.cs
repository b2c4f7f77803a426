using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Vitrine.Data;
using Vitrine.Onnx;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>What <c>vitrine predict</c> is to do.</summary>
public sealed record PredictionOptions
{
    /// <summary>An ONNX file, or weights that <c>vitrine tour</c> or <c>vitrine train</c> wrote.</summary>
    public required string Model { get; init; }

    /// <summary>
    /// How pictures become the input of an ONNX network: a built-in name or a file (<see cref="Preprocess.Find"/>); null lets the network's input decide.
    /// </summary>
    public string? Preprocess { get; init; }

    /// <summary>A file of the names of the classes; null for the model's own or for numbers.</summary>
    public string? Labels { get; init; }

    /// <summary>How many answers a picture gets.</summary>
    public int Top { get; init; } = 5;

    /// <summary>How many pictures go through the network at once; null for eight, or one where the file fixes it.</summary>
    public int? Batch { get; init; }

    /// <summary>Whether pictures are dark on light where the network wants bright on dark (weights of LeNet-5 only).</summary>
    public bool Invert { get; init; }
}

/// <summary>One answer of a network.</summary>
/// <param name="Class">The number of the class.</param>
/// <param name="Label">Its name.</param>
/// <param name="Score">The network's output for it: a logit, or a probability where the network ends in a softmax.</param>
/// <param name="Probability">In [0, 1].</param>
public readonly record struct RankedClass(int Class, string Label, float Score, double Probability);

/// <summary>What a network said about a picture.</summary>
/// <param name="Picture">The file.</param>
/// <param name="Answers">The likeliest classes first; empty where there was an error.</param>
/// <param name="Error">Why there is no answer, or null.</param>
public sealed record PicturePrediction(string Picture, IReadOnlyList<RankedClass> Answers, string? Error = null);

/// <summary>A trained network from a file, ready to be asked about pictures.</summary>
public sealed class Predictor
{
    private const int UsualBatch = 8;

    private readonly Module _network;
    private readonly Func<string, Tensor> _read;
    private readonly PredictionOptions _options;
    private readonly int _batch;
    private IReadOnlyList<string>? _labels;

    private Predictor(Module network, Func<string, Tensor> read, IReadOnlyList<string>? labels, PredictionOptions options, int batch, string? assumption)
    {
        _network = network;
        _read = read;
        _options = options;
        _batch = batch;
        _labels = labels;
        Assumption = assumption;
    }

    /// <summary>What was assumed for want of an option, in a sentence; or null.</summary>
    public string? Assumption { get; }

    /// <summary>Opens a model.</summary>
    /// <param name="options">Which, and how to ask it.</param>
    /// <param name="warn">Told what the file asks for that may not be as its author meant it; or null.</param>
    /// <exception cref="DataException">The model is no classifier of pictures, or an option does not fit it.</exception>
    /// <exception cref="IOException">A file cannot be read or is not sound.</exception>
    public static Predictor Open(PredictionOptions options, Action<string>? warn = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        IReadOnlyList<string>? labels = options.Labels is { } file ? Vitrine.Experiments.Labels.Load(file) : null;
        if (!ModelFile.IsOnnx(options.Model))
        {
            if (options.Preprocess is not null) throw new DataException("Weights of LeNet-5 have a preprocessing of their own.", "Leave --preprocess out.");
            LeNetPrediction lenet = LeNetPrediction.Open(options.Model);
            return new(lenet.Network, picture => LeNetPrediction.Read(picture, options.Invert), labels ?? lenet.Classes, options, options.Batch ?? UsualBatch,
                null);
        }
        if (options.Invert) throw new DataException("--invert is for weights of LeNet-5.", "Leave it out.");
        OnnxModule network = ModelFile.OpenOnnx(options.Model, warn);
        if (network.Inputs is not [{ DType: DType.Float32, Shape: { Count: 4 } shape }])
            throw new DataException($"The network takes {string.Join("; ", network.Inputs)}, but pictures are one tensor [N, channels, height, width].",
                "'vitrine open' shows what it takes and gives.", options.Model);
        Preprocess preprocess = Suitable(options.Preprocess, shape, out string? assumption);
        return new(network, picture => preprocess.Apply(Load(picture)), labels, options, options.Batch ?? (shape[0].Size == 1 ? 1 : UsualBatch), assumption);
    }

    /// <summary>Asks about pictures. One that cannot be read has its error in its place; the others are answered all the same.</summary>
    /// <param name="pictures">Files; of LeNet-5's weights also <c>FILE#12</c>, example 12 (from 0) of an IDX file.</param>
    /// <param name="progress">Told how many pictures are done; or null.</param>
    /// <param name="cancel">Ends the work between two batches.</param>
    /// <returns>One prediction a picture, in their order.</returns>
    public IReadOnlyList<PicturePrediction> Ask(IReadOnlyList<string> pictures, Action<int>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        var predictions = new PicturePrediction[pictures.Count];
        for (int start = 0; start < predictions.Length; start += _batch)
        {
            cancel.ThrowIfCancellationRequested();
            List<(int Index, Tensor Input)> ready = [];
            for (int i = start; i < Math.Min(start + _batch, predictions.Length); i++)
            {
                try
                {
                    ready.Add((i, _read(pictures[i])));
                }
                catch (Exception e) when (Failure.Describe(e) is { } message && !cancel.IsCancellationRequested)
                {
                    predictions[i] = new(pictures[i], [], message);
                }
            }
            // Without a crop pictures may differ in size: each size is a batch of its own.
            foreach (var group in ready.GroupBy(r => r.Input.Shape))
            {
                RankedClass[][] answers = Answers([.. group.Select(g => g.Input)]);
                foreach (((int index, _), RankedClass[] ranked) in group.Zip(answers)) predictions[index] = new(pictures[index], ranked);
            }
            progress?.Invoke(Math.Min(start + _batch, predictions.Length));
        }
        return predictions;
    }

    /// <summary>Predictions as one JSON object.</summary>
    /// <param name="predictions">What <see cref="Ask"/> gave.</param>
    public string ToJson(IReadOnlyList<PicturePrediction> predictions) =>
        JsonSerializer.Serialize(new PredictionReport(_options.Model, predictions), PredictionJson.Default.PredictionReport);

    /// <summary>Predictions as comma-separated values (RFC 4180): picture, rank, class, label, score, probability, error.</summary>
    /// <param name="predictions">What <see cref="Ask"/> gave.</param>
    public static string ToCsv(IReadOnlyList<PicturePrediction> predictions)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        var text = new StringBuilder("picture,rank,class,label,score,probability,error\n");
        foreach (PicturePrediction p in predictions)
        {
            if (p.Error is { } error) text.Append(CultureInfo.InvariantCulture, $"{Quoted(p.Picture)},,,,,,{Quoted(error)}\n");
            for (int i = 0; i < p.Answers.Count; i++)
            {
                RankedClass a = p.Answers[i];
                text.Append(CultureInfo.InvariantCulture, $"{Quoted(p.Picture)},{i + 1},{a.Class},{Quoted(a.Label)},{a.Score},{a.Probability:0.######},\n");
            }
        }
        return text.ToString();

        static string Quoted(string value) => value.AsSpan().IndexOfAny(",\"\r\n") < 0 ? value : $"\"{value.Replace("\"", "\"\"")}\"";
    }

    private static Picture Load(string path) =>
        File.Exists(path) ? Picture.Load(path) : throw new DataException($"There is no picture {path}.", "Check the path.");

    // A built-in preprocessing takes the size of the network's input; one from a file has to have it.
    internal static Preprocess Suitable(string? wanted, IReadOnlyList<OnnxExtent> shape, out string? assumption)
    {
        assumption = null;
        int? channels = shape[1].Size, height = shape[2].Size, width = shape[3].Size;
        Preprocess p;
        if (wanted is not null) p = Preprocess.Find(wanted);
        else
        {
            p = channels == 1 ? new Preprocess { Order = ChannelOrder.Grey, Crop = height ?? 28, Resize = height ?? 28 } : Preprocess.ImageNet;
            assumption = $"No --preprocess was given: {(channels == 1 ? "grey from 0 to 1" : "imagenet (RGB, ImageNet's mean and deviation)")} is assumed. " +
                "If the network was trained with another one, its answers mean nothing.";
        }
        // Where it would cut off most of a picture, or could not cut at all, the shorter side is scaled to 8/7 of the crop, as 256 is to 224.
        if (height == width && height is { } side && side != p.Crop && (wanted is null || Preprocess.BuiltIn.ContainsKey(wanted)))
            p = p with { Crop = side, Resize = side > p.Resize || p.Resize > 2 * side ? side * 8 / 7 : p.Resize };
        if (channels is { } c && c != p.Channels)
            throw new DataException($"The network reads {c} channels; this preprocessing gives {p.Channels}.", "Give a --preprocess that suits it.");
        if (p.Crop is { } crop && ((height ?? crop) != crop || (width ?? crop) != crop))
            throw new DataException($"The network reads pictures of {width} x {height}; this preprocessing gives {crop} x {crop}.",
                "Give a --preprocess that suits it.");
        return p;
    }

    private RankedClass[][] Answers(Tensor[] inputs)
    {
        using var scope = MemoryScope.Open();
        Tensor batch = inputs.Length == 1 ? inputs[0] : TensorOps.Concat(0, inputs);
        Tensor output = _network.Call(new Run(), [batch])[0];
        if (output.DType != DType.Float32 || output.Rank < 2 || output.Shape[0] != inputs.Length || output.Count == 0)
            throw new DataException($"The network gives {output.DType} {output.Shape}; a classifier gives one number a class, [N, classes].",
                "'vitrine open' shows what it takes and gives.", _options.Model);
        int classes = output.Count / inputs.Length;
        _labels ??= [.. Enumerable.Range(0, classes).Select(i => $"{i}")];
        if (_labels.Count != classes)
            throw new DataException($"There are {_labels.Count} labels for the network's {classes} classes.", "Give the labels that it was trained with.",
                _options.Labels);
        return [.. Enumerable.Range(0, inputs.Length).Select(i => Ranked(output.Floats.Slice(i * classes, classes).ToArray()))];
    }

    private RankedClass[] Ranked(float[] scores)
    {
        // What is positive and sums to one has been through a softmax already.
        bool probabilities = scores.All(s => s is >= 0 and <= 1) && Math.Abs(scores.Sum(s => (double)s) - 1) < 1e-3;
        double most = scores.Max(), sum = scores.Sum(s => Math.Exp(s - most));
        return
        [
            .. scores.Select((s, i) => new RankedClass(i, _labels![i], s, probabilities ? s : Math.Exp(s - most) / sum))
                .OrderByDescending(a => a.Score) // stable: of equal scores the first class wins
                .Take(_options.Top),
        ];
    }
}

internal sealed record PredictionReport(string Model, IReadOnlyList<PicturePrediction> Pictures);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(PredictionReport))]
internal sealed partial class PredictionJson : JsonSerializerContext;
