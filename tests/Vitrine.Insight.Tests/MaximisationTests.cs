using Vitrine.Models;
using Parallel = Vitrine.Cpu.Parallel;

namespace Vitrine.Insight.Tests;

[Collection(Alone.Name)]
public sealed class MaximisationTests
{
    private static readonly string[] Layers = ["conv1", "relu2", "fc3"];

    [Fact]
    public void UnderAChargeForItsLengthALinearUnitIsMaximisedByItsWeights()
    {
        // w x - a |x|^2 is largest at x = w / (2 a).
        const float charge = 0.25f;
        Tensor weight = new RandomSource(5).Normal([1, 12]);
        Module unit = new Function(Weights.Random(1), x => x.Linear(weight));
        Maximised found = new ActivationMaximisation(new AscentOptions { Rule = AscentRule.Plain, Rate = 0.5, Steps = 200, Penalties = [Penalties.L2(charge)] })
            .Run(unit, Objective.Logit(0), Parameterisation.Elements([12]));
        Near(weight * (1 / (2 * charge)), found.Inputs, 1e-5f);
        Assert.Equal(weight.Square().Sum().Item() / (2 * charge), found.Score.Item(), 1e-3f);
    }

    [Fact]
    public void OneFrequencyIsACosine()
    {
        foreach ((int height, int width) in new[] { (7, 7), (8, 6), (5, 10) })
        {
            var basis = new FourierBasis(height, width, null);
            for (int row = 0; row < basis.Vertical.Length; row++)
            {
                for (int column = 0; column < basis.Horizontal.Length; column++)
                {
                    Assert.All(new[] { 0, 1 }, part =>
                    {
                        (int ky, int kx) = (basis.Vertical[row], basis.Horizontal[column]);
                        float[] spectrum = new float[2 * basis.Vertical.Length * basis.Horizontal.Length];
                        spectrum[(part * basis.Vertical.Length + row) * basis.Horizontal.Length + column] = 1;
                        Tensor picture = basis.Picture(Tensor.From(spectrum, [1, 1, 2 * basis.Vertical.Length, basis.Horizontal.Length]));
                        double twice = kx == 0 || 2 * kx == width ? 1 : 2;
                        for (int y = 0; y < height; y++)
                        {
                            for (int x = 0; x < width; x++)
                            {
                                double angle = 2 * Math.PI * ((double)ky * y / height + (double)kx * x / width);
                                double wanted = twice * (part == 0 ? Math.Cos(angle) : -Math.Sin(angle)); // Re (i e^ia) = -sin a
                                Assert.Equal(wanted, picture[0, 0, y, x], 1e-5);
                            }
                        }
                    });
                }
            }
        }
    }

    [Fact]
    public void APictureIsItsSpectrumOverTheFrequency()
    {
        // The double sum of the definition, with the scale written out.
        const int height = 6, width = 9;
        Parameterisation fourier = Parameterisation.Fourier(2, height, width);
        var basis = new FourierBasis(height, width, null);
        Tensor spectrum = new RandomSource(3).Normal([1, .. fourier.Parameters.Dims]);
        Tensor picture = fourier.Make(spectrum);
        Assert.Equal([1, 2, height, width], picture.Shape.Dims.ToArray());
        for (int c = 0; c < 2; c++)
        {
            for (int at = 0; at < height * width; at++)
            {
                double sum = 0;
                for (int j = 0; j < basis.Vertical.Length; j++)
                {
                    for (int i = 0; i < basis.Horizontal.Length; i++)
                    {
                        double fy = (double)basis.Vertical[j] / height, fx = (double)basis.Horizontal[i] / width,
                            angle = 2 * Math.PI * (fy * (at / width) + fx * (at % width));
                        double scale = Math.Sqrt(height * width) / 4 / Math.Max(Math.Sqrt(fy * fy + fx * fx), 1.0 / Math.Max(height, width));
                        double real = spectrum[0, c, j, i] * scale, imaginary = spectrum[0, c, basis.Vertical.Length + j, i] * scale;
                        sum += (basis.Horizontal[i] == 0 ? 1 : 2) * (real * Math.Cos(angle) - imaginary * Math.Sin(angle));
                    }
                }
                Assert.Equal(sum / (height * width), picture[0, c, at / width, at % width], 1e-4);
            }
        }
    }

