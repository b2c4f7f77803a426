namespace Vitrine.Insight;

/// <summary>What LIME fitted around one example.</summary>
/// <param name="Labels">The feature of each element of the example.</param>
/// <param name="Weights">What the presence of each feature adds to the answer, in the local model.</param>
/// <param name="Intercept">The local model's answer when every feature is absent.</param>
/// <param name="R2">How much of the answers' weighted variance the local model explains, at most 1. Where it is low, its weights say little.</param>
public sealed record LocalModel(IReadOnlyList<int> Labels, IReadOnlyList<double> Weights, double Intercept, double R2);

/// <summary>
/// LIME for pictures and texts (Ribeiro, Singh, Guestrin 2016, "Why should I trust you?"): a linear model of which features are present, fitted to the
/// network's answers in the neighbourhood of the example. Every element of a feature gets the feature's weight; <see cref="Fit"/> gives the local models
/// themselves.
/// </summary>
/// <remarks>
/// For a text of tokens take <see cref="Features.EqualValues"/> (or <see cref="Features.Each"/>), a baseline of the padding token, and a kernel width of 25, as
/// the paper's package does.
/// </remarks>
/// <param name="features">What counts as one feature; null for superpixels of a picture and each element of anything else.</param>
/// <param name="baseline">The values of a feature that is absent; null for zeros.</param>
/// <param name="samples">How many coalitions are asked about; the paper's package takes 1000.</param>
/// <param name="kernelWidth">How fast the weight of a coalition falls with its cosine distance from the example.</param>
/// <param name="ridge">How much large weights cost.</param>
/// <param name="seed">Where the random numbers start.</param>
public sealed class Lime(
    Features? features = null, Baseline? baseline = null, int samples = 1000, double kernelWidth = 0.25, double ridge = 1, ulong seed = 0) : IAttribution
{
    private readonly int _samples = samples >= 2
        ? samples
        : throw new ArgumentOutOfRangeException(nameof(samples), samples, "A local model needs at least two samples.");
    private readonly double _width = kernelWidth > 0
        ? kernelWidth
        : throw new ArgumentOutOfRangeException(nameof(kernelWidth), kernelWidth, "The kernel's width is positive.");
    private readonly double _ridge = ridge >= 0 ? ridge : throw new ArgumentOutOfRangeException(nameof(ridge), ridge, "The ridge is not negative.");

    /// <inheritdoc/>
    public string Name => "lime";

    /// <inheritdoc/>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        (Coalitions game, LocalModel[] fitted) = Local(Probes.On(model, input, target, wrt, progress, cancel));
        return game.Paint(Name, [.. fitted.Select(f => f.Weights.ToArray())]) with { LocalFit = [.. fitted.Select(f => f.R2)] };
    }

    /// <summary>The local model of each example.</summary>
    /// <inheritdoc cref="IAttribution.Explain"/>
    public IReadOnlyList<LocalModel> Fit(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default) =>
        Local(Probes.On(model, input, target, wrt, progress, cancel)).Fitted;

    private (Coalitions Game, LocalModel[] Fitted) Local(Probes probes)
    {
        var game = new Coalitions(probes, features ?? Features.Superpixels(), baseline ?? Baseline.Zeros);
        int examples = probes.Examples;
        var designs = Enumerable.Range(0, examples).Select(game.Count).Distinct().ToDictionary(count => count, Design);
        float[] worth = game.Worth(_samples, (round, _, present) => designs[present.Length][round].CopyTo(present));
        var fitted = new LocalModel[examples];
        for (int n = 0; n < examples; n++)
        {
            bool[][] design = designs[game.Count(n)];
            double[] answers = [.. design.Select((_, round) => (double)worth[round * examples + n])];
            double[][] x = [.. design.Select(present => present.Select(p => p ? 1.0 : 0).ToArray())];
            double[] near = [.. design.Select(present => Nearness(Distance(present)))];
            (double[] weights, double intercept, double r2) = Linear(x, answers, near, _ridge);
            fitted[n] = new LocalModel(game.Labels(n), weights, intercept, r2);
        }
        return (game, fitted);

        double Nearness(double distance) => Math.Sqrt(Math.Exp(-distance * distance / (_width * _width)));
    }

    /// <summary>A weighted linear model with an intercept, which the ridge does not touch.</summary>
    internal static (double[] Weights, double Intercept, double R2) Linear(double[][] x, double[] y, double[] weights, double ridge)
    {
        int columns = x[0].Length;
        double total = weights.Sum(), meanY = Mean(y);
        double[] means = new double[columns];
        for (int r = 0; r < x.Length; r++)
        {
            for (int c = 0; c < columns; c++) means[c] += weights[r] * x[r][c] / total;
        }
        double[][] centred = [.. x.Select(row => row.Select((v, c) => v - means[c]).ToArray())];
        double[] found = LeastSquares.Fit(centred, [.. y.Select(v => v - meanY)], weights, ridge);
        double unexplained = 0, variance = 0;
        for (int r = 0; r < x.Length; r++)
        {
            double predicted = meanY;
            for (int c = 0; c < columns; c++) predicted += centred[r][c] * found[c];
            unexplained += weights[r] * (y[r] - predicted) * (y[r] - predicted);
            variance += weights[r] * (y[r] - meanY) * (y[r] - meanY);
        }
        // Answers that never change are explained by the intercept.
        return (found, meanY - found.Select((w, c) => w * means[c]).Sum(), variance > 0 ? 1 - unexplained / variance : 1);

        double Mean(double[] values) => values.Select((v, r) => v * weights[r]).Sum() / total;
    }

    /// <summary>The example itself, then coalitions in which each feature is present by the toss of a coin.</summary>
    private bool[][] Design(int count)
    {
        var random = new RandomSource(seed);
        bool[][] design = new bool[_samples][];
        for (int round = 0; round < _samples; round++)
        {
            design[round] = new bool[count];
            for (int f = 0; f < count; f++) design[round][f] = round == 0 || random.NextFloat() < 0.5f;
        }
        return design;
    }

    /// <summary>The cosine distance from the coalition of all features.</summary>
    private static double Distance(bool[] present) => 1 - Math.Sqrt((double)present.Count(p => p) / present.Length);
}
