using Vitrine.Render;

namespace Vitrine.Data;

/// <summary>Which values of a pixel a network reads, in which order.</summary>
public enum ChannelOrder
{
    /// <summary>Red, green, blue.</summary>
    Rgb,

    /// <summary>Blue, green, red: networks from Caffe.</summary>
    Bgr,

    /// <summary>One channel: the luma of ITU-R BT.601, rounded to 8 bits as Pillow's <c>convert("L")</c> does.</summary>
    Grey,
}

/// <summary>How fractions of a pixel are rounded, of the longer side after scaling and of the margin before the crop.</summary>
public enum PixelRounding
{
    /// <summary>The longer side down, the margin to the nearest, halves to even: torchvision's <c>Resize</c> and <c>CenterCrop</c>.</summary>
    Torchvision,

    /// <summary>The longer side to the nearest, halves to even; the margin down.</summary>
    Nearest,
}

/// <summary>
/// How pictures become a network's input, in this order: alpha, channels, resize, crop, range, minus the mean, over the deviation. The arithmetic is Pillow's
/// and torchvision's, to the last bit.
/// </summary>
public sealed record Preprocess
{
    private readonly IReadOnlyList<float>? _mean, _deviation;

    /// <summary>What networks of torchvision trained on ImageNet want.</summary>
    public static Preprocess ImageNet { get; } = new() { Resize = 256, Crop = 224, Mean = [0.485f, 0.456f, 0.406f], Deviation = [0.229f, 0.224f, 0.225f] };

    /// <summary>What networks of Caffe trained on ImageNet want: BGR from 0 to 255, minus the mean colour.</summary>
    public static Preprocess Caffe { get; } = new()
    {
        Resize = 256,
        Crop = 227,
        Rounding = PixelRounding.Nearest,
        Range = 255,
        Order = ChannelOrder.Bgr,
        Mean = [104, 117, 123],
    };

    /// <summary>What residual networks trained on CIFAR-10 want: 32 x 32, normalised with ImageNet's mean and deviation.</summary>
    public static Preprocess Cifar { get; } = ImageNet with { Resize = 32, Crop = 32 };

    /// <summary>The built-in ones by name: <c>imagenet</c>, <c>caffe</c>, <c>cifar</c>.</summary>
    public static IReadOnlyDictionary<string, Preprocess> BuiltIn { get; } =
        new Dictionary<string, Preprocess>(StringComparer.Ordinal) { ["imagenet"] = ImageNet, ["caffe"] = Caffe, ["cifar"] = Cifar };

    /// <summary>The length to which the shorter side is scaled, in pixels, the longer one in proportion; null leaves the size.</summary>
    public int? Resize { get; init; }

    /// <summary>How new pixels come from old ones.</summary>
    public Resampling Interpolation { get; init; } = Resampling.Bilinear;

    /// <summary>The side of the square cut out of the middle, in pixels; null keeps everything.</summary>
    public int? Crop { get; init; }

    /// <summary>How fractions of a pixel are rounded.</summary>
    public PixelRounding Rounding { get; init; }

    /// <summary>What the brightest value becomes: 1 or 255.</summary>
    public float Range { get; init; } = 1;

    /// <summary>Which channels, in which order.</summary>
    public ChannelOrder Order { get; init; }

    /// <summary>What is subtracted, one value a channel in the network's order; zeros unless given.</summary>
    public IReadOnlyList<float> Mean
    {
        get => _mean ?? new float[Channels];
        init => _mean = value;
    }

    /// <summary>What the difference is divided by, one value a channel in the network's order; ones unless given.</summary>
    public IReadOnlyList<float> Deviation
    {
        get => _deviation ?? [.. Enumerable.Repeat(1f, Channels)];
        init => _deviation = value;
    }

    /// <summary>What lies under transparent pixels; null takes their colours as they are in the file, as Pillow's <c>convert("RGB")</c> does.</summary>
    public Rgb? Background { get; init; }

    /// <summary>How many channels the network reads: 3, or 1 for grey.</summary>
    public int Channels => Order == ChannelOrder.Grey ? 1 : 3;

    /// <summary>One of the built-in ones, or what a JSON file says.</summary>
    /// <param name="nameOrFile"><c>imagenet</c>, <c>caffe</c>, <c>cifar</c>, or a file.</param>
    /// <exception cref="DataException">There is no such name or file, or the file is not sound.</exception>
    public static Preprocess Find(string nameOrFile)
    {
        ArgumentException.ThrowIfNullOrEmpty(nameOrFile);
        return BuiltIn.TryGetValue(nameOrFile, out Preprocess? known) ? known : PreprocessJson.Load(nameOrFile);
    }

    /// <summary>
    /// Reads the JSON of <see cref="ToJson"/>. What is missing has the value it has in a new <see cref="Preprocess"/>; what is unknown is an error.
    /// </summary>
    /// <param name="json">The text.</param>
    /// <exception cref="DataException">The text is no JSON, or a value is unknown, missing or out of range.</exception>
    public static Preprocess Parse(string json) => PreprocessJson.Parse(json, null);

    /// <summary>The description as JSON: resize, interpolation, crop, rounding, range, channels, mean, std, background.</summary>
    public string ToJson() => PreprocessJson.Write(this);

    /// <summary>One picture as the network's input, [1, channels, height, width].</summary>
    /// <param name="picture">The picture.</param>
    /// <exception cref="DataException">The picture is smaller than the crop, or the description is not sound.</exception>
    public Tensor Apply(Picture picture) => Apply([picture]);

