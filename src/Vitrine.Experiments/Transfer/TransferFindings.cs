using System.Globalization;
using System.Text.Json.Serialization;
using Vitrine.Insight;

namespace Vitrine.Experiments;

/// <summary>What an experiment says about a claim.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Verdict>))]
public enum Verdict
{
    /// <summary>The effect is there: significant at 0.05, adjusted for the layers asked about.</summary>
    Supported,

    /// <summary>It is not: the adjusted 95% intervals leave no room for an effect beyond the margin.</summary>
    Refuted,

    /// <summary>Neither: so many seeds show no effect and exclude none.</summary>
    Undecided,
}

/// <summary>One comparison over seeds.</summary>
/// <param name="Layers">How many layers are taken over; 0 where the mean over all is compared.</param>
/// <param name="PerClass">Training examples of each class.</param>
/// <param name="Mean">The mean difference of accuracies, in [-1, 1].</param>
/// <param name="Low">The lower end of its 95% interval, adjusted for the number of comparisons made together (Bonferroni).</param>
/// <param name="High">Its upper end.</param>
/// <param name="P">The probability of the t-test for pairs, adjusted for the number of comparisons (Holm).</param>
/// <param name="Above">How many seeds are above 0.</param>
/// <param name="Below">How many are below.</param>
/// <param name="SignP">The probability of the sign test, which assumes nothing and is not adjusted.</param>
public sealed record TransferTest(int Layers, int PerClass, double Mean, double Low, double High, double P, int Above, int Below, double SignP)
{
    internal bool Shows(int sign) => P < TransferFindings.Level && Math.Sign(Mean) == sign;
}

/// <summary>A claim of the paper, and what these figures say about it.</summary>
/// <param name="Claim">The claim.</param>
/// <param name="Verdict">Whether it holds here.</param>
/// <param name="Text">Why, in words and figures.</param>
/// <param name="Compared">What is subtracted from what.</param>
/// <param name="Tests">The comparisons behind it.</param>
public sealed record TransferFinding(string Claim, Verdict Verdict, string Text, string Compared, IReadOnlyList<TransferTest> Tests)
{
    /// <summary>The text with its verdict in front; that of a claim that is not decided says so itself.</summary>
    [JsonIgnore]
    public string Told => Verdict == Verdict.Undecided ? Text : $"{Verdict}. {Text}";
}

/// <summary>
/// Puts the claims of the paper to the figures. Every word follows from comparisons over seeds: networks of one seed share halves, examples and, where they
/// can, draws, so that their accuracies are compared in pairs. Comparisons of one claim are adjusted for their number; claims are not adjusted for one
/// another.
/// </summary>
internal static class TransferFindings
{
    /// <summary>The chance of a false alarm that is put up with for each claim.</summary>
    public const double Level = 0.05;

    public static IReadOnlyList<TransferFinding> Of(TransferResult result)
    {
        var findings = new List<TransferFinding> { Generality(result), CoAdaptation(result), Specialisation(result), Recovery(result) };
        findings.AddRange(Help(result));
        if (RandomFilters(result) is { } random) findings.Add(random);
        if (FewExamples(result) is { } few) findings.Add(few);
        return findings;
    }

    private static TransferFinding Generality(TransferResult result)
    {
        TransferTest[] tests = Curve(result, TransferCondition.Transfer, null);
        Verdict verdict = Decide(result, tests, sign: -1);
        int general = 0;
        while (general < tests.Length && !tests[general].Shows(-1)) general++;
        string end = general == tests.Length
            ? $"No layer shows a drop: as far as {Seeds(result)} can tell, all {general} copied layers are general."
            : general == 0
                ? $"The very first layer shows a drop: {Say(result, tests[0])}."
                : $"Up to layer {general} ({result.Layers[general - 1]}) no significant drop is seen; the first is at layer {general + 1}: "
                    + $"{Say(result, tests[general])}.";
        TransferTest? last = general > 0 ? tests[general - 1] : null;
        string room = last is null ? "" : last.Low > -result.Margin
            ? $" At layer {general} a drop of more than {Points(result.Margin)} points is excluded."
            : " That is no proof of generality: " + (double.IsFinite(last.Low)
                ? $"at layer {general} the interval reaches down to {Signed(last.Low)} points." : "one seed gives no interval.");
        string worst = general == tests.Length ? "" : $" The largest drop: {Say(result, tests.MinBy(t => t.Mean)!)}.";
        return new("Features become specific to their task: copied from A and frozen, they fall below baseline B from some layer on.", verdict,
            (verdict == Verdict.Undecided ? $"Not decided by {Seeds(result)}. " : "") + end + room + worst, "AnB - baseline B", tests);
    }