    [Fact]
    public void ABandLeavesOutTheFrequenciesAboveIt()
    {
        Parameterisation narrow = Parameterisation.Fourier(1, 16, 12, band: 2);
        Assert.Equal([1, 10, 3], narrow.Parameters.Dims.ToArray());
        Assert.Equal(Parameterisation.Fourier(1, 16, 12).Parameters, Parameterisation.Fourier(1, 16, 12, band: 8).Parameters);
    }

    public static TheoryData<string> Writings() => ["pixels", "fourier", "fourier, narrow", "decorrelated", "bounded", "from", "bounded from", "between"];

    [Theory]
    [MemberData(nameof(Writings))]
    public void GradientsGoBackThroughEveryWayOfWriting(string writing)
    {
        Parameterisation p = Writing(writing);
        var random = new RandomSource(7);
        Tensor at = random.Normal([2, .. p.Parameters.Dims], 0, 0.3f), direction = random.Normal(at.Shape), weight = random.Normal([2, .. p.Input.Dims]);
        Tensor watched = at.Watch();
        Tensor gradient = Autograd.Backward((p.Make(watched) * weight).Sum(), null, [watched])[0];
        const float step = 1e-2f;
        double difference = ((p.Make(at + direction * step) - p.Make(at - direction * step)) * weight).ToArray().Sum(v => (double)v) / (2 * step);
        double slope = (gradient * direction).ToArray().Sum(v => (double)v);
        Assert.InRange(slope, difference - 2e-3 * (1 + Math.Abs(difference)), difference + 2e-3 * (1 + Math.Abs(difference)));
    }

    [Fact]
    public void StartsAreInputsAsTheyAreGiven()
    {
        Tensor picture = new RandomSource(2).Uniform([1, 3, 6, 6], 0.1f, 0.9f);
        Parameterisation fourier = Parameterisation.Fourier(3, 6, 6).Decorrelated(ColourBasis.ImageNet);
        Tensor nothing = Tensor.Zeros([1, .. fourier.Parameters.Dims]);
        Near(picture, fourier.From(picture).Make(nothing), 1e-6f);
        Near(picture, fourier.BoundedFrom(picture).Make(nothing), 1e-5f);
        Near(picture * 255 - 100, fourier.BoundedFrom(picture).Between(Tensor.Scalar(-100), Tensor.Scalar(155)).Make(nothing), 1e-2f);
        Tensor bounded = fourier.Bounded().Make(new RandomSource(4).Normal([2, .. fourier.Parameters.Dims], 0, 100));
        Assert.InRange(bounded.Min([]).Item(), 0, 1);
        Assert.InRange(bounded.Max([]).Item(), 0, 1);
    }

    [Fact]
    public void ColoursOfABasisHaveTheCovarianceOfTheData()
    {
        // Channels made of known shares of independent noise: their covariance is M M'.
        float[,] shares = { { 2, 0, 0 }, { 1, 1, 0 }, { 1, -1, 0.5f } };
        var random = new RandomSource(8);
        float[] pixels = new float[3 * 40_000];
        for (int p = 0; p < 40_000; p++)
        {
            float[] noise = [random.NextNormal(), random.NextNormal(), random.NextNormal()];
            for (int c = 0; c < 3; c++) pixels[c * 40_000 + p] = shares[c, 0] * noise[0] + shares[c, 1] * noise[1] + shares[c, 2] * noise[2];
        }
        var basis = ColourBasis.Of(Tensor.From(pixels, [1, 3, 200, 200]));
        double[,] found = new double[3, 3], wanted = new double[3, 3];
        for (int a = 0; a < 3; a++)
        {
            for (int b = 0; b < 3; b++)
            {
                for (int k = 0; k < 3; k++)
                {
                    found[a, b] += basis[a, k] * basis[b, k];
                    wanted[a, b] += shares[a, k] * shares[b, k];
                }
            }
        }
        double scale = (found[0, 0] + found[1, 1] + found[2, 2]) / (wanted[0, 0] + wanted[1, 1] + wanted[2, 2]);
        for (int a = 0; a < 3; a++) for (int b = 0; b < 3; b++) Assert.Equal(wanted[a, b] * scale, found[a, b], 0.02);
        ColourBasis turned = basis.InOrder(2, 1, 0);
        for (int c = 0; c < 3; c++) for (int k = 0; k < 3; k++) Assert.Equal(basis[2 - c, k], turned[c, k]);
    }

