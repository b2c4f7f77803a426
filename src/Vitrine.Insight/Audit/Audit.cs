using System.Globalization;

namespace Vitrine.Insight;

/// <summary>How much an audit looks at.</summary>
public enum AuditLevel
{
    /// <summary>What takes a few explanations.</summary>
    Quick,

    /// <summary>Also what takes tens of them: sensitivity, shift, ROAD, and randomisation layer by layer.</summary>
    Full,
}

/// <summary>Which numbers of a check are good.</summary>
public enum Better
{
    /// <summary>None in particular: the number describes.</summary>
    Neither,

    /// <summary>Large ones.</summary>
    Higher,

    /// <summary>Small ones.</summary>
    Lower,
}

/// <summary>A number over several seeds.</summary>
/// <param name="Mean">Its mean.</param>
/// <param name="Low">The smallest.</param>
/// <param name="High">The largest.</param>
public readonly record struct Spread(double Mean, double Low, double High)
{
    /// <inheritdoc/>
    public override string ToString() => High - Low < 0.0005
        ? Mean.ToString("0.000", CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{Mean:0.000} ({Low:0.000} to {High:0.000})");

    internal static Spread Of(IReadOnlyCollection<double> values) => new(values.Average(), values.Min(), values.Max());
}

/// <summary>One number about an explanation, beside the same number for what explains nothing.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Meaning">What it says, in a sentence.</param>
/// <param name="Better">Which numbers are good.</param>
/// <param name="Method">The method's number, the mean over the examples.</param>
/// <param name="RandomMap">That of normal noise.</param>
/// <param name="Edges">That of the edges of the input.</param>
/// <param name="Failed">In words what is wrong with it; null where nothing is.</param>
public sealed record AuditCheck(string Name, string Meaning, Better Better, Spread Method, Spread RandomMap, Spread Edges, string? Failed);

/// <summary>
/// How much of the answer is there as more and more of the input is taken away or put back: 0 is what the baseline has, and the unit how far the whole input's
/// answer is from that.
/// </summary>
/// <param name="Name">The check it belongs to.</param>
/// <param name="Shares">The share of the input that was changed, at each point.</param>
/// <param name="Method">The answers in the method's order, means over the examples.</param>
/// <param name="RandomMap">Those in random orders, the mean over the seeds.</param>
/// <param name="Edges">Those in the order of the edges.</param>
public sealed record AuditCurve(
    string Name, IReadOnlyList<double> Shares, IReadOnlyList<double> Method, IReadOnlyList<double> RandomMap, IReadOnlyList<double> Edges);

/// <summary>
/// Whether the explanations of a method can be trusted for a network and some inputs: metrics of the field, each beside what random numbers and an edge
/// detector get.
/// </summary>
/// <param name="Method">The method's name.</param>
/// <param name="Target">What was explained.</param>
/// <param name="Checks">The numbers.</param>
/// <param name="Cascade">How alike the explanation stays as layers are randomised from the answer down, in a full audit.</param>
/// <param name="Verdict">A sentence that says which checks failed.</param>
public sealed record Audit(string Method, Target Target, IReadOnlyList<AuditCheck> Checks, IReadOnlyList<Likeness>? Cascade, string Verdict)
{
    /// <summary>The curves behind the numbers: deletion and insertion, in a full audit of pictures also ROAD.</summary>
    public IReadOnlyList<AuditCurve> Curves { get; init; } = [];

    /// <summary>
    /// An explanation this alike, by rank correlation, to that of a network without its weights ignores what the network learned: half of what an edge detector
    /// has.
    /// </summary>
    private const double AlikeWithoutWeights = 0.5;

    /// <summary>An explanation this alike to that of another class does not tell classes apart. Related classes share much, so the limit is generous.</summary>
    private const double AlikeForAnotherClass = 0.9;

    /// <summary>More of the answer unaccounted for than this is more than rounding.</summary>
    private const double Incomplete = 0.05;

    private static readonly ulong[] UsualSeeds = [1, 2, 3];

    /// <summary>Audits a method.</summary>
    /// <remarks>
    /// One check replaces the network's weights and puts them back (<see cref="Randomisation"/>): nobody else may use the network meanwhile.
    /// A check that compares is passed when the method does better than the best of the random maps and than the edges.
    /// <para>
    /// With <paramref name="wrt"/> the explanation of a layer is audited: what the checks take away and shift are the layer's values, and the network is that
    /// from the layer on. Of tokens it names their embedding: the checks take away whole tokens, the noise of max-sensitivity is added to the embedding, and
    /// in place of edges stands the length of each token's embedding, for a text has none.
    /// </para>
    /// </remarks>
    /// <param name="model">The network.</param>
    /// <param name="input">[N, ...]; tokens [N, T] as Int64.</param>
    /// <param name="method">The method.</param>
    /// <param name="target">What is asked.</param>
    /// <param name="level">How much is looked at.</param>
    /// <param name="mask">What the answer is about, where that is known: of the input's shape or [N, 1, H, W], non-zero inside.</param>
    /// <param name="seeds">Seeds of the random maps and of what metrics draw; null for three.</param>
    /// <param name="baseline">What stands for no information, of the input, a layer's result or tokens; null for zeros.</param>
    /// <param name="wrt">The layer whose explanation is audited, or the embedding of tokens; null for the input.</param>
    /// <param name="progress">Told the share of the checks that are done.</param>
    /// <param name="cancel">Ends the work between two passes.</param>
    /// <exception cref="ArgumentException">
    /// A mask or an explanation does not fit the input, there is no seed or no such layer, or tokens come without their embedding.
    /// </exception>
    public static Audit Of(
        Module model, Tensor input, IAttribution method, Target target, AuditLevel level = AuditLevel.Quick, Tensor? mask = null,
        IReadOnlyList<ulong>? seeds = null, Baseline? baseline = null, string? wrt = null, IProgress<double>? progress = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(method);
        seeds ??= UsualSeeds;
        if (seeds.Count == 0) throw new ArgumentException("An audit needs at least one seed.", nameof(seeds));
        IAttribution asked = method, control = new EdgeMap();
        IReadOnlyList<Parameter> weights = model.Parameters;
        FromLayer? embedded = null;
        if (input.DType != DType.Float32)
        {
            if (wrt is null) throw new ArgumentException("Of tokens the layer that embeds them has to be named.", nameof(wrt));
            embedded = new FromLayer(model, input, wrt);
            (asked, control) = (new ByToken(method, wrt, !Methods.NeedsGradients(method)), new TokenNorms(wrt));
        }
        else if (wrt is not null)
        {
            var layer = new FromLayer(model, input, wrt);
            asked = new AtLayer(method, model, input, wrt);
            // A layer is compared with what it has at the baseline.
            baseline = Baseline.Of(new FromLayer(model, (baseline ?? Baseline.Zeros).For(input), wrt).Result);
            (model, input, weights) = (layer, layer.Result, layer.Behind());
        }
        var subject = new Subject(model, input.Detach(), target, baseline ?? Baseline.Zeros, weights, embedded, cancel);
        Contender explained = Contender.Of(asked, subject);
        Contender edges = Contender.Of(control, subject);
        Contender[] random = [.. seeds.Select(s => Contender.Of(new RandomMap(s), subject))];
        List<Metric> metrics = Metrics(subject, explained, level, mask is null ? null : Masks(mask, explained.Map));
        var checks = new List<AuditCheck>();
        foreach (Metric metric in metrics)
        {
            Spread own = Over(explained), plain = Over(edges), noise = Spread.Of([.. seeds.Select((s, i) => metric.Value(random[i], s))]);
            checks.Add(new AuditCheck(metric.Name, metric.Meaning, metric.Better, own, noise, plain, metric.Failed(own, noise, plain)));
            progress?.Report((double)checks.Count / metrics.Count);

            Spread Over(Contender contender) => Spread.Of([.. seeds.Take(metric.Seeded ? seeds.Count : 1).Select(s => metric.Value(contender, s))]);
        }
        IReadOnlyList<Likeness>? cascade = level == AuditLevel.Full && weights.Count > 0
            ? Randomisation.Cascade(asked, model, weights, subject.Input, target, seeds[0], onlyAll: false, progress: null, cancel)
            : null;
        return new Audit(method.Name, target, checks, cascade, Judge(checks)) { Curves = subject.Curves(explained, random, edges) };
    }

    private static string Judge(List<AuditCheck> checks)
    {
        int judged = checks.Count(c => c.Better != Better.Neither);
        string[] failed = [.. checks.Where(c => c.Failed is not null).Select(c => $"{c.Name} ({c.Failed})")];
        return failed.Length == 0 ? $"Passes all {judged} checks." : $"Fails {failed.Length} of {judged} checks: {string.Join("; ", failed)}.";
    }

    private static List<Metric> Metrics(Subject subject, Contender explained, AuditLevel level, bool[][]? masks)
    {
        var metrics = new List<Metric>
        {
            new("deletion", "how much of the answer is left, on average, while the most important is removed first", Better.Lower, (c, _) =>
                subject.Share("deletion", c, () => PixelCurves.Deletion(
                    subject.Model, subject.Input, c.Map, subject.Target, 0, subject.Baseline, subject.Cancel))),
            new("insertion", "how much of the answer is there, on average, while the most important comes first", Better.Higher, (c, _) =>
                subject.Share("insertion", c, () => PixelCurves.Insertion(
                    subject.Model, subject.Input, c.Map, subject.Target, 0, subject.Baseline, subject.Cancel))),
            new("infidelity", "how badly sums of values predict what removing parts takes from the answer: 0 perfectly, 1 not at all", Better.Lower,
                (c, seed) => subject.Infidelity(c.Values, seed).Average())
            { Seeded = true },
        };
        if (masks is not null) metrics.AddRange(Located(masks));
        if (subject.CanAskAnother)
        {
            metrics.Add(new("other class", "how alike the explanation of another class is, by rank correlation", Better.Lower, (c, seed) =>
                Randomisation.OtherTarget(c.Method, subject.Model, subject.Input, subject.Target, subject.Another(seed), subject.Cancel).Spearman.Average())
            { Seeded = true, Limit = AlikeForAnotherClass });
        }
        if (subject.Weights.Count > 0)
        {
            metrics.Add(new("random weights", "how alike the explanation is when all weights are random, by rank correlation", Better.Lower, (c, seed) =>
                Randomisation.Cascade(c.Method, subject.Model, subject.Weights, subject.Input, subject.Target, seed, onlyAll: true, progress: null,
                    subject.Cancel)
                    .Single().Spearman.Average())
            { Seeded = true, Limit = AlikeWithoutWeights });
        }
        if (Methods.All.Any(m => m.Name == explained.Method.Name && m.Promises.HasFlag(Promises.Completeness)))
        {
            metrics.Add(new("completeness gap", "the share of the answer that the sum of the values misses", Better.Lower, (c, _) => subject.Gap(c.Values))
            { Limit = Incomplete });
        }
        if (level == AuditLevel.Full)
        {
            if (subject.Input.Rank == 4)
            {
                metrics.Add(new("ROAD", "how much of the answer is left, on average, when the most important pixels are guessed from their surroundings",
                    Better.Lower, (c, seed) =>
                    subject.Share("ROAD", c, () => Road.Curve(subject.Model, subject.Input, c.Map, subject.Target, seed: seed, cancel: subject.Cancel)))
                { Seeded = true });
            }
            if (subject.Embedded is not { } embedded)
            {
                metrics.Add(new("max-sensitivity", "how far the explanation moves, as a share of its length, when the input moves by a hundredth of its span",
                    Better.Lower, (c, seed) =>
                    Robustness.MaxSensitivity(Bare(c.Method), subject.Model, subject.Input, subject.Target, 0.01 * subject.Span, 5, seed,
                        subject.Cancel).Average())
                { Seeded = true, Limit = 1 });
            }
            else if (explained.Method is not ByToken { Direct: true })
            {
                // Tokens are names and cannot move a little; what is embedded can. A method that asks about the tokens themselves has nothing to move.
                metrics.Add(new("max-sensitivity", "how far the explanation moves, as a share of its length, when the embedding moves by a hundredth of its span",
                    Better.Lower, (c, seed) =>
                    Robustness.MaxSensitivity(Bare(c.Method), embedded, embedded.Result, subject.Target, 0.01 * Width(embedded.Result), 5, seed, subject.Cancel)
                        .Average())
                { Seeded = true, Limit = 1 });
            }
            // Tokens are names: a constant cannot be added to them.
            if (subject.Embedded is null)
                metrics.Add(new("shift", "how far the explanation moves, as a share of its length, when the input is shifted and the network shifts it back",
                Better.Lower, (c, _) =>
                Robustness.ShiftVariance(Bare(c.Method), subject.Model, subject.Input, subject.Target, (float)subject.Span, subject.Cancel).Average())
                { Limit = 0.01 });
        }
        metrics.Add(new("gini", "how much of the map few elements have: 0 all the same, 1 one has all", Better.Neither, (c, _) => c.Mean(Complexity.Gini)));
        metrics.Add(new("entropy", "the entropy of the map, in nats", Better.Neither, (c, _) => c.Mean(Complexity.Entropy)));
        return metrics;
    }

    private static IEnumerable<Metric> Located(bool[][] masks) =>
    [
        new("pointing game", "how often the largest value lies where it should", Better.Higher,
            (c, _) => c.Mean((sizes, n) => Localisation.PointingGame(sizes, masks[n]) ? 1 : 0)),
        new("mass inside", "the share of the map that lies where it should", Better.Higher,
            (c, _) => c.Mean((sizes, n) => Localisation.MassAccuracy(sizes, masks[n]))),
        new("rank inside", "the share of the largest values, as many as the mask has, that lie where they should", Better.Higher,
            (c, _) => c.Mean((sizes, n) => Localisation.RankAccuracy(sizes, masks[n]))),
        new("top 5 % inside", "the share of the largest twentieth of the values that lies where it should", Better.Higher,
            (c, _) => c.Mean((sizes, n) => Localisation.TopKIntersection(sizes, masks[n], Math.Max(1, sizes.Length / 20)))),
        new("auc", "the probability that a value inside is larger than one outside", Better.Higher,
            (c, _) => c.Mean((sizes, n) => Localisation.Auc(sizes, masks[n]))),
    ];

    /// <summary>The method itself, which takes any network and input: noise and shifts are given to what stands in the input's place.</summary>
    private static IAttribution Bare(IAttribution method) => method switch
    {
        ByToken tokens => tokens.Inner,
        AtLayer layer => layer.Inner,
        _ => method,
    };

    private static double Width(Tensor values) => values.Max([]).Item() - (double)values.Min([]).Item();

    private static bool[][] Masks(Tensor mask, Tensor map)
    {
        if (mask.Shape != map.Shape) throw new ArgumentException($"A mask of shape {mask.Shape} does not belong to maps of shape {map.Shape}.", nameof(mask));
        float[] values = (mask.DType == DType.Float32 ? mask : mask.Cast(DType.Float32)).ToArray();
        return [.. values.Chunk(values.Length / mask.Shape[0]).Select(m => m.Select(v => v != 0).ToArray())];
    }

    /// <summary>What is audited.</summary>
    private sealed class Subject
    {
        private readonly Dictionary<(string Check, Contender Contender), double[]> _curves = [];
        private readonly float[] _full;
        private readonly float[] _empty;
        private readonly Tensor _output;

        public Subject(
            Module model, Tensor input, Target target, Baseline baseline, IReadOnlyList<Parameter> weights, FromLayer? embedded, CancellationToken cancel)
        {
            Weights = weights;
            Embedded = embedded;
            Model = model;
            Input = input;
            Baseline = baseline;
            Cancel = cancel;
            Probes probes = Probes.On(model, input, target, wrt: null, progress: null, cancel);
            Target = target.ChosenAt(probes.Output);
            _output = probes.Output;
            _full = probes.Score.ToArray();
            float[] other = baseline.For(probes.Of).ToArray();
            _empty = probes.Ask(1, (_, n, values) => other.AsSpan(n * values.Length, values.Length).CopyTo(values));
            Span = Width(probes.Of);
            // The target is one of the outputs where exactly that one has its value: some others have not, and not all.
            CanAskAnother = target.Scope is null && _output.Rank == 2 && _full.Select((_, n) => Others(n).Length).All(k => k > 0 && k < _output.Shape[1]);
        }

        public Module Model { get; }

        public Tensor Input { get; }

        /// <summary>The weights that have a say.</summary>
        public IReadOnlyList<Parameter> Weights { get; }

        /// <summary>The network from the embedding on, where the input holds tokens.</summary>
        public FromLayer? Embedded { get; }

        public Target Target { get; }

        public Baseline Baseline { get; }

        public CancellationToken Cancel { get; }

        /// <summary>The largest value of the input less the smallest.</summary>
        public double Span { get; }

        /// <summary>Whether the target is one of several outputs, so that another can be asked about.</summary>
        public bool CanAskAnother { get; }

        /// <summary>Another output for each example.</summary>
        public Target Another(ulong seed)
        {
            var random = new RandomSource(seed);
            return Target.Classes([.. Enumerable.Range(0, _full.Length).Select(n => Others(n) is var others ? others[random.NextInt(others.Length)] : 0)]);
        }

        /// <summary>How far curves lie above the baseline's answer, in units of how far the whole input's answer is from it. The first of a check is
        /// kept.</summary>
        public double Share(string check, Contender contender, Func<float[][]> ask)
        {
            float[][] curves = ask();
            double[] mean = new double[curves[0].Length];
            double total = 0, area = 0;
            for (int n = 0; n < curves.Length; n++)
            {
                for (int i = 0; i < mean.Length; i++) mean[i] += curves[n][i] - (double)_empty[n];
                area += PixelCurves.Area(curves[n]) - _empty[n];
                total += Math.Abs((double)_full[n] - _empty[n]);
            }
            _curves.TryAdd((check, contender), [.. mean.Select(m => total > 0 ? m / total : 0)]);
            return total > 0 ? area / total : 0;
        }

        /// <summary>The curves of all checks that have one.</summary>
        public IReadOnlyList<AuditCurve> Curves(Contender explained, Contender[] random, Contender edges) =>
        [
            .. _curves.Keys.Select(k => k.Check).Distinct().Select(check =>
            {
                double[] own = _curves[(check, explained)];
                double[] noise = [.. own.Select((_, i) => random.Average(r => _curves[(check, r)][i]))];
                return new AuditCurve(
                    check, [.. own.Select((_, i) => check == "ROAD" ? Road.Usual[i] : (double)i / (own.Length - 1))], own, noise, _curves[(check, edges)]);
            }),
        ];

        public double[] Infidelity(Tensor values, ulong seed) =>
            Faithfulness.RemovalInfidelity(Model, Input, values, Target, baseline: Baseline, scaled: true, seed: seed, cancel: Cancel);

        /// <summary>What sums of values miss of the answers, as a share of the answers.</summary>
        public double Gap(Tensor values)
        {
            double missed = 0, total = 0;
            int size = values.Count / _full.Length;
            for (int n = 0; n < _full.Length; n++)
            {
                double sum = 0, whole = (double)_full[n] - _empty[n];
                foreach (float value in values.Floats.Slice(n * size, size)) sum += value;
                missed += Math.Abs(sum - whole);
                total += Math.Abs(whole);
            }
            return total > 0 ? missed / total : missed;
        }

        /// <summary>The outputs that are not what the target asks about: those of another value.</summary>
        private int[] Others(int n) => [.. Enumerable.Range(0, _output.Shape[1]).Where(k => _output[n, k] != _full[n])];
    }

    /// <summary>A method with its explanation.</summary>
    /// <param name="Method">The method.</param>
    /// <param name="Values">Its explanation.</param>
    /// <param name="Map">The explanation summed over the channels of pictures.</param>
    private sealed record Contender(IAttribution Method, Tensor Values, Tensor Map)
    {
        public static Contender Of(IAttribution method, Subject subject)
        {
            Tensor values = method.Explain(subject.Model, subject.Input, subject.Target, cancel: subject.Cancel).Values;
            Shape shape = subject.Input.Shape;
            // A map of places says nothing of channels: each has an equal share.
            if (values.Shape != shape && shape.Rank == 4 && values.Shape == shape.With(1, 1)) values = (values / shape[1]).Expand(shape);
            if (values.Shape != shape) throw new ArgumentException($"The explanation by {method.Name} has shape {values.Shape}, not the input's {shape}.");
            return new Contender(method, values, values.Rank == 4 ? values.Sum([1], keepDims: true) : values);
        }

        public double Mean(Func<float[], int, double> metric)
        {
            int examples = Map.Shape[0];
            return Map.ToArray().Chunk(Map.Count / examples).Select((map, n) => metric([.. map.Select(Math.Abs)], n)).Average();
        }

        /// <summary>The mean of what has shares; a map of zeros has none and counts 0.</summary>
        public double Mean(Func<ReadOnlySpan<float>, double> metric) => Mean((sizes, _) => sizes.Any(s => s > 0) ? metric(sizes) : 0);
    }

    private sealed record Metric(string Name, string Meaning, Better Better, Func<Contender, ulong, double> Value)
    {
        /// <summary>Whether it draws random numbers.</summary>
        public bool Seeded { get; init; }

        /// <summary>What it must not exceed, where comparing with what explains nothing says nothing.</summary>
        public double? Limit { get; init; }

        public string? Failed(Spread own, Spread random, Spread edges)
        {
            if (Better == Better.Neither) return null;
            if (Limit is { } limit) return own.Mean <= limit ? null : Text($"{own.Mean:0.000}, should be at most {limit}");
            bool higher = Better == Better.Higher;
            if (higher ? own.Mean <= random.High : own.Mean >= random.Low) return Text($"{own.Mean:0.000}, a random map has {random}");
            return (higher ? own.Mean <= edges.Mean : own.Mean >= edges.Mean) ? Text($"{own.Mean:0.000}, an edge detector has {edges}") : null;
        }

        private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
    }
}