    /// <summary>Pictures as one batch, [N, channels, height, width].</summary>
    /// <param name="pictures">One picture or more.</param>
    /// <exception cref="DataException">The pictures come out in different sizes, one is smaller than the crop, or the description is not sound.</exception>
    public Tensor Apply(IReadOnlyList<Picture> pictures)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        ArgumentOutOfRangeException.ThrowIfZero(pictures.Count, nameof(pictures));
        Check();
        Picture[] ready = [.. pictures.Select(Fit)];
        (int height, int width) = (ready[0].Height, ready[0].Width);
        float[] values = new float[checked(ready.Length * Channels * height * width)];
        float divisor = 255 / Range;
        int o = 0;
        foreach (Picture picture in ready)
        {
            if (picture.Height != height || picture.Width != width)
                throw new DataException($"Pictures of {width} x {height} and {picture.Width} x {picture.Height} do not go into one batch.",
                    "Give the preprocessing a crop, or predict one by one with --batch 1.");
            ReadOnlySpan<byte> pixels = picture.Pixels;
            for (int c = 0; c < Channels; c++)
            {
                int from = Order == ChannelOrder.Bgr ? 2 - c : c;
                (float mean, float deviation) = (Mean[c], Deviation[c]);
                for (int i = from; i < pixels.Length; i += Channels) values[o++] = ((pixels[i] / divisor) - mean) / deviation;
            }
        }
        return Tensor.From(values, [ready.Length, Channels, height, width]);
    }

    /// <summary>The picture as the network will see it: its channels, resized and cropped.</summary>
    /// <param name="picture">The picture.</param>
    /// <exception cref="DataException">The picture is smaller than the crop.</exception>
    public Picture Fit(Picture picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        picture = (Background is { } under ? picture.ToRgb(under) : picture.DropAlpha()).ToRgb();
        if (Order == ChannelOrder.Grey) picture = Luma(picture);
        if (Resize is { } side)
        {
            (int width, int height) = picture.Width < picture.Height
                ? (side, Longer(side, picture.Height, picture.Width))
                : (Longer(side, picture.Width, picture.Height), side);
            if ((long)width * height > PictureDecoder.DefaultMaxPixels)
                throw new DataException($"A picture of {picture.Width} x {picture.Height} with its shorter side scaled to {side} is {width} x {height}: " +
                    "too large.",
                    "Crop it to a less extreme shape first.");
            picture = picture.Resize(width, height, Interpolation);
        }
        if (Crop is not { } crop) return picture;
        if (crop <= picture.Width && crop <= picture.Height)
        {
            return Rounding == PixelRounding.Torchvision
                ? picture.CropCenter(crop, crop)
                : picture.Crop((picture.Width - crop) / 2, (picture.Height - crop) / 2, crop, crop);
        }
        throw new DataException($"A picture of {picture.Width} x {picture.Height} is smaller than the crop of {crop} x {crop}.",
            "Let the preprocessing resize it first.");
    }

    private int Longer(int side, int longer, int shorter)
    {
        double exact = (double)side * longer / shorter;
        return (int)Math.Min(int.MaxValue, Rounding == PixelRounding.Torchvision ? exact : Math.Round(exact));
    }

    /// <summary>Sees that the values fit together.</summary>
    /// <exception cref="DataException">One does not; the message names it.</exception>
    internal void Check()
    {
        const int longest = 32768;
        if (Resize is < 1 or > longest) throw Wrong("resize", $"{Resize}", $"a number of pixels from 1 to {longest}");
        if (Crop is < 1 or > longest) throw Wrong("crop", $"{Crop}", $"a number of pixels from 1 to {longest}");
        if (Resize < Crop) throw Wrong("crop", $"{Crop}", $"at most the {Resize} of resize");
        if (Range is not (1 or 255)) throw Wrong("range", $"{Range}", "1 or 255");
        if (Mean.Count != Channels || !Mean.All(float.IsFinite)) throw Wrong("mean", $"[{string.Join(", ", Mean)}]",
            $"{Channels} finite numbers, one a channel");
        if (Deviation.Count != Channels || !Deviation.All(d => d > 0 && float.IsFinite(d)))
            throw Wrong("std", $"[{string.Join(", ", Deviation)}]", $"{Channels} numbers above 0, one a channel");
    }

    /// <inheritdoc/>
    public bool Equals(Preprocess? other) => other is not null && Resize == other.Resize && Interpolation == other.Interpolation && Crop == other.Crop
        && Rounding == other.Rounding
        && Range.Equals(other.Range) && Order == other.Order && Background == other.Background && Mean.SequenceEqual(other.Mean)
            && Deviation.SequenceEqual(other.Deviation);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Resize, Interpolation, Crop, Range, Order, Background);

    private static DataException Wrong(string name, string value, string wanted) => new($"The preprocessing's {name} is {value}.", $"It should be {wanted}.");

    // 65536 times the weights 0.299, 0.587, 0.114.
    private static Picture Luma(Picture rgb)
    {
        byte[] grey = new byte[rgb.Width * rgb.Height];
        ReadOnlySpan<byte> pixels = rgb.Pixels;
        for (int i = 0, p = 0; i < grey.Length; i++, p += 3)
            grey[i] = (byte)(((pixels[p] * 19595) + (pixels[p + 1] * 38470) + (pixels[p + 2] * 7471) + 0x8000) >> 16);
        return new(rgb.Width, rgb.Height, 1, grey);
    }
}
