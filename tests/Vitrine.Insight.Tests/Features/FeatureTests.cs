using Vitrine.Models;

namespace Vitrine.Insight.Tests;

public sealed class FeatureTests
{
    [Fact]
    public void FiltersAreTheWeightsUnderTheirLayersNames()
    {
        LeNet5 net = LeNetGoldenTests.Net();
        IReadOnlyList<LayerFilters> found = Filters.Of(net, LeNetGoldenTests.Input);
        Assert.Equal(["conv1", "conv2", "fc1", "fc2", "fc3"], found.Select(f => f.Scope));
        Assert.Equal([true, false, false, false, false], found.Select(f => f.SeesInput));
        Assert.Equal([false, false, true, true, true], found.Select(f => f.Dense));
        IReadOnlyDictionary<string, Tensor> state = net.State();
        foreach (LayerFilters f in found) Assert.Equal(state[$"{f.Scope}.weight"].ToArray(), f.Weights.ToArray());
        // A dense layer behind a flattened map has the map's shape.
        Shape pooled = LayerMaps.Of(net, LeNetGoldenTests.Input, "pool2")[0].Shape;
        Assert.Equal(pooled.With(0, 120), found[2].Weights.Shape);
    }

    [Fact]
    public void MapsAreWhatTheLayersGive()
    {
        LeNet5 net = LeNetGoldenTests.Net();
        var activations = Network.Activations(net, LeNetGoldenTests.Input).ToDictionary(a => a.Key, a => a.Value, StringComparer.Ordinal);
        IReadOnlyList<Tensor> maps = LayerMaps.Of(net, LeNetGoldenTests.Input, "conv2", "fc1");
        Assert.Equal(activations["conv2"].ToArray(), maps[0].ToArray());
        Assert.Equal(activations["fc1"].ToArray(), maps[1].ToArray());
        Assert.Throws<ArgumentException>(() => LayerMaps.Of(net, LeNetGoldenTests.Input, "conv3"));
    }

    [Fact]
    public void ShiftsMagnificationsAndTurnsAreThoseOfTheNames()
    {
        Tensor picture = Tensor.From([1f, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1, 3, 3]);
        Assert.Equal([0f, 0, 0, 1, 2, 3, 4, 5, 6], InvarianceCurves.Changed(picture, InvarianceChange.Vertical, 1, [0]).ToArray());
        Assert.Equal([1f, 1, 2, 4, 4, 5, 7, 7, 8], InvarianceCurves.Changed(picture, InvarianceChange.Horizontal, 1).ToArray());
        float[] turned = InvarianceCurves.Changed(picture, InvarianceChange.Rotation, 90, [0]).ToArray();
        float[] counterclockwise = [3, 6, 9, 2, 5, 8, 1, 4, 7];
        for (int i = 0; i < 9; i++) Assert.Equal(counterclockwise[i], turned[i], 1e-5);
        float[] twice = InvarianceCurves.Changed(picture, InvarianceChange.Scale, 2).ToArray();
        Assert.Equal([3f, 3.5f, 4, 4.5f, 5, 5.5f, 6, 6.5f, 7], twice);
        Assert.Throws<ArgumentException>(() => InvarianceCurves.Changed(picture, InvarianceChange.Scale, 0));
        Assert.Throws<ArgumentException>(() => InvarianceCurves.Changed(picture, InvarianceChange.Scale, 1, [0, 0]));
    }

    [Fact]
    public void WhatIsNotChangedHasMovedNoFeature()
    {
        Module net = LeNetGoldenTests.Net();
        Tensor inputs = new RandomSource(3).Uniform([4, 1, 28, 28]);
        int[] labels = [1, 2, 3, 4];
        InvarianceCurve curve = InvarianceCurves.Of(net, inputs, labels, InvarianceChange.Rotation, [0, 90, 180], ["conv1", "fc1"], [0]);
        Assert.Equal(0, curve.Distances["conv1"][0]);
        Assert.Equal(0, curve.Relative["fc1"][0]);
        Assert.True(curve.Distances["conv1"][1] > 0 && curve.Relative["fc1"][2] > 0);
        Tensor chances = net.Predict(inputs).Softmax();
        Assert.Equal(labels.Select((k, i) => (double)chances[i, k]).Average(), curve.Probability[0], 1e-6);
        // The distance itself, once by hand.
        Tensor still = LayerMaps.Of(net, inputs, "fc1")[0], moved =
            LayerMaps.Of(net, InvarianceCurves.Changed(inputs, InvarianceChange.Rotation, 180, [0]), "fc1")[0];
        double[] byHand = [.. Enumerable.Range(0, 4)
            .Select(i => Math.Sqrt(still.Slice(0, i, i + 1).ToArray().Zip(moved.Slice(0, i, i + 1).ToArray()).Sum(p =>
            Math.Pow(p.First - (double)p.Second, 2))))];
        Assert.Equal(byHand.Average(), curve.Distances["fc1"][2], 1e-4);
    }

    [Fact]
    public void HidingTheSamePartChangesFeaturesAlike()
    {
        // A feature for each quarter of the picture: hiding one moves that feature alone, and up or down by what was there.
        var quarters = new Function(x => x.AvgPool2d(PoolGeometry.Square(2)).Flatten());
        Tensor pictures = Tensor.From([.. Enumerable.Range(0, 3 * 16).Select(i => 1f + i)], [3, 1, 4, 4]);
        var left = new PicturePart(0, 0, 2, 2);
        PartConsistency same = Assert.Single(Correspondence.Of(quarters, pictures, [left, left, left], [""]));
        Assert.Equal(0, same.Mean);
        PartConsistency other = Correspondence.Of(quarters, pictures, [left, left with { Left = 2 }, left with { Top = 2 }], [""])[0];
        Assert.Equal(0.5, other.Mean); // of four features two differ, in each pair
        Assert.Equal(0, other.Deviation);
        IReadOnlyList<PicturePart> drawn = Correspondence.Random([left, left, left], 4, 4, new RandomSource(1));
        Assert.All(drawn, p => Assert.True(p.Top is >= 0 and <= 2 && p.Left is >= 0 and <= 2 && p.Height == 2));
        Assert.Throws<ArgumentException>(() => Correspondence.Of(quarters, pictures, [left, left, left with { Top = 3 }], [""]));
    }

    [Fact]
    public void OcclusionOfAUnitIsConfinedToItsReceptiveField()
    {
        Module net = LeNetGoldenTests.Net();
        Tensor input = LeNetGoldenTests.Input.Slice(0, 0, 1);
        ReceptiveField field = ReceptiveFields.Of(net, input).Of("conv2", 5, 4, 4);
        Tensor map = new Occlusion([1, 2, 2], [1, 1, 1], Baseline.Constant(0.5f)).Explain(net, input, Target.Neuron("conv2", 5, 4, 4)).Values;
        double inside = 0;
        for (int y = 0; y < 28; y++)
        {
            for (int x = 0; x < 28; x++)
            {
                // A window may reach over the border of the field by one.
                bool near = y >= field.Start[1] - 1 && y <= field.End[1] && x >= field.Start[2] - 1 && x <= field.End[2];
                if (near) inside += Math.Abs(map[0, 0, y, x]);
                else Assert.Equal(0, map[0, 0, y, x], 1e-6);
            }
        }
        Assert.True(inside > 0);
    }
}
