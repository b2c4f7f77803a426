using System.Globalization;
using System.Text.Json;
using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>The page about one input: what the network said, and why, by every method side by side with its audit.</summary>
internal sealed class ExplainPage
{
    private const int Answers = 5;
    private const int Side = 280;

    private readonly Module _network;
    private readonly IReadOnlyList<string>? _labels;
    private readonly string? _wrt;
    private readonly string? _embedding;
    private readonly Tensor? _mask;
    private readonly Target _target;
    private readonly List<(string Method, Attribution Found)> _found = [];
    private readonly double[] _probabilities;

    public ExplainPage(OpenedNetwork network, ExplainSubject subject, string? wrt, Target target, Picture? mask)
    {
        _network = network.Module;
        Subject = subject;
        _target = target;
        float[] scores = _network.Predict(subject.Input).ToArray();
        _labels = network.Labels?.Count == scores.Length ? network.Labels : null;
        double most = scores.Max(), sum = scores.Sum(s => Math.Exp(s - most));
        bool probabilities = scores.All(s => s is >= 0 and <= 1) && Math.Abs(scores.Sum(s => (double)s) - 1) < 1e-3;
        _probabilities = [.. scores.Select(s => probabilities ? s : Math.Exp(s - most) / sum)];
        _wrt = wrt;
        if (subject.Input.DType != DType.Float32) _embedding = wrt ?? Embedding(_network, subject.Input);
        if (mask is not null && subject.Picture is not null) _mask = Mask(network, mask, subject);
    }

    /// <summary>The input.</summary>
    public ExplainSubject Subject { get; }

    /// <summary>The target's value, once something was explained.</summary>
    public double? Score => _found.Count == 0 ? null : _found[0].Found.Score.Floats[0];

    /// <summary>What is explained, with the name of the class where there is one.</summary>
    public string TargetInWords => _target.ToString() switch
    {
        "top" when _probabilities.Length == 1 => "this value",
        "top" => $"{Name(Top)} (the likeliest class)",
        _ when Class is { } k => Name(k),
        var words => words,
    };

    private int Top => Array.IndexOf(_probabilities, _probabilities.Max());

    // The class that is asked about, where it is one.
    private int? Class => _target.ToString() is var words && words.StartsWith("class ", StringComparison.Ordinal)
        && int.TryParse(words.AsSpan(6), CultureInfo.InvariantCulture, out int k) && k < _probabilities.Length ? k : null;

    /// <summary>Explains the input: its values; of tokens, for methods of gradients, their embedding.</summary>
    public Attribution Explain(Method method, IAttribution made, CancellationToken cancel)
    {
        // What asks for answers alone takes tokens as they are.
        string? wrt = _embedding is null ? _wrt : method.Needs.HasFlag(Needs.Gradients) ? _embedding : null;
        Attribution found = made.Explain(_network, Subject.Input, _target, wrt, cancel: cancel);
        _found.Add((method.Name, found));
        return found;
    }

    /// <summary>How far to believe a method here.</summary>
    public Audit Audit(IAttribution method, AuditLevel level, Baseline baseline, CancellationToken cancel) =>
        Insight.Audit.Of(_network, Subject.Input, method, _target, level, _mask, baseline: baseline, wrt: _embedding ?? _wrt, cancel: cancel);

