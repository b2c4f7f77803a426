using System.Globalization;
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
    private readonly Target _target;
    private readonly List<(string Method, Attribution Found)> _found = [];
    private readonly double[] _probabilities;

    public ExplainPage(Module network, IReadOnlyList<string>? labels, ExplainSubject subject, string? wrt, Target target)
    {
        _network = network;
        Subject = subject;
        _wrt = wrt;
        _target = target;
        float[] scores = network.Predict(subject.Input).ToArray();
        _labels = labels?.Count == scores.Length ? labels : null;
        double most = scores.Max(), sum = scores.Sum(s => Math.Exp(s - most));
        _probabilities = [.. scores.Select(s => Math.Exp(s - most) / sum)];
    }

    /// <summary>The input.</summary>
    public ExplainSubject Subject { get; }

    /// <summary>The target's value, once something was explained.</summary>
    public double? Score => _found.Count == 0 ? null : _found[0].Found.Score.Floats[0];

    /// <summary>What is explained, with the name of the class where there is one.</summary>
    public string TargetInWords => _target.ToString() switch
    {
        "top" => $"{Name(Top)} (the likeliest class)",
        var words when words.StartsWith("class ", StringComparison.Ordinal) && int.TryParse(words.AsSpan(6), CultureInfo.InvariantCulture, out int k) => Name(k),
        var words => words,
    };

    private int Top => Array.IndexOf(_probabilities, _probabilities.Max());

    public Attribution Explain(IAttribution method, CancellationToken cancel)
    {
        Attribution found = method.Explain(_network, Subject.Input, _target, _wrt, cancel: cancel);
        _found.Add((method.Name, found));
        return found;
    }

    /// <summary>The audit, or null where the input cannot be modified number by number.</summary>
    public Audit? Audit(IAttribution method, AuditLevel level, Baseline baseline, CancellationToken cancel) => _wrt is not null ? null
        : Insight.Audit.Of(_network, Subject.Input, method, _target, level, baseline: baseline, cancel: cancel);

    /// <summary>The whole page.</summary>
    public HtmlReport Compose(IReadOnlyList<ExplainedMethod> methods, string question)
    {
        var page = new HtmlReport($"Why {TargetInWords}?")
        {
            Kicker = Path.GetFileName(Subject.Name),
            Lead = $"The network finds {Name(Top)} likeliest, with {Percent(_probabilities[Top])}. Below, each method says what that rests on, and beside it stands how far to believe it.",
            Footer = $"vitrine explain, version {Tour.Version}; {question}",
        };
        ReportSection answer = page.Section("The answer");
        var chart = new BarChart("Likeliest classes") { Maximum = 1, Description = "The probabilities of the likeliest classes." };
        foreach (int k in Enumerable.Range(0, _probabilities.Length).OrderByDescending(k => _probabilities[k]).Take(Answers)) chart.Add(Name(k), _probabilities[k], k == Top);
        if (Subject.Picture is { } picture) answer.Row(Figure.Of(picture, $"The input, {Subject.Name}, as the network sees it", "The input as the network sees it."), Figure.Of(chart.ToSvg(), null));
        else answer.Figure(chart.ToSvg());

        ReportSection why = page.Section("Why");
        if (Subject.Picture is { } seen) Maps(why, seen, methods);
        else if (Subject.Parts is { } parts) Parts(why, parts);
        else why.Text("The input is an array: its explanations are in the folder `values`.");
        string[] failed = [.. methods.Where(m => m.Error is not null).Select(m => $"{m.Method}: {m.Error}")];
        if (failed.Length > 0) why.Heading("Not applicable here").List(failed);

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
        var figures = new List<Figure>();
        foreach ((string method, Attribution found) in _found)
        {
            if (found.Values.Rank != 4) continue;
            HeatMap map = HeatMap.Of(found);
            bool whole = found.Values.Shape[2] == picture.Height && found.Values.Shape[3] == picture.Width;
            if (whole) map = map.Over(picture.ToRgb().ToChw());
            int scale = Math.Max(1, Side / Math.Max(found.Values.Shape[2], found.Values.Shape[3]));
            string verdict = methods.First(m => m.Method == method).Verdict ?? "";
            figures.Add(Figure.Of(map.Scale(scale), $"Where {method} sees the reason for {TargetInWords}", verdict.Length == 0 ? method : $"{method}: {verdict}"));
        }
        if (figures.Count > 0) why.Text("Red speaks for the answer, blue against it.").Row(figures);
    }

    private void Parts(ReportSection why, IReadOnlyList<string> parts)
    {
        foreach ((string method, Attribution found) in _found)
        {
            // The numbers of an embedding are summed to one a token.
            Tensor values = found.Values;
            while (values.Rank > 2) values = values.Sum([-1]);
            if (values.Count != parts.Count) continue;
            var chart = new BarChart(method) { Width = 560, Description = $"What each part adds to {TargetInWords}, by {method}." };
            for (int i = 0; i < parts.Count; i++) chart.Add(Subject.Input.DType == DType.Float32 ? $"{parts[i]} = {Number(Subject.Input.Floats[i])}" : parts[i], values.Floats[i]);
            why.Figure(chart.ToSvg());
        }
    }

    private static void Audits(ReportSection section, ExplainedMethod[] audited)
    {
        section.Text("Each number stands beside the same number for random maps and for an edge detector, which know nothing of the network.");
        section.List(audited.Select(m => $"{m.Method}: {m.Verdict}"));
        foreach (ExplainedMethod method in audited)
        {
            section.Details(method.Method, inside => inside.Table(
                ["check", "method", "random maps", "edges", "remark"],
                method.Checks.Select(c => (IReadOnlyList<string>)
                    [c.Name, Number(c.Value), $"{Number(c.Random)} ({Number(c.RandomLow)} to {Number(c.RandomHigh)})", Number(c.Edges), c.Failed ?? ""])));
        }
    }

    private string Name(int k) => _labels?[k] ?? string.Create(CultureInfo.InvariantCulture, $"class {k}");

    private static string Number(double value) => value.ToString("0.000", CultureInfo.InvariantCulture);

    private static string Percent(double part) => string.Create(CultureInfo.InvariantCulture, $"{100 * part:0.0} %");
}
