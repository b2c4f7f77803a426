using Vitrine.Data;
using Vitrine.Onnx;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>A network from a file, with what is needed to feed it and to name its answers.</summary>
public sealed class OpenedNetwork
{
    private OpenedNetwork(string path, Module module, IReadOnlyList<string>? labels)
    {
        FilePath = path;
        Module = module;
        Labels = labels;
    }

    /// <summary>The file.</summary>
    public string FilePath { get; }

    /// <summary>The network: one input, one output.</summary>
    public Module Module { get; }

    /// <summary>The names of the classes, or null where nobody gave them.</summary>
    public IReadOnlyList<string>? Labels { get; }

    /// <summary>What an ONNX file declares of its input; null for LeNet-5.</summary>
    public IReadOnlyList<OnnxExtent>? Shape { get; private init; }

    /// <summary>How pictures become the input; null where the network takes none, and for LeNet-5, which reads grey pictures of 28 x 28 as they are.</summary>
    public Preprocess? Preprocess { get; private init; }

    /// <summary>Whether the network takes pictures.</summary>
    public bool TakesPictures => Preprocess is not null || Shape is null;

    /// <summary>What a pixel of 0 and of 1 become in each channel of the input, [1, C, 1, 1]: where a valid picture ends, and what a step in pixels
    /// is.</summary>
    public (Tensor Low, Tensor High) Range
    {
        get
        {
            if (Preprocess is not { } p) return (Tensor.Zeros([1, 1, 1, 1]), Tensor.Ones([1, 1, 1, 1]));
            float[] low = [.. p.Mean.Zip(p.Deviation, (m, d) => -m / d)], high = [.. p.Mean.Zip(p.Deviation, (m, d) => (p.Range - m) / d)];
            return (Tensor.From(low, [1, p.Channels, 1, 1]), Tensor.From(high, [1, p.Channels, 1, 1]));
        }
    }

    /// <summary>Opens an ONNX file, or weights that <c>vitrine tour</c> or <c>vitrine train</c> wrote.</summary>
    /// <param name="path">The file.</param>
    /// <param name="preprocess">A built-in preprocessing or a file of one; null lets the network's input decide.</param>
    /// <param name="labels">A file of the names of the classes; null for the model's own.</param>
    /// <param name="warn">Hears what is assumed or ignored; or null.</param>
    /// <exception cref="DataException">The file is missing or not sound, or the network takes several inputs.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static OpenedNetwork Open(string path, string? preprocess = null, string? labels = null, Action<string>? warn = null)
    {
        IReadOnlyList<string>? names = labels is null ? null : Experiments.Labels.Load(labels);
        if (!ModelFile.IsOnnx(path))
        {
            LeNetPrediction lenet = LeNetPrediction.Open(path);
            return new OpenedNetwork(path, lenet.Network, names ?? lenet.Classes);
        }
        OnnxModule module = ModelFile.OpenOnnx(path, warn);
        if (module.Inputs.Count != 1)
            throw new DataException($"The network takes {module.Inputs.Count} inputs; this takes networks of one.", "'vitrine open' shows them.", path);
        IReadOnlyList<OnnxExtent>? shape = module.Inputs[0].Shape;
        if (module.Inputs[0].DType != DType.Float32 || shape is not { Count: 4 }) return new OpenedNetwork(path, module, names) { Shape = shape ?? [] };
        Preprocess suitable = Predictor.Suitable(preprocess, shape, out string? assumption);
        if (assumption is not null) warn?.Invoke(assumption);
        return new OpenedNetwork(path, module, names) { Shape = shape, Preprocess = suitable };
    }

    /// <summary>A picture file as the network takes it, [1, C, H, W], and as people see what it takes.</summary>
    /// <exception cref="DataException">There is no such picture, it does not fit, or the network takes none.</exception>
    /// <exception cref="PictureFormatException">It is no sound picture.</exception>
    public (Tensor Input, Picture Shown) Read(string picture)
    {
        if (!TakesPictures) throw new DataException("The network takes no pictures.", "'vitrine open' shows what it takes.", FilePath);
        if (Preprocess is null)
        {
            Tensor input = LeNetPrediction.Read(picture, invert: false);
            return (input, Picture.Of(input));
        }
        if (!File.Exists(picture)) throw new DataException($"There is no picture {picture}.", "Check the path.");
        return Read(Picture.Load(picture));
    }

    /// <summary>A picture as the network takes it, and as people see what it takes.</summary>
    /// <exception cref="DataException">The picture does not fit, or the network takes none.</exception>
    public (Tensor Input, Picture Shown) Read(Picture picture) => Preprocess is { } p
        ? (p.Apply(picture), p.Fit(picture))
        : throw new DataException("The network takes no pictures of any size.", "'vitrine open' shows what it takes.", FilePath);

    /// <summary>An input of the network as a picture again: what <see cref="Read(Picture)"/> made of it, undone.</summary>
    /// <param name="input">[N, C, H, W].</param>
    /// <param name="example">Which of them.</param>
    /// <exception cref="DataException">The network takes no pictures.</exception>
    public Picture Shown(Tensor input, int example = 0)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (!TakesPictures) throw new DataException("The network takes no pictures.", "'vitrine open' shows what it takes.", FilePath);
        if (Preprocess is not { } p) return Picture.Of(input, example: example);
        (Tensor low, Tensor high) = Range;
        Tensor plain = (input.Detach().Slice(0, example, example + 1) - low) / (high - low); // [1, C, H, W] in 0..1
        return Picture.Of(p.Order == ChannelOrder.Bgr ? plain.IndexSelect(1, Tensor.From([2L, 1L, 0L], [3])) : plain);
    }
}