    /// <summary>The whole page.</summary>
    /// <param name="methods">What was found, in order.</param>
    /// <param name="question">The question in a line.</param>
    /// <param name="preprocess">How the picture became the input; or null.</param>
    public HtmlReport Compose(IReadOnlyList<ExplainedMethod> methods, string question, JsonElement? preprocess)
    {
        string lead = _probabilities.Length == 1 ? "The network gives one value."
            : $"The network finds {Name(Top)} likeliest, with {Percent(_probabilities[Top])}."
                + (Class is { } k && k != Top ? $" The question is about {Name(k)}, which it gives {Percent(_probabilities[k])}." : "");
        var page = new HtmlReport(_probabilities.Length == 1 ? "Why this value?" : $"Why {TargetInWords}?")
        {
            Kicker = Path.GetFileName(Subject.Name),
            Lead = $"{lead} Below, each method says what that rests on, and after that comes how far to believe it.",
            Footer = $"vitrine explain, version {Tour.Version}; {question}",
        };
        ReportSection answer = page.Section("The answer");
        if (_probabilities.Length > 1)
        {
            var chart = new BarChart("Likeliest classes") { Maximum = 1, Format = "P1", Description = "The probabilities of the likeliest classes." };
            foreach (int c in Enumerable.Range(0, _probabilities.Length).OrderByDescending(c => _probabilities[c]).Take(Answers))
                chart.Add(Name(c), _probabilities[c], c == (Class ?? Top));
            if (Class is { } asked && _probabilities.Count(p => p > _probabilities[asked]) >= Answers)
                chart.Add(Name(asked), _probabilities[asked], marked: true);
            if (Subject.Picture is { } picture)
                answer.Row(Figure.Of(picture, $"The input, {Subject.Name}, as the network sees it", "The input as the network sees it."),
                    Figure.Of(chart.ToSvg(), null));
            else answer.Figure(chart.ToSvg());
        }
        else if (Score is { } value)
        {
            answer.Facts(("the network's answer", Short(value)));
        }
        if (preprocess is { } described) answer.Details("How the picture became the input", inside => inside.Code(described.ToString()));

        ReportSection why = page.Section("Why");
        if (Subject.Picture is { } seen) Maps(why, seen, methods);
        else if (Subject.Input.Rank == 3) Series(why, methods);
        else if (Subject.Parts is { } parts) Parts(why, parts, methods);
        else why.Text("The input is an array: its explanations are in the folder `values`.");
        string[] failed = [.. methods.Where(m => m.Error is not null).Select(m => $"{m.Method}: {m.Error}")];
        if (failed.Length > 0) why.Details($"{failed.Length} methods do not apply here", inside => inside.List(failed));

        ExplainedMethod[] audited = [.. methods.Where(m => m.Verdict is not null)];
        if (audited.Length > 0) Audits(page.Section("How far to believe it"), audited);
        return page;
    }

    /// <summary>The page that leads to all others.</summary>
    public static HtmlReport Index(ExplainResult result)
    {
        var page = new HtmlReport("Explanations")
        {
            Kicker = Path.GetFileName(result.Model),
            Lead = string.Create(CultureInfo.InvariantCulture, $"{result.Inputs.Count(i => i.Error is null)} inputs explained; {result.Question}."),
            Footer = $"vitrine explain, version {Tour.Version}",
        };
        page.Section("Inputs").Links([.. result.Inputs.Where(i => i.Page is not null).Select(i => ($"{i.Input}: {i.Target}", i.Page!))]);
        string[] failed = [.. result.Inputs.Where(i => i.Error is not null).Select(i => $"{i.Input}: {i.Error}")];
        if (failed.Length > 0) page.Section("Could not be explained").List(failed);
        return page;
    }

    private void Maps(ReportSection why, Picture picture, IReadOnlyList<ExplainedMethod> methods)
    {
        List<Figure> figures = [], places = [];
        foreach ((string method, Attribution found) in _found)
        {
            if (found.Values.Rank != 4) continue;
            HeatMap map = HeatMap.Of(found);
            bool whole = found.Values.Shape[2] == picture.Height && found.Values.Shape[3] == picture.Width;
            if (whole) map = map.Over(picture.ToRgb().ToChw());
            int scale = Math.Max(1, Side / Math.Max(found.Values.Shape[2], found.Values.Shape[3]));
            // Signed maps are red and blue; those that only say where have a scale of their own.
            (found.Values.Min([]).Item() < 0 ? figures : places).Add(
                Figure.Of(map.Scale(scale), $"Where {method} sees the reason for {TargetInWords}", Caption(methods.First(m => m.Method == method))));
        }
        if (figures.Count > 0) why.Text($"Red speaks for {TargetInWords}, blue against it.").Row(figures);
        if (places.Count > 0) why.Text("These methods say where, not whether for or against: the brighter the orange, the more.").Row(places);
    }