    [Fact]
    public void TransformationsThatDoNothingLeaveAPictureAsItIs()
    {
        Tensor x = new RandomSource(1).Uniform([2, 3, 9, 7]);
        var random = new RandomSource(2);
        foreach (Transformation same in new[]
        {
            Transformations.Jitter(0), Transformations.Scale(1, 1), Transformations.Rotate(0), Transformations.Pad(0), Transformations.Crop(9, 7),
                Transformations.Fit(9, 7),
            Transformations.Compose([Transformations.Pad(3), Transformations.Fit(9, 7)]), Transformations.Compose([]),
        })
        {
            Near(x, same(x, random), 0);
        }
        // A scale that is all but 1 goes through the sampling, and reads every pixel where it is.
        Near(x, Transformations.Scale(1.0000001, 1.0000001)(x, random), 1e-4f);
    }

    [Fact]
    public void ARightAngleTurnsASquare()
    {
        Tensor x = new RandomSource(1).Uniform([1, 1, 5, 5]);
        // Of draws that turn by up to 90 degrees to either side, one that turns by all of it: the picture is read along its columns.
        Tensor turned = x.GridSample(Tensor.From([0f, -1, 0, 1, 0, 0], [1, 2, 3]).AffineGrid(5, 5), new GridSampling(GridMode.Bilinear, GridPadding.Border));
        for (int i = 0; i < 25; i++) Assert.Equal(x[0, 0, i % 5, 4 - i / 5], turned[0, 0, i / 5, i % 5], 1e-5f);
        // And any draw keeps the middle where it is and what is of one colour.
        for (ulong seed = 0; seed < 5; seed++)
        {
            Tensor any = Transformations.ScaleAndRotate(0.7, 1.3, 60)(x, new RandomSource(seed));
            Assert.Equal(x[0, 0, 2, 2], any[0, 0, 2, 2], 1e-5f);
            Near(Tensor.Full([1, 1, 4, 6], 0.3f), Transformations.ScaleAndRotate(0.7, 1.3, 60)(Tensor.Full([1, 1, 4, 6], 0.3f), new RandomSource(seed)), 1e-5f);
        }
    }

    [Fact]
    public void JitterAndCropsArePartsOfThePicture()
    {
        Tensor x = Tensor.From([.. Enumerable.Range(0, 48).Select(i => (float)i)], [1, 1, 6, 8]);
        foreach (Transformation part in new[] { Transformations.Jitter(3), Transformations.Crop(3, 5) })
        {
            var corners = new HashSet<float>();
            for (ulong seed = 0; seed < 40; seed++)
            {
                Tensor found = part(x, new RandomSource(seed));
                Assert.Equal([1, 1, 3, 5], found.Shape.Dims.ToArray());
                float corner = found[0, 0, 0, 0];
                corners.Add(corner);
                for (int i = 0; i < 15; i++) Assert.Equal(corner + i / 5 * 8 + i % 5, found[0, 0, i / 5, i % 5]);
            }
            Assert.True(corners.Count > 8, $"{corners.Count} places of 16 in 40 draws");
        }
    }

    [Fact]
    public void ObjectivesAddUpSubtractAndAreWeighted()
    {
        LeNet5 net = new(Weights.Random(1));
        Tensor x = new RandomSource(2).Uniform([3, 1, 28, 28]), maps = Layer(net, "relu2", x), logits = net.Predict(x);
        Objective a = Objective.Channel("relu2", 3), b = Objective.Logit(4);
        float[] found = (a + 2f * b - Objective.Channel("relu2", 5, UnitValue.Max)).Measure(net, x).ToArray();
        for (int i = 0; i < 3; i++)
        {
            double mean = 0, most = double.NegativeInfinity;
            for (int p = 0; p < 100; p++)
            {
                mean += maps[i, 3, p / 10, p % 10] / 100.0;
                most = Math.Max(most, maps[i, 5, p / 10, p % 10]);
            }
            Assert.Equal(mean + 2 * logits[i, 4] - most, found[i], 1e-5);
        }
        Assert.Equal([.. Enumerable.Range(0, 3).Select(i => maps[i, i, 5, 5])],
            Objective.Channels("relu2", [0, 1, 2], UnitValue.Middle).Measure(net, x).ToArray());
        Assert.Equal([.. Enumerable.Range(0, 3).Select(i => maps[i, 2, 4, 6])], Objective.Neuron("relu2", 2, 4, 6).Measure(net, x).ToArray());
        Near(Objective.Logit(4).Measure(net, x), Objective.Channels("", [4]).Measure(net, x), 0);
        Near(maps.Square().Flatten().Mean([1]), Objective.Layer("relu2").Measure(net, x), 0);
        Near(Objective.Channel("relu2", 3).Measure(net, x),
            Objective.Direction("relu2", [.. Enumerable.Range(0, 16).Select(c => c == 3 ? 7f : 0)]).Measure(net, x), 1e-6f);
    }

