using System.Globalization;
using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Onnx;
using Vitrine.Render;

namespace Vitrine.Experiments.Tests;

/// <summary>
/// One photograph, two animals: explanations of a dog and of a cat have to fall on the right one (the pointing game of Zhang et al. 2016, "Top-down neural
/// attention by excitation backprop"). SqueezeNet, trained on ImageNet, names the dog; its best cat is the tiger cat.
/// </summary>
/// <remarks>
/// A map is what speaks for the class, summed over channels and smoothed as Fong, Patrick and Vedaldi 2019, "Understanding deep networks via extremal
/// perturbations and smooth masks", do it: by a Gaussian of a fiftieth of the picture. Without, the largest value of a gradient is one pixel of noise.
/// </remarks>
public sealed class DogAndCatTests
{
    private const int BullMastiff = 243;
    private const int TigerCat = 282;

    // Drawn by hand on the picture as the network sees it, 227 x 227: left, top, right, bottom, the last two outside. The cat's head hides the dog's haunch.
    private static readonly (int Left, int Top, int Right, int Bottom)[] DogBoxes = [(74, 0, 175, 121), (80, 121, 141, 155)];
    private static readonly (int Left, int Top, int Right, int Bottom)[] CatBoxes = [(145, 121, 208, 227), (38, 155, 145, 227)];

    private static readonly Lazy<(OnnxModule Net, Tensor Input)> Opened = new(() =>
    {
        OnnxModule net = OnnxModel.Open(Path.Combine(Root, "nets", "squeezenet1_1.onnx"));
        return (net, Preprocess.Caffe.Apply(Picture.Load(Path.Combine(Root, "photos", "both.png"))));
    });

    private static string Root => Environment.GetEnvironmentVariable("VITRINE_DATA") ?? "";

    /// <summary>Methods that ask about a class and found both animals when the table below was first written.</summary>
    public static TheoryData<string> PointRight() => [.. Right];

    private static readonly string[] Right =
    [
        "gradient", "input x gradient", "lrp epsilon", "lrp epsilon-plus", "excitation backprop", "grad-cam", "grad-cam++", "layercam", "guided grad-cam",
            "occlusion",
    ];

    [Theory]
    [MemberData(nameof(PointRight))]
    public void The_dog_is_on_the_dog_and_the_cat_on_the_cat(string method)
    {
        Found found = Look(method);
        Assert.True(found.DogPoint && found.CatPoint, found.ToString());
        // And more lies on an animal when it is asked about than when the other is.
        Assert.True(found.DogMass > found.DogForCat && found.CatMass > found.CatForDog, found.ToString());
    }

    /// <summary>What does not ask about the class cannot point at both animals.</summary>
    [Theory]
    [InlineData("guided backprop")]
    [InlineData("deconvnet")]
    [InlineData("eigen-cam")]
    public void What_ignores_the_class_misses_an_animal(string method)
    {
        Found found = Look(method);
        Assert.False(found.DogPoint && found.CatPoint, found.ToString());
    }

    /// <summary>The whole table, for docs: it is measured, and asserts nothing.</summary>
    [Fact]
    public void Table_of_all_methods()
    {
        string? wanted = Environment.GetEnvironmentVariable("VITRINE_TABLES");
        Assert.SkipUnless(wanted is not null, "writes the table where VITRINE_TABLES names methods, comma between, or is 'all'; takes minutes");
        foreach (Method method in Methods.All.Where(m => !m.Needs.HasFlag(Needs.Batch) && (wanted == "all" || wanted!.Split(',').Contains(m.Name))))
        {
            try
            {
                Console.WriteLine(Look(method.Name));
            }
            catch (Exception e) when (e is NotSupportedException or ArgumentException)
            {
                Console.WriteLine($"{method.Name}: {e.Message}");
            }
        }
    }

    private static Found Look(string name)
    {
        Assert.SkipUnless(File.Exists(Path.Combine(Root, "nets", "squeezenet1_1.onnx")), "needs VITRINE_DATA with nets/squeezenet1_1.onnx and photos/both.png");
        (OnnxModule net, Tensor input) = Opened.Value;
        IAttribution method = Methods.All.Single(m => m.Name == name).Create(new MethodOptions());
        bool[] dog = Mask(DogBoxes), cat = Mask(CatBoxes);
        float[] why = Map(method.Explain(net, input, Target.Class(BullMastiff))), other = Map(method.Explain(net, input, Target.Class(TigerCat)));
        return new Found(name, Localisation.PointingGame(why, dog), Localisation.PointingGame(other, cat), Share(why, dog), Share(other, cat), Share(why, cat),
            Share(other, dog));

        static double Share(float[] map, bool[] inside) => map.Any(v => v > 0) ? Localisation.MassAccuracy(map, inside) : 0;
    }

    // What speaks for the class, [1, C, H, W] to H W values that are not negative.
    private static float[] Map(Attribution found)
    {
        Tensor map = found.Values.Sum([1], keepDims: true).Relu();
        int side = map.Shape[3];
        float[] blurred = Blurred(map.ToArray(), map.Shape[2], side, side / 50.0);
        return blurred;
    }

    private static float[] Blurred(float[] values, int height, int width, double deviation)
    {
        int reach = (int)Math.Ceiling(3 * deviation);
        double[] weights = [.. Enumerable.Range(-reach, (2 * reach) + 1).Select(d => Math.Exp(-d * d / (2 * deviation * deviation)))];
        return Along(Along(values, 1), width);

        float[] Along(float[] from, int step)
        {
            float[] to = new float[from.Length];
            int extent = step == 1 ? width : height;
            for (int i = 0; i < from.Length; i++)
            {
                int place = i / step % extent;
                double sum = 0;
                for (int d = -reach; d <= reach; d++)
                {
                    if ((uint)(place + d) < (uint)extent) sum += weights[d + reach] * from[i + (d * step)];
                }
                to[i] = (float)(sum / weights.Sum());
            }
            return to;
        }
    }

    private static bool[] Mask((int Left, int Top, int Right, int Bottom)[] boxes)
    {
        const int side = 227;
        bool[] mask = new bool[side * side];
        foreach ((int left, int top, int right, int bottom) in boxes)
            for (int y = top; y < bottom; y++)
                for (int x = left; x < right; x++) mask[(y * side) + x] = true;
        return mask;
    }

    /// <summary>What a method says.</summary>
    /// <param name="Method">Its name.</param>
    /// <param name="DogPoint">Asked about the dog, whether it points at the dog.</param>
    /// <param name="CatPoint">Asked about the cat, whether it points at the cat.</param>
    /// <param name="DogMass">Asked about the dog, its share on the dog.</param>
    /// <param name="CatMass">Asked about the cat, its share on the cat.</param>
    /// <param name="CatForDog">Asked about the dog, its share on the cat.</param>
    /// <param name="DogForCat">Asked about the cat, its share on the dog.</param>
    private sealed record Found(string Method, bool DogPoint, bool CatPoint, double DogMass, double CatMass, double CatForDog, double DogForCat)
    {
        public override string ToString() => string.Create(CultureInfo.InvariantCulture,
            $"| {Method} | {(DogPoint ? "dog" : "elsewhere")} | {(CatPoint ? "cat" : "elsewhere")} | {DogMass:0.00} / {CatForDog:0.00} | {CatMass:0.00} / {DogForCat:0.00} |");
    }
}