    // One number a part: the numbers of an embedding are summed to one a token, those of the inputs that hold a column of words to one a column.
    private void Parts(ReportSection why, IReadOnlyList<string> parts, IReadOnlyList<ExplainedMethod> methods)
    {
        const int most = 24;
        bool any = false;
        foreach ((string method, Attribution found) in _found)
        {
            Tensor values = found.Values;
            while (values.Rank > 2) values = values.Sum([-1]);
            double[] sums = new double[parts.Count];
            int[] groups = Subject.Groups ?? [.. Enumerable.Range(0, parts.Count)];
            if (values.Count != groups.Length) continue;
            if (!any) why.Text($"What each part adds to {TargetInWords}: to the right it speaks for it, to the left against it.");
            any = true;
            for (int i = 0; i < groups.Length; i++) sums[groups[i]] += values.Floats[i];
            string caption = Caption(methods.First(m => m.Method == method));
            var chart = new BarChart(method) { Width = 480, Format = Decimals(sums), Description = $"What each part adds to {TargetInWords}, by {method}." };
            // Of a long text the strongest parts, in their order.
            HashSet<int> shown = [.. Enumerable.Range(0, sums.Length).OrderByDescending(i => Math.Abs(sums[i])).Take(most)];
            for (int i = 0; i < sums.Length; i++)
            {
                if (shown.Contains(i)) chart.Add(parts[i], sums[i]);
            }
            string left = sums.Length > most ? $" The {most} strongest of {sums.Length}." : "";
            why.Figure(chart.ToSvg(), caption == method && left.Length == 0 ? null : caption + left);
        }
    }

    // A series [1, C, T] with the attribution, summed over channels, as a band along it.
    private void Series(ReportSection why, IReadOnlyList<ExplainedMethod> methods)
    {
        int channels = Subject.Input.Shape[1], length = Subject.Input.Shape[2];
        why.Text($"The series, and along it how much each step speaks for {TargetInWords} (above zero) or against it (below). Both are scaled to 1.");
        foreach ((string method, Attribution found) in _found)
        {
            if (found.Values.Rank != 3 || found.Values.Shape[2] != length) continue;
            double[] along = [.. Scaled([.. Enumerable.Range(0, length).Select(
                t => Enumerable.Range(0, found.Values.Shape[1]).Sum(c => (double)found.Values[0, c, t]))])];
            double[] steps = [.. Enumerable.Range(0, length).Select(t => (double)t)];
            var chart = new LineChart(method)
            {
                XLabel = "time step",
                YMin = -1.05,
                YMax = 1.05,
                Height = 220,
                Description = $"The series and what each step adds to {TargetInWords}, by {method}."
            };
            float[] series = Subject.Input.ToArray();
            double largest = Math.Max(1e-12, series.Max(v => Math.Abs((double)v)));
            for (int c = 0; c < channels; c++)
                chart.Add(Subject.Parts?[c] ?? (channels == 1 ? "series" : $"channel {c}"), steps,
                    [.. series.AsSpan(c * length, length).ToArray().Select(v => v / largest)], dashed: c > 0);
            chart.Add("attribution", steps, along, [.. along.Select(v => Math.Min(0, v))], [.. along.Select(v => Math.Max(0, v))]);
            string caption = Caption(methods.First(m => m.Method == method));
            why.Figure(chart.ToSvg(), caption == method ? null : caption);
        }

        static IEnumerable<double> Scaled(double[] values)
        {
            double most = Math.Max(1e-12, values.Max(Math.Abs));
            return values.Select(v => v / most);
        }
    }

    private void Audits(ReportSection section, ExplainedMethod[] audited)
    {
        string control = _embedding is null ? "an edge detector" : "the lengths of the words' embeddings (a text has no edges)";
        section.Text($"Each number stands beside the same number for random maps, the mean and range of three, and for {control}: they know nothing of what the network does.");
        section.Table(["method", "passed", "failed"], audited.Select(m => (IReadOnlyList<string>)
        [
            m.Method,
            m.Checks.Count == 0 ? "-" : string.Create(
                CultureInfo.InvariantCulture, $"{m.Checks.Count(c => c.Failed is null && Judged(c))} of {m.Checks.Count(Judged)}"),
            m.Checks.Count == 0 ? m.Verdict! : string.Join(", ", m.Checks.Where(c => c.Failed is not null).Select(c => c.Name)) is { Length: > 0 } names ? names
                : "nothing",
        ]));
        foreach (ExplainedMethod method in audited.Where(m => m.Checks.Count > 0))
        {
            section.Details(method.Method, inside =>
            {
                inside.Table(
                    ["check", "method", "random maps", _embedding is null ? "edges" : "lengths", "remark"],
                    method.Checks.Select(c => (IReadOnlyList<string>)
                        [c.Name, Number(c.Value), Range(c), Number(c.Edges), c.Failed is null ? "" : "fails: " + c.Failed]));
                foreach (AuditCurve curve in method.Curves)
                {
                    var chart = new LineChart(curve.Name switch
                    {
                        "deletion" => "Deletion: the answer as the most important goes first",
                        "insertion" => "Insertion: the answer as the most important comes first",
                        _ => "ROAD: the answer as the most important is guessed from its surroundings",
                    })
                    {
                        XLabel = curve.Name == "insertion" ? "share of the input put back" : "share of the input removed",
                        YLabel = "share of the answer",
                        Height = 220,
                        Width = 480,
                    };
                    chart.Add(method.Method, curve.Shares, curve.Method).Add("random maps", curve.Shares, curve.RandomMap, dashed: true)
                        .Add(_embedding is null ? "edges" : "lengths", curve.Shares, curve.Edges, dashed: true);
                    inside.Figure(chart.ToSvg());
                }
                if (method.Cascade.Count == 0) return;
                var layers = new BarChart("Likeness to the first explanation as layers lose their weights")
                {
                    Maximum = 1,
                    Width = 480,
                    Format = "0.00",
                    Description = "Rank correlation after each layer, and all after it, was randomised.",
                };
                foreach (ExplainedLikeness likeness in method.Cascade) layers.Add(likeness.Layer, likeness.Spearman);
                inside.Figure(layers.ToSvg(), "From the answer (top) down to the input. What explains the network comes near 0; what stays near 1 ignores its weights.");
            });
        }

        // What only describes has neither a failure nor a better side.
        static bool Judged(ExplainedCheck check) => check.Name is not ("gini" or "entropy");
    }