    private static TransferFinding CoAdaptation(TransferResult result)
    {
        TransferTest[] tests = Curve(result, TransferCondition.Selffer, null);
        // The middle is what is neither the first layer nor the last one that is copied, fixed before any figure was seen.
        TransferTest[] middle = [.. tests.Where(t => t.Layers > 1 && t.Layers < tests.Length)];
        Verdict verdict = Decide(result, middle, sign: -1);
        TransferTest[] outside = [.. tests.Except(middle).Where(t => t.Shows(-1))];
        string ends = outside.Length == 0 ? " Neither the first nor the last copied layer shows a drop." : $" Outside the middle: {List(result, outside)}.";
        return new("Neighbouring layers are co-adapted: in the middle of the network even features of B itself, frozen, fall below baseline B.", verdict,
            Words(result, middle, verdict, -1, "drop") + ends, "BnB - baseline B", tests);
    }

    private static TransferFinding Specialisation(TransferResult result)
    {
        TransferTest[] tests = Curve(result, TransferCondition.Transfer, TransferCondition.Selffer);
        Verdict verdict = Decide(result, tests, sign: -1);
        return new("Specialisation adds to the drop: frozen features of A do worse for B than frozen features of B at the same layer.", verdict,
            Words(result, tests, verdict, -1, "difference"), "AnB - BnB", tests);
    }

    private static TransferFinding Recovery(TransferResult result)
    {
        TransferTest[] tests = Curve(result, TransferCondition.SelfferTuned, null);
        // Here the claim is that there is no effect: what speaks for a drop speaks against it.
        Verdict drop = Decide(result, tests, sign: -1);
        Verdict verdict = drop switch
        {
            Verdict.Supported => Verdict.Refuted,
            Verdict.Refuted => Verdict.Supported,
            _ => Verdict.Undecided,
        };
        return new("Fine-tuning repairs co-adaptation: BnB+ is no worse than baseline B at any layer.", verdict, Words(result, tests, drop, -1, "drop"),
            "BnB+ - baseline B", tests);
    }

    private static IEnumerable<TransferFinding> Help(TransferResult result)
    {
        double[] tuned = Means(result, TransferCondition.TransferTuned), selffer = Means(result, TransferCondition.SelfferTuned);
        int layers = result.Layers.Count - 1;
        foreach ((string claim, string compared, IReadOnlyList<double> against) in new (string, string, IReadOnlyList<double>)[]
                 {
                     ("Transfer helps after fine-tuning: AnB+, the mean over all layers, is above baseline B.", "mean over n of AnB+ - baseline B",
                         result.Baseline),
                     ("It is what A taught that helps, not the second training: AnB+ is above BnB+, the mean over all layers.", "mean over n of AnB+ - BnB+",
                         selffer),
                 })
        {
            TransferTest mean = Tests([(0, result.PerClass, Differences(tuned, against))])[0];
            TransferTest[] each = Curve(result, TransferCondition.TransferTuned, ReferenceEquals(against, selffer) ? TransferCondition.SelfferTuned : null);
            Verdict verdict = Decide(result, [mean], sign: 1);
            string text = verdict switch
            {
                Verdict.Supported => $"Over {layers} layers the gain is {Figures(result, mean)}.",
                Verdict.Refuted => $"Over {layers} layers the difference is {Figures(result, mean)}: no gain of {Points(result.Margin)} points or more.",
                _ => $"Not decided by {Seeds(result)}: over {layers} layers the difference is {Figures(result, mean)}.",
            };
            TransferTest[] up = [.. each.Where(t => t.Shows(1))], down = [.. each.Where(t => t.Shows(-1))];
            string single = (up.Length, down.Length) switch
            {
                (0, 0) => " No single layer is significant by itself.",
                (_, 0) => $" By themselves significantly above: {List(result, up)}.",
                (0, _) => $" By themselves significantly below: {List(result, down)}.",
                _ => $" By themselves significantly above: {List(result, up)}; below: {List(result, down)}.",
            };
            yield return new(claim, verdict, text + single, compared, [mean, .. each]);
        }
    }

    private static TransferFinding? RandomFilters(TransferResult result)
    {
        if (result.At(TransferCondition.Random, 1, result.PerClass) is null) return null;
        TransferTest[] tests = Curve(result, TransferCondition.Transfer, TransferCondition.Random);
        Verdict verdict = Decide(result, tests, sign: 1);
        return new("Even features of another task are better than random ones.", verdict, Words(result, tests, verdict, 1, "gain"), "AnB - random filters",
            tests);
    }

    private static TransferFinding? FewExamples(TransferResult result)
    {
        int n = TransferExperiment.ReducedLayers;
        int[] sizes = [.. result.Points.Where(p => p.PerClass < result.PerClass).Select(p => p.PerClass).Distinct().Order()];
        if (sizes.Length == 0) return null;
        double[] full = Differences(Values(result, TransferCondition.TransferTuned, n, result.PerClass), result.Baseline);
        double[][] gains =
        [
            .. sizes.Select(m => Differences(Values(result, TransferCondition.TransferTuned, n, m), Values(result, TransferCondition.BaseB, 0, m))),
        ];
        TransferTest[] tests = Tests([.. sizes.Select((m, i) => (n, m, gains[i])), (n, result.PerClass, full)]);
        TransferTest more = Tests([(n, sizes[0], Differences(gains[0], full))])[0];
        Verdict verdict = Decide(result, [more], sign: 1);
        string each = string.Join("; ", tests.Select(t => $"{t.PerClass} examples a class: {Figures(result, t)}"));
        string text = (verdict == Verdict.Undecided ? $"Not decided by {Seeds(result)}: w" : "W")
            + $"ith {sizes[0]} instead of {result.PerClass} examples a class the gain of A{n}B+ over a network that starts anew changes by "
            + $"{Figures(result, more)}. Gains: {each}.";
        return new("Transfer is worth more, the fewer examples of B there are.", verdict, text, $"A{n}B+ - base B, by examples a class", [more, .. tests]);
    }