    [Fact]
    public void DiversityIsOneMinusTheLikenessOfGramMatrices()
    {
        LeNet5 net = new(Weights.Random(1));
        Tensor x = new RandomSource(2).Uniform([3, 1, 28, 28]), maps = Layer(net, "relu2", x);
        float[] found = Objective.Diversity("relu2").Measure(net, x).ToArray();
        double[][] grams = [.. Enumerable.Range(0, 3).Select(i =>
        {
            double[] gram = new double[256];
            for (int a = 0; a < 16; a++) for (int b = 0; b < 16; b++) for (int p = 0; p < 100; p++) gram[16 * a + b] += maps[i, a, p / 10, p % 10] * maps[i, b,
                p / 10, p % 10];
            double length = Math.Sqrt(gram.Sum(g => g * g));
            return gram.Select(g => g / length).ToArray();
        })];
        for (int i = 0; i < 3; i++)
        {
            double alike = Enumerable.Range(0, 3).Where(j => j != i).Average(j => grams[i].Zip(grams[j], (p, q) => p * q).Sum());
            Assert.Equal(-alike, found[i], 1e-4);
        }
        Near(Tensor.From(-1f, -1f), Objective.Diversity("relu2").Measure(net, x.Slice(0, 0, 1).Expand([2, 1, 28, 28])), 1e-5f);
    }

    [Fact]
    public void ACaricatureIsTheProductTimesTheCosine()
    {
        LeNet5 net = new(Weights.Random(1));
        Tensor x = new RandomSource(2).Uniform([2, 1, 28, 28]);
        double[][] rows = [.. Layer(net, "relu2", x).ToArray().Chunk(1600).Select(r => r.Select(v => (double)v).ToArray())];
        double dot = rows[0].Zip(rows[1], (p, q) => p * q).Sum(), one = Math.Sqrt(rows[0].Sum(v => v * v)), two = Math.Sqrt(rows[1].Sum(v => v * v));
        Tensor reference = Layer(net, "relu2", x.Slice(0, 0, 1));
        Assert.Equal(dot / one * Math.Pow(dot / one / two, 2), Objective.Caricature("relu2", reference).Measure(net, x)[1], 1e-3);
        Assert.Equal(dot / one, Objective.Caricature("relu2", reference, power: 0).Measure(net, x)[1], 1e-3);
    }

    [Fact]
    public void PenaltiesAreTheirFormulas()
    {
        Tensor x = new RandomSource(2).Normal([2, 1, 4, 5]);
        double squares = 0, variation = 0;
        for (int i = 0; i < 20; i++) squares += x[1, 0, i / 5, i % 5] * x[1, 0, i / 5, i % 5];
        for (int y = 0; y < 3; y++)
        {
            for (int c = 0; c < 4; c++)
            {
                double down = x[1, 0, y + 1, c] - x[1, 0, y, c], right = x[1, 0, y, c + 1] - x[1, 0, y, c];
                variation += Math.Sqrt(down * down + right * right + 1e-8) / 12;
            }
        }
        Assert.Equal(3 * squares, Penalties.L2(3)(x)[1], 1e-4);
        Assert.Equal(2 * variation, Penalties.TotalVariation(2)(x)[1], 1e-5);
    }

    [Fact]
    public void SmallPixelsAndSmallContributionsAreCropped()
    {
        Tensor pixels = Tensor.From([1f, -2, 3, -4, 0.5f, 0.1f, -0.2f, 0.3f], [1, 2, 2, 2]), gradient = Tensor.From([0f, 1, 1, 1, 0, 1, 1, -9], [1, 2, 2, 2]);
        // Norms by pixel: 1.12, 2.00, 3.01, 4.01; contributions: 0, 1.9, 2.8, 6.7.
        Assert.Equal([0, 0, 3, -4, 0, 0, -0.2f, 0.3f], Constraints.CropSmall(0.5)(pixels, gradient, 1).ToArray());
        Assert.Equal([0, -2, 3, -4, 0, 0.1f, -0.2f, 0.3f], Constraints.CropContribution(0.25)(pixels, gradient, 1).ToArray());
        Near(pixels, Constraints.CropSmall(0.5, every: 2)(pixels, gradient, 1), 0);
        Near(pixels * 0.75f, Constraints.Decay(0.25f)(pixels, gradient, 1), 1e-6f);
        Near(pixels, Constraints.Blur(1, every: 4)(pixels, gradient, 3), 0);
        Near(Blur.Gaussian(pixels, 1), Constraints.Blur(1, every: 4)(pixels, gradient, 4), 0);
    }

