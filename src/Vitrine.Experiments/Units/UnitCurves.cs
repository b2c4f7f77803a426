using Vitrine.Insight;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>The page of curves of invariance.</summary>
internal static class UnitCurves
{
    private const int Pictures = 24;

    public static HtmlReport Page(OpenedNetwork network, ExampleSet examples, IReadOnlyList<string> layers, CancellationToken cancel)
    {
        int count = Math.Min(Pictures, examples.Count);
        Tensor inputs = examples.Batch(0, count);
        int[] labels = [.. Enumerable.Range(0, count).Select(examples.Label)];
        // Three layers tell the story; the paper has the first and the seventh.
        string[] chosen = [.. new[] { layers[0], layers[layers.Count / 2], layers[layers.Count - 1] }.Distinct(StringComparer.Ordinal)];
        int side = inputs.Shape[2];
        float[] outside = [.. network.Range.Low.Floats];
        var page = new HtmlReport("How features stand changes")
        {
            Kicker = "Units of " + Path.GetFileName(network.FilePath),
            Lead = $"As {count} pictures are shifted, magnified and turned: how far the features of three layers move, and how likely the true class stays.",
            Footer = $"vitrine units, version {Tour.Version}; after Zeiler and Fergus 2014, figure 5",
        };
        Add("Shifted down", InvarianceChange.Vertical, [.. Enumerable.Range(-6, 13).Select(i => i * side / 18.0)], "pixels");
        Add("Magnified", InvarianceChange.Scale, [.. Enumerable.Range(0, 13).Select(i => 1 + i / 12.0)], "factor");
        Add("Turned", InvarianceChange.Rotation, [.. Enumerable.Range(0, 25).Select(i => i * 15.0)], "degrees");
        return page;

        void Add(string heading, InvarianceChange change, double[] amounts, string unit)
        {
            InvarianceCurve curve = InvarianceCurves.Of(network.Module, inputs, labels, change, amounts, chosen, outside, cancel);
            var distances = new LineChart("Distance of the features") { XLabel = unit, YLabel = "share of their length", YMin = 0, Width = 400 };
            foreach (string layer in chosen) distances.Add(layer, amounts, curve.Relative[layer]);
            var answers = new LineChart("The answer") { XLabel = unit, YMin = 0, YMax = 1, Width = 400 };
            answers.Add("probability of the true class", amounts, curve.Probability);
            answers.Add("share answered rightly", amounts, curve.Accuracy);
            page.Section(heading).Row(Figure.Of(distances.ToSvg()), Figure.Of(answers.ToSvg()));
        }
    }
}