    /// <summary>An effect of a sign is supported where one comparison shows it, refuted where no interval leaves room for one beyond the margin.</summary>
    private static Verdict Decide(TransferResult result, IReadOnlyList<TransferTest> tests, int sign) =>
        tests.Any(t => t.Shows(sign)) ? Verdict.Supported
        : tests.All(t => (sign > 0 ? t.High : -t.Low) < result.Margin) ? Verdict.Refuted
        : Verdict.Undecided;

    private static string Words(TransferResult result, IReadOnlyList<TransferTest> tests, Verdict effect, int sign, string noun)
    {
        TransferTest widest = tests.MaxBy(t => sign > 0 ? t.High : -t.Low)!;
        double reach = sign > 0 ? widest.High : widest.Low;
        return effect switch
        {
            Verdict.Supported => $"A significant {noun}: {List(result, [.. tests.Where(t => t.Shows(sign))])}.",
            Verdict.Refuted => $"No layer leaves room for a {noun} of {Points(result.Margin)} points or more.",
            _ => $"Not decided by {Seeds(result)}: no layer shows a significant {noun}, "
                + (double.IsFinite(reach) ? $"but at layer {widest.Layers} the interval reaches to {Signed(reach)} points."
                    : "but one seed gives no interval."),
        };
    }

    private static TransferTest[] Curve(TransferResult result, TransferCondition condition, TransferCondition? against) => Tests(
    [
        .. Enumerable.Range(1, result.Layers.Count - 1).Select(n => (n, result.PerClass, Differences(
            Values(result, condition, n, result.PerClass), against is { } other ? Values(result, other, n, result.PerClass) : result.Baseline))),
    ]);

    /// <summary>Comparisons made together.</summary>
    private static TransferTest[] Tests(IReadOnlyList<(int Layers, int PerClass, double[] Differences)> family)
    {
        PairedTest[] tests = [.. family.Select(f => PairedTest.Of(f.Differences, 1 - Level / family.Count))];
        IReadOnlyList<double> adjusted = PairedTest.Holm([.. tests.Select(t => t.P)]);
        return
        [
            .. tests.Select((t, i) => new TransferTest(family[i].Layers, family[i].PerClass, t.Mean, t.Low, t.High, adjusted[i], t.Above, t.Below, t.SignP)),
        ];
    }

    private static IReadOnlyList<double> Values(TransferResult result, TransferCondition condition, int layers, int perClass) =>
        result.At(condition, layers, perClass)?.Accuracies ?? throw new InvalidOperationException($"The experiment has no {condition} with {layers} layers.");

    private static double[] Means(TransferResult result, TransferCondition condition)
    {
        IReadOnlyList<double>[] curve = [.. Enumerable.Range(1, result.Layers.Count - 1).Select(n => Values(result, condition, n, result.PerClass))];
        return [.. result.Seeds.Select((_, s) => curve.Average(values => values[s]))];
    }

    private static double[] Differences(IReadOnlyList<double> a, IReadOnlyList<double> b) => [.. a.Zip(b, (x, y) => x - y)];

    private static string List(TransferResult result, IReadOnlyList<TransferTest> tests) => string.Join("; ", tests.Select(t => Say(result, t)));

    private static string Say(TransferResult result, TransferTest test) => $"layer {test.Layers} ({result.Layers[test.Layers - 1]}) {Figures(result, test)}";

    /// <summary>The figures of one comparison, for people.</summary>
    public static string Figures(TransferResult result, TransferTest test)
    {
        int agree = Math.Max(test.Above, test.Below);
        string interval = double.IsFinite(test.Low) ? $"95% interval {Signed(test.Low)} to {Signed(test.High)}, p {Probability(test.P)}"
            : "one seed, no interval";
        return $"{Signed(test.Mean)} points ({interval}, {agree} of {result.Seeds.Count} seeds {(test.Above >= test.Below ? "above" : "below")})";
    }

    public static string Probability(double p) => p < 0.001 ? "< 0.001" : "= " + p.ToString("0.000", CultureInfo.InvariantCulture);

    public static string Signed(double part) => (100 * part).ToString("+0.0;\u22120.0;0.0", CultureInfo.InvariantCulture);

    public static string Points(double part) => (100 * part).ToString("0.#", CultureInfo.InvariantCulture);

    private static string Seeds(TransferResult result) => result.Seeds.Count == 1 ? "1 seed" : $"{result.Seeds.Count} seeds";
}