    [Fact]
    public void NothingAfterTheLayerIsComputed()
    {
        Weights weights = Weights.Random(1);
        Module net = new Sequential(weights, new Function(weights.In("a"), x => x * 2), new Function(weights.In("b"), _ =>
            throw new InvalidOperationException("too far")));
        Assert.Equal([2f, 4f], Objective.Of("sum", "a", a => a.Flatten().Sum([1])).Measure(net, Tensor.From([1f, 2f], [2, 1])).ToArray());
    }

    [Fact]
    public void UnitsAreRaisedAndTheNetworkIsAsItWas()
    {
        LeNet5 net = new(Weights.Random(1));
        float[] before = [.. net.State().Values.SelectMany(t => t.ToArray())];
        Maximised found = Usual(40).Run(net, Objective.Channels("relu2", [0, 5, 9]), Small(), 3);
        Assert.Equal(before, net.State().Values.SelectMany(t => t.ToArray()).ToArray());
        Assert.Equal(40, found.History.Count);
        Assert.All(found.Score.ToArray().Zip(found.Start.ToArray()), p => Assert.True(p.First > 1.5f * p.Second, $"{p.Second} -> {p.First}"));
        Near(Objective.Channels("relu2", [0, 5, 9]).Measure(net, found.Inputs), found.Score, 0);
    }

    [Fact]
    public void AUnitThatIsOffIsTurnedOn()
    {
        // max(w x - 5, 0) from about zero has no gradient at all.
        Weights weights = Weights.Random(1);
        Module net = new Sequential(weights, new Function(weights.In("far"), x => x.Sum([1], keepDims: true) - 5), Vitrine.Layer.Relu(weights.In("relu")));
        var options = new AscentOptions { Steps = 40, Rate = 0.1 };
        Assert.Equal(0, new ActivationMaximisation(options with { Redirected = 0 }).Run(net, Objective.Logit(0), Parameterisation.Elements([4])).Score.Item());
        Assert.True(new ActivationMaximisation(options).Run(net, Objective.Logit(0), Parameterisation.Elements([4])).Score.Item() > 0);
    }

    [Fact]
    public void OnlyTheLastReluLetsThroughWhatTurnsItOn()
    {
        // Ten ReLUs deep, the last of them on: those below it are left alone, whatever they block.
        Weights weights = Weights.Random(3);
        var net = new Sequential(weights, [.. Enumerable.Range(0, 10).SelectMany(i => (Module[])
            [
                new Linear(weights.In($"fc{i}"), 24, 24), new Function(weights.In($"up{i}"), x => i == 9 ? x + 50 : x), Vitrine.Layer.Relu(weights.In($"relu{i}")),
            ])]);
        Objective direction = Objective.Direction("relu9", [.. Enumerable.Range(0, 24).Select(i => MathF.Cos(i))]);
        var options = new AscentOptions { Steps = 30, Rate = 0.1 };
        Maximised helped = new ActivationMaximisation(options).Run(net, direction, Parameterisation.Elements([24])),
            own = new ActivationMaximisation(options with { Redirected = 0 }).Run(net, direction, Parameterisation.Elements([24]));
        Assert.True(own.Score.Item() > own.Start.Item());
        Assert.Equal(own.Inputs.ToArray(), helped.Inputs.ToArray());
    }

    [Fact]
    public void ABatchEqualsItsSingles()
    {
        LeNet5 net = new(Weights.Random(1));
        Tensor together = Usual(6).Run(net, Objective.Channels("relu2", [2, 7]), Small(), 2).Inputs;
        Near(together.Slice(0, 1, 2), Usual(6).Run(net, Objective.Channels("relu2", [7]), Small()).Inputs, 1e-4f);
    }

