using System.Text.Json;
using Vitrine.Data;
using Vitrine.Models;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>A class and how likely the network finds it.</summary>
/// <param name="Name">The class.</param>
/// <param name="Probability">In [0, 1].</param>
public readonly record struct Answer(string Name, double Probability);

/// <summary>A trained LeNet-5 from a file, ready to be asked.</summary>
public sealed class LeNetPrediction
{
    private const int Side = 28;

    private readonly LeNet5 _network;

    private LeNetPrediction(LeNet5 network, IReadOnlyList<string> classes, string data)
    {
        _network = network;
        Classes = classes;
        Data = data;
    }

    internal LeNet5 Network => _network;

    /// <summary>The names of the classes.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>The data the network learned from; empty when the file does not say.</summary>
    public string Data { get; }

    /// <summary>Opens a weights file that <c>vitrine tour</c> or <c>vitrine train</c> wrote, or another one with LeNet-5's tensors.</summary>
    /// <exception cref="TensorFileException">The file is truncated or not safetensors.</exception>
    /// <exception cref="DataException">It does not hold a LeNet-5.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static LeNetPrediction Open(string path)
    {
        if (!File.Exists(path)) throw new DataException($"There is no weights file {path}.", "Make one with 'vitrine train --out FILE' or 'vitrine tour'.");
        IReadOnlyDictionary<string, Tensor> state = SafeTensors.Load(path, out IReadOnlyDictionary<string, string> metadata);
        if (metadata.ContainsKey("vitrine.training"))
            throw new DataException($"{path} is a training checkpoint, not a weights file.", "Finish the training with --resume; the weights file is " +
                "written at its end.");
        if (metadata.TryGetValue(LeNetTraining.ModelKey, out string? model) && model != "LeNet5") throw new DataException($"{path} holds a {model}, not a " +
            $"LeNet-5.", "Name another file.");
        if (!state.TryGetValue("fc3.weight", out Tensor? last) || last.Rank != 2)
            throw new DataException($"{path} does not hold a LeNet-5: it has no tensor fc3.weight of two axes.",
                "Name a file that 'vitrine train' or 'vitrine tour' wrote.");
        int count = last.Shape[0];
        string[]? names = null;
        if (metadata.TryGetValue(LeNetTraining.ClassesKey, out string? json))
        {
            try
            {
                names = JsonSerializer.Deserialize(json, NamesJson.Default.StringArray);
            }
            catch (JsonException)
            {
                // Names are a courtesy; without them the classes have numbers.
            }
        }
        if (names?.Length != count) names = [.. Enumerable.Range(0, count).Select(i => $"{i}")];
        try
        {
            var weights = Weights.From(state);
            var network = new LeNet5(weights, classes: count);
            return weights.Unused is { Count: > 0 } unused
                ? throw new DataException($"{path} does not hold a LeNet-5: it has tensors that LeNet-5 lacks, such as {unused[0]}.", "Name another file.")
                : new LeNetPrediction(network, names, metadata.GetValueOrDefault(LeNetTraining.DataKey, ""));
        }
        catch (ArgumentException e)
        {
            throw new DataException($"{path} does not hold a LeNet-5: {e.Message}", "Name a file that 'vitrine train' or 'vitrine tour' wrote.", inner: e);
        }
    }

    /// <summary>Reads a picture as the network wants it: grey, bright on dark, [1, 1, 28, 28] in 0..1.</summary>
    /// <param name="image">A picture file, or <c>FILE#12</c> for example 12 (from 0) of an IDX file.</param>
    /// <param name="invert">Whether the picture is dark on light and is to be turned round.</param>
    /// <exception cref="DataException">There is no such picture, or it has another size.</exception>
    /// <exception cref="PictureFormatException">It is no sound picture.</exception>
    public static Tensor Read(string image, bool invert = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(image);
        int hash = image.LastIndexOf('#');
        float[] pixels;
        if (!File.Exists(image) && hash > 0 && int.TryParse(image[(hash + 1)..], out int number)) pixels = ReadIdx(image[..hash], number);
        else if (!File.Exists(image)) throw new DataException($"There is no picture {image}.",
            "Check the path; name a picture file, or FILE#12 for example 12 " +
            "of an IDX file.");
        else pixels = ReadPicture(image);
        if (invert)
        {
            for (int i = 0; i < pixels.Length; i++) pixels[i] = 1 - pixels[i];
        }
        return Tensor.From(pixels, [1, 1, Side, Side]);
    }

    /// <summary>The classes, the likeliest first.</summary>
    /// <param name="image">[1, 1, 28, 28].</param>
    public IReadOnlyList<Answer> Ask(Tensor image)
    {
        ArgumentNullException.ThrowIfNull(image);
        float[] probabilities = _network.Predict(image).Softmax(1).ToArray();
        return [.. probabilities.Select((p, i) => new Answer(Classes[i], p)).OrderByDescending(a => a.Probability)];
    }

    private static float[] ReadPicture(string path)
    {
        Picture picture = Picture.Load(path);
        if (picture.Width != Side || picture.Height != Side) throw Wrong(path, picture.Width, picture.Height);
        float[,,] rgb = picture.ToRgb(Rgb.Black).ToChw();
        float[] grey = new float[Side * Side];
        bool three = rgb.GetLength(0) == 3;
        for (int i = 0; i < grey.Length; i++)
        {
            int y = i / Side, x = i % Side;
            // Luma of ITU-R BT.709; equal channels come out as they are, to the last bit.
            grey[i] = !three || (rgb[0, y, x] == rgb[1, y, x] && rgb[1, y, x] == rgb[2, y, x]) ? rgb[0, y, x]
                : (0.2126f * rgb[0, y, x]) + (0.7152f * rgb[1, y, x]) + (0.0722f * rgb[2, y, x]);
        }
        return grey;
    }

    private static float[] ReadIdx(string path, int number)
    {
        IdxArray array = Idx.Read(path);
        if (array.Dimensions is not [int count, int height, int width])
            throw new DataException($"Images have three dimensions; this file has {array.Dimensions.Length}.",
                "Name the file with the images, not the labels.", path, 3);
        if (height != Side || width != Side) throw Wrong(path, width, height);
        if ((uint)number >= (uint)count) throw new DataException($"There is no example {number}: the file has {count}, numbered from 0.",
            "Choose another number.", path);
        return [.. array.Values.AsSpan(number * Side * Side, Side * Side).ToArray().Select(b => b / 255f)];
    }

    private static DataException Wrong(string path, int width, int height) =>
        new($"LeNet-5 reads pictures of {Side} x {Side}; this one is {width} x {height}.", "Scale it, with the object in the middle and bright on dark.", path);
}