    private static string Caption(ExplainedMethod method)
    {
        string fit = method.LocalFit is { } r2 ? string.Create(
            CultureInfo.InvariantCulture, $"; its local model explains {100 * Math.Max(0, r2):0} % of the answers' variance (R2)") : "";
        int judged = method.Checks.Count(c => c.Name is not ("gini" or "entropy")), failed = method.Checks.Count(c => c.Failed is not null);
        string audit = judged == 0 ? "" : failed == 0 ? $", passes all {judged} checks" : $", fails {failed} of {judged} checks";
        return method.Method + audit + fit;
    }

    /// <summary>Tokens have no gradient: the first result of numbers, one vector a token, stands for them.</summary>
    private static string Embedding(Module network, Tensor input)
    {
        foreach ((string scope, Tensor value) in Network.Activations(network, input))
        {
            if (value.DType == DType.Float32 && value.Rank >= 3 && value.Shape[0] == input.Shape[0] && value.Shape[1] == input.Shape[1]) return scope;
        }
        throw new DataException("The network's input holds integers, and no layer of one vector a token was found.", "Name the layer with --wrt.");
    }

    /// <summary>A mask [1, 1, H, W] that went the same way as the picture: white, more than half, is inside.</summary>
    private static Tensor Mask(OpenedNetwork network, Picture mask, ExplainSubject subject)
    {
        Picture fitted = (network.Preprocess?.Fit(mask) ?? mask).ToRgb();
        int height = subject.Input.Shape[2], width = subject.Input.Shape[3];
        if (fitted.Height != height || fitted.Width != width)
            throw new DataException($"The mask comes out as {fitted.Width} x {fitted.Height}, the picture as {width} x {height}.",
                "Draw it on the picture, in its size.");
        ReadOnlySpan<byte> pixels = fitted.Pixels;
        float[] inside = new float[height * width];
        int channels = pixels.Length / inside.Length;
        for (int i = 0; i < inside.Length; i++) inside[i] = pixels[i * channels] > 127 ? 1 : 0;
        return inside.Contains(1) && inside.Contains(0) ? Tensor.From(inside, [1, 1, height, width])
            : throw new DataException("The mask is all white or all black where the network looks.", "Draw white where the answer should be seen.");
    }

    // Underscores are for files.
    private string Name(int k) => _labels?[k].Replace('_', ' ') ?? string.Create(CultureInfo.InvariantCulture, $"class {k}");

    private static string Number(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

    private static string Range(ExplainedCheck c) => c.RandomHigh - c.RandomLow < 0.0005 ? Number(c.Random)
        : $"{Number(c.Random)} ({Number(c.RandomLow)} to {Number(c.RandomHigh)})";

    private static string Short(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);

    // Three digits of the largest.
    private static string Decimals(double[] values)
    {
        double most = values.Max(Math.Abs);
        int decimals = most > 0 ? Math.Clamp(2 - (int)Math.Floor(Math.Log10(most)), 0, 8) : 0;
        return decimals == 0 ? "0" : "0." + new string('0', decimals);
    }

    private static string Percent(double part) => part is > 0 and < 0.0005 ? "less than 0.1 %"
        : string.Create(CultureInfo.InvariantCulture, $"{100 * part:0.0} %");
}