    [Fact]
    public void TheSameSeedGivesTheSameBytesWhateverTheThreads()
    {
        LeNet5 net = new(Weights.Random(1));
        int before = Parallel.Threads;
        try
        {
            float[][] answers = [.. new[] { 1, 2 }.Select(threads =>
            {
                Parallel.Threads = threads;
                return Usual(6).Run(net, Objective.Channels("relu2", [2, 7]), Small(), 2).Inputs.ToArray();
            })];
            Assert.Equal(answers[0], answers[1]);
            Assert.NotEqual(answers[0], Usual(6, seed: 2).Run(net, Objective.Channels("relu2", [2, 7]), Small(), 2).Inputs.ToArray());
        }
        finally
        {
            Parallel.Threads = before;
        }
    }

    [Fact]
    public void ExamplesThatShallDifferStartApart()
    {
        LeNet5 net = new(Weights.Random(1));
        Tensor found = Usual(8).Run(net, Objective.Channel("relu2", 2) + 0.1f * Objective.Diversity("relu2"), Small(), 2).Inputs;
        Assert.True((found.Slice(0, 0, 1) - found.Slice(0, 1, 2)).Abs().Max([]).Item() > 1e-2f);
    }

    [Fact]
    public void TheBestExampleIsTheBestOfAll()
    {
        LeNet5 net = new(Weights.Random(1));
        Tensor x = new RandomSource(6).Uniform([10, 1, 28, 28]);
        foreach (UnitValue value in Enum.GetValues<UnitValue>())
        {
            var best = BestExamples.Of(net, "relu2", [x.Slice(0, 0, 4), x.Slice(0, 4, 8), x.Slice(0, 8, 10)], value);
            for (int unit = 0; unit < 16; unit++)
            {
                float[] all = Objective.Channel("relu2", unit, value).Measure(net, x).ToArray();
                Assert.Equal(all.Max(), best.Values[unit], 1e-5f);
                Assert.Equal(Array.IndexOf(all, all.Max()), best.Examples[unit]);
            }
        }
    }

    [Fact]
    public void ADreamRaisesItsLayerInsideTheRange()
    {
        LeNet5 net = new(Weights.Random(1));
        Tensor picture = new RandomSource(9).Uniform([1, 1, 28, 28], 0.3f, 0.7f), low = Tensor.Zeros([1, 1, 1, 1]), high = Tensor.Ones([1, 1, 1, 1]);
        Objective layer = Objective.Layer("relu2");
        Tensor one = new DeepDream(octaves: 1, steps: 10).Run(net, layer, picture, low, high);
        Assert.Equal(picture.Shape, one.Shape);
        Assert.True(layer.Measure(net, one).Item() > 1.2f * layer.Measure(net, picture).Item());
        Tensor large = new DeepDream(octaves: 3, scale: 1.5, steps: 2).Run(net, layer, picture, low, high);
        Assert.Equal([1, 1, 63, 63], large.Shape.Dims.ToArray());
        Assert.InRange(large.Min([]).Item(), 0, 1);
        Assert.InRange(large.Max([]).Item(), 0, 1);
        Assert.Equal(large.ToArray(), new DeepDream(octaves: 3, scale: 1.5, steps: 2).Run(net, layer, picture, low, high).ToArray());
    }

    [Fact]
    public void ItEndsWhenItIsAskedTo()
    {
        LeNet5 net = new(Weights.Random(1));
        using var source = new CancellationTokenSource();
        int steps = 0;
        Assert.Throws<OperationCanceledException>(() => Usual(1000).Run(net, Objective.Channel("relu2", 1), Small(), 1, new Heard(_ =>
        {
            if (++steps == 3) source.Cancel();
        }), source.Token));
        Assert.Equal(3, steps);
        Assert.Throws<OperationCanceledException>(() =>
            new DeepDream().Run(net, Objective.Layer("relu2"), Tensor.Zeros([1, 1, 28, 28]), Tensor.Scalar(0), Tensor.Scalar(1), null,
            source.Token));
        Assert.Throws<OperationCanceledException>(() => BestExamples.Of(net, "relu2", [Tensor.Zeros([1, 1, 28, 28])], cancel: source.Token));
    }

