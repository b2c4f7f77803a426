using Vitrine.Models;

namespace Vitrine.Insight.Tests;

/// <summary>Class activation maps and full gradients against their formulas.</summary>
public sealed class ClassActivationTests
{
    private static readonly LeNet5 Net = LeNetGoldenTests.Net();
    private static readonly Tensor Input = LeNetGoldenTests.Input;

    [Fact]
    public void MapsFollowTheirFormulas()
    {
        (float[] a, float[] g) = MapsAndGradients();
        Tensor plus = new GradCamPlusPlus("relu2", relu: false).Explain(Net, Input, Target.Class(1), "relu2").Values;
        Tensor layer = new LayerCam("relu2").Explain(Net, Input, Target.Class(1), "relu2").Values;
        Tensor plain = new GradCam(relu: true).Explain(Net, Input, Target.Class(1), "relu2").Values;
        const int channels = 16, places = 100;
        for (int n = 0; n < 2; n++)
        {
            double[] gradCam = new double[places], gradCamPlus = new double[places], layerCam = new double[places];
            for (int c = 0; c < channels; c++)
            {
                int at = (n * channels + c) * places;
                double sum = a.Skip(at).Take(places).Sum(v => (double)v), mean = g.Skip(at).Take(places).Average(v => (double)v);
                double weight = Enumerable.Range(at, places).Where(i => g[i] != 0)
                    .Sum(i => g[i] * g[i] / (2.0 * g[i] * g[i] + sum * g[i] * g[i] * g[i]) * Math.Max(0, g[i]));
                for (int p = 0; p < places; p++)
                {
                    gradCam[p] += mean * a[at + p];
                    gradCamPlus[p] += weight * a[at + p];
                    layerCam[p] += Math.Max(0, g[at + p]) * a[at + p];
                }
            }
            for (int p = 0; p < places; p++)
            {
                Assert.Equal(Math.Max(0, gradCam[p]), plain.Floats[n * places + p], 1e-6);
                Assert.Equal(gradCamPlus[p], plus.Floats[n * places + p], 1e-4 * (1 + Math.Abs(gradCamPlus[p])));
                Assert.Equal(layerCam[p], layer.Floats[n * places + p], 1e-6);
            }
        }
    }

    [Fact]
    public void EigenCamFindsTheOneComponentThereIs()
    {
        // Maps that are multiples of one: the component is that one times the length of the multiples.
        Tensor shape = new RandomSource(1).Uniform([2, 1, 5, 6]), factors = Tensor.From([2f, 0, -1, 2], [1, 4, 1, 1]);
        Weights weights = Weights.Random(0);
        var net = new Sequential(weights, new Function(weights.In("maps"), x => x * factors), new Function(weights.In("sum"), x => x.Sum([2, 3])));
        Tensor map = new EigenCam("maps").Explain(net, shape, Target.Class(0), "maps").Values;
        PathMethodTests.Close(shape * 3, map, 1e-5f);
    }

    [Fact]
    public void ScoreCamWeighsByTheGainOfMaskedPictures()
    {
        Tensor found = new ScoreCam("relu2", Interpolation.Nearest).Explain(Net, Input, Target.Class(1), "relu2").Values;
        var run = new Run(fused: false).Tap("relu2");
        Net.Call(run, Input);
        float black = Net.Predict(Tensor.Zeros([1, 1, 28, 28]))[0, 1];
        for (int n = 0; n < 2; n++)
        {
            Tensor maps = run.Taps["relu2"].Slice(0, n, n + 1);
            double[] gains = new double[16];
            for (int c = 0; c < 16; c++)
            {
                Tensor map = maps.Slice(1, c, c + 1);
                float low = map.Min([]).Item(), high = map.Max([]).Item();
                Tensor mask = high > low ? (map - low) / (high - low) : map - low;
                gains[c] = Net.Predict(Input.Slice(0, n, n + 1) * mask.Interpolate([28, 28]))[0, 1] - black;
            }
            double total = gains.Sum(Math.Exp);
            Tensor weights = Tensor.From([.. gains.Select(s => (float)(Math.Exp(s) / total))], [1, 16, 1, 1]);
            PathMethodTests.Close((weights * maps).Sum([1], keepDims: true).Relu(), found.Slice(0, n, n + 1), 1e-4f);
        }
    }

    [Fact]
    public void MapsAreEnlargedToThePicture()
    {
        Tensor small = new GradCam("pool2").Explain(Net, Input, Target.Class(1), "pool2").Values;
        Tensor large = new GradCam("pool2").Explain(Net, Input, Target.Class(1)).Values;
        Assert.Equal([2, 1, 5, 5], small.Shape.Dims.ToArray());
        PathMethodTests.Close(small.Interpolate([28, 28], Interpolation.Linear), large, 0);
        Assert.Equal(large.ToArray(), new GradCam().Explain(Net, Input, Target.Class(1)).Values.ToArray()); // pool2 is the last layer with height and width
    }

    [Fact]
    public void LayersWithoutMapsAreRefused()
    {
        Assert.Contains("fc1", Refusal("fc1", null), StringComparison.Ordinal);
        Assert.Contains("conv9", Refusal("conv9", null), StringComparison.Ordinal);
        Assert.Contains("conv1", Refusal("conv2", "conv1"), StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new GradCam().Explain(new Mlp(Weights.Random(1), 4, 3), Tensor.Ones([1, 4]), Target.Top));

        static string Refusal(string layer, string? wrt) =>
            Assert.Throws<ArgumentException>(() => new GradCam(layer).Explain(Net, Input, Target.Top, wrt)).Message;
    }

    [Fact]
    public void FullGradientsSumToTheScore()
    {
        Check(Net, Input);
        ResNet residual = ResNet.ResNet20(Weights.Random(2));
        residual.Load(residual.State().ToDictionary(s => s.Key, s => Shaken(s.Key, s.Value), StringComparer.Ordinal));
        Check(residual, new RandomSource(5).Normal([2, 3, 32, 32]));

        static void Check(Module net, Tensor input)
        {
            (Tensor values, IReadOnlyList<BiasGradient> biases) = FullGrad.Decompose(net, input, Target.Class(2));
            Tensor output = net.Predict(input);
            for (int i = 0; i < input.Shape[0]; i++)
            {
                double sum = values.Slice(0, i, i + 1).Sum().Item() + biases.Sum(b => (double)b.Values.Slice(0, i, i + 1).Sum().Item());
                Assert.Equal(output[i, 2], sum, 1e-4 * (1 + Math.Abs(output[i, 2])));
            }
            Assert.NotEmpty(biases);
        }

        // Fresh batch normalisation has neither mean nor bias: give it both.
        static Tensor Shaken(string name, Tensor value) =>
            name.EndsWith("running_mean", StringComparison.Ordinal) || name.EndsWith("bias", StringComparison.Ordinal)
                ? new RandomSource(9).Normal(value.Shape) * 0.3f
                : value;
    }

    private static (float[] Maps, float[] Gradients) MapsAndGradients()
    {
        Attribution found = new Gradient().Explain(Net, Input, Target.Class(1), "relu2");
        return (found.Of.ToArray(), found.Values.ToArray());
    }
}