    [Fact]
    public void ErrorsSayWhatIsWrong()
    {
        LeNet5 net = new(Weights.Random(1));
        Says("conv2", () => Usual(1).Run(net, Objective.Channel("conv9", 0), Small()));
        Says("There is no unit 16: relu2 has 16", () => Usual(1).Run(net, Objective.Channel("relu2", 16), Small()));
        Says("2 units for 3 examples", () => Usual(1).Run(net, Objective.Channels("relu2", [1, 2]), Small(), 3));
        Says("There is no class 10", () => Usual(1).Run(net, Objective.Logit(10), Small()));
        Says("two or more", () => Usual(1).Run(net, Objective.Diversity("relu2"), Small()));
        Says("16 units", () => Usual(1).Run(net, Objective.Direction("relu2", [1, 2]), Small()));
        Says("length 0", () => Objective.Direction("relu2", [0, 0]));
        Says("pixels", () => new ActivationMaximisation(new AscentOptions { Constraints = [Constraints.Blur(1)] }).Run(net, Objective.Logit(0), Small()));
        Says("3 colours", () => Small().Decorrelated(ColourBasis.ImageNet));
        Says("cannot start from", () => Small().From(Tensor.Zeros([1, 1, 20, 28])));
        Says("cannot be moved", () => Transformations.Jitter(28)(Tensor.Zeros([1, 1, 28, 28]), new RandomSource(1)));
        Says("no examples", () => BestExamples.Of(net, "relu2", []));
        Says("one colour", () => ColourBasis.Of(Tensor.Ones([1, 3, 4, 4])));
        Says("no order", () => ColourBasis.ImageNet.InOrder(0, 1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ActivationMaximisation(new AscentOptions { Steps = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ActivationMaximisation(new AscentOptions { Rate = 0 }));
        Assert.Throws<ArithmeticException>(() => new ActivationMaximisation(new AscentOptions { Rule = AscentRule.Plain, Rate = 1e45, Steps = 20 })
            .Run(net, Objective.Logit(0), Parameterisation.Pixels(1, 28, 28)));
    }

    [Fact]
    public void LayersAreFoundByName()
    {
        LeNet5 net = new(Weights.Random(1));
        Tensor x = new RandomSource(2).Uniform([2, 1, 28, 28]);
        IReadOnlyDictionary<string, Tensor> found = PartialPass.Of(net, x, [.. Layers, PartialPass.Output], recording: false);
        foreach (string layer in Layers) Near(Layer(net, layer, x), found[layer], 0);
        Near(net.Predict(x), found[PartialPass.Output], 1e-5f);
    }

    private static Parameterisation Small() => Parameterisation.Fourier(1, 28, 28).Bounded();

    private static ActivationMaximisation Usual(int steps, ulong seed = 1) =>
        new(new AscentOptions { Steps = steps, Seed = seed, Transformations = Transformations.Robust(28, 28, 2) });

    private static Parameterisation Writing(string name)
    {
        Parameterisation fourier = Parameterisation.Fourier(3, 6, 5);
        Tensor picture = new RandomSource(1).Uniform([1, 3, 6, 5], 0.1f, 0.9f);
        return name switch
        {
            "pixels" => Parameterisation.Pixels(3, 6, 5),
            "fourier" => fourier,
            "fourier, narrow" => Parameterisation.Fourier(3, 6, 5, band: 1),
            "decorrelated" => fourier.Decorrelated(ColourBasis.ImageNet),
            "bounded" => fourier.Decorrelated(ColourBasis.ImageNet).Bounded(),
            "from" => fourier.From(picture),
            "bounded from" => fourier.BoundedFrom(picture),
            _ => Parameterisation.Pixels(3, 6, 5).Bounded().Between(Tensor.From([0f, -1, -2], [1, 3, 1, 1]), Tensor.From([1f, 2, 3], [1, 3, 1, 1])),
        };
    }

    private static Tensor Layer(Module net, string layer, Tensor x)
    {
        Run run = new Run(fused: false).Tap(layer);
        net.Call(run, x);
        return run.Taps[layer];
    }

    private static void Near(Tensor wanted, Tensor found, float tolerance)
    {
        Assert.Equal(wanted.Shape, found.Shape);
        Assert.True((wanted - found).Abs().Max([]).Item() <= tolerance, $"{wanted}\n{found}");
    }

    private static void Says(string words, Action act) => Assert.Contains(words, Assert.ThrowsAny<ArgumentException>(act).Message, StringComparison.Ordinal);

    private sealed class Heard(Action<double> hear) : IProgress<double>
    {
        public void Report(double value) => hear(value);
    }
}
