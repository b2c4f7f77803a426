using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Vitrine.Insight.Tests;

public sealed class TsneTests
{
    private const string Marker = "VITRINE_TEST_MAP_BYTES";

    // scikit-learn 1.2.1: _joint_probabilities at perplexity 10 and _kl_divergence of ProjectionData.Formula.
    [Fact]
    public void DivergenceAndGradientEqualScikitLearn()
    {
        (Tensor points, Tensor map) = ProjectionData.Formula();
        var tsne = new Tsne(points, new TsneSettings { Method = TsneMethod.Exact, Perplexity = 10, ShrinkStart = false }, map);
        Assert.Equal(2.402127315217054, tsne.Divergence(), 1e-4);
        Assert.Equal(2.402127315217054, tsne.Divergence(exact: true), 1e-4);
        float[] expected = [-0.003452679754648676f, -0.00019852788330978105f, -0.006295324396306611f, 0.004149638406251774f, 0.002881855017643851f];
        Tensor gradient = tsne.Gradient();
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], gradient.Floats[i], 2e-6f);
    }

    [Fact]
    public void GradientIsThatOfTheDivergence()
    {
        (Tensor points, Tensor map) = ProjectionData.Formula();
        var settings = new TsneSettings { Method = TsneMethod.Exact, Perplexity = 10, ShrinkStart = false };
        Tensor gradient = new Tsne(points, settings, map).Gradient();
        foreach (int at in new[] { 0, 17, 92 })
        {
            const float step = 1e-2f;
            double difference = (Moved(step) - Moved(-step)) / (2 * step);
            Assert.Equal(difference, gradient.Floats[at], 2e-5);

            double Moved(float by)
            {
                float[] moved = map.ToArray();
                moved[at] += by;
                return new Tsne(points, settings, Tensor.From(moved, map.Shape)).Divergence();
            }
        }
    }

    /// <summary>Interpolation and Barnes-Hut with a small angle are exact to 1e-3; with the usual angle Barnes-Hut is to a few hundredths.</summary>
    /// <remarks>
    /// Where a map has come to rest its gradient is a small difference of large forces and has no digits to compare; RepulsionTests compares those
    /// forces.
    /// </remarks>
    [Theory]
    [InlineData(TsneMethod.BarnesHut, 0.0, 1e-6)]
    [InlineData(TsneMethod.BarnesHut, 0.1, 1e-3)]
    [InlineData(TsneMethod.BarnesHut, 0.5, 2e-2)]
    [InlineData(TsneMethod.Interpolated, 0.5, 1e-3)]
    public void FastFormsAgreeWithTheExactOne(TsneMethod method, double angle, double tolerance)
    {
        (Tensor points, _) = ProjectionData.Blobs(400, 10, 4, apart: 2);
        var settings = new TsneSettings { Perplexity = 20, Neighbours = 399, Method = TsneMethod.Exact, ShrinkStart = false };
        var grown = new Tsne(points, settings);
        foreach (int steps in new[] { 20, 100, 250 })
        {
            while (grown.Iteration < steps) grown.Step();
            var exact = new Tsne(points, settings, grown.Map);
            var fast = new Tsne(points, settings with { Method = method, Angle = angle }, grown.Map);
            double error = ProjectionData.Error(fast.Gradient(), exact.Gradient());
            Assert.True(error < tolerance, $"After {steps} steps the gradients differ by {error:g3}.");
            Assert.Equal(exact.Divergence(), fast.Divergence(), tolerance);
            Assert.Equal(exact.Divergence(), fast.Divergence(exact: true), 1e-9);
        }
    }

    [Theory]
    [InlineData(TsneMethod.Exact)]
    [InlineData(TsneMethod.BarnesHut)]
    [InlineData(TsneMethod.Interpolated)]
    [InlineData(TsneMethod.Auto)]
    public void BlobsSeparate(TsneMethod method)
    {
        (Tensor points, int[] labels) = ProjectionData.Blobs(300, 20, 5);
        var tsne = new Tsne(points, new TsneSettings { Method = method, Steps = 400 });
        double before = tsne.Divergence();
        Tensor map = tsne.Run();
        Assert.True(tsne.Divergence() < before / 2);
        Assert.True(MapQuality.Hit(map, labels).Total > 0.99);
        Assert.True(MapQuality.Trustworthiness(points, map) > 0.9);
    }

    [Fact]
    public void PerplexityIsReached()
    {
        (Tensor points, _) = ProjectionData.Blobs(300, 10, 3);
        Assert.All(new Tsne(points, new TsneSettings { Perplexity = 25, Method = TsneMethod.BarnesHut }).Perplexities, p => Assert.Equal(25, p, 1e-3));
        // A scale of the data changes nothing.
        Assert.All(new Tsne(points * 1e6f, new TsneSettings { Perplexity = 25 }).Perplexities, p => Assert.Equal(25, p, 1e-3));
    }

    [Fact]
    public void EqualPointsMakeFiniteMaps()
    {
        float[] points = new float[80 * 3];
        for (int i = 0; i < points.Length; i++) points[i] = i / 120;
        foreach (TsneMethod method in new[] { TsneMethod.Exact, TsneMethod.BarnesHut, TsneMethod.Interpolated })
        {
            Tensor map = new Tsne(Tensor.From(points, [80, 3]), new TsneSettings { Perplexity = 5, Steps = 60, Method = method }).Run();
            Assert.All(map.ToArray(), v => Assert.True(float.IsFinite(v)));
        }
    }

    [Fact]
    public void NewPointsLandAmongTheirClass()
    {
        (Tensor all, int[] labels) = ProjectionData.Blobs(330, 20, 5);
        Tensor old = all.Slice(0, 0, 300), fresh = all.Slice(0, 300, 330);
        var tsne = new Tsne(old, new TsneSettings { Steps = 400, Method = TsneMethod.BarnesHut });
        Tensor map = tsne.Run(), places = tsne.Embed(fresh);
        Assert.Equal(map.ToArray(), tsne.Map.ToArray());
        for (int i = 0; i < 30; i++)
        {
            int nearest = Enumerable.Range(0, 300).MinBy(j => Math.Pow(map[j, 0] - places[i, 0], 2) + Math.Pow(map[j, 1] - places[i, 1], 2));
            Assert.Equal(labels[300 + i], labels[nearest]);
        }
        // A batch equals its singles.
        Assert.Equal(places.Slice(0, 7, 8).ToArray(), tsne.Embed(fresh.Slice(0, 7, 8)).ToArray());
    }

    [Fact]
    public void AlignedMapsKeepTheirArrangement()
    {
        (Tensor points, _) = ProjectionData.Blobs(200, 10, 4);
        // The second layer sees the same but for a mirror, which principal components would follow.
        IReadOnlyList<Tensor> maps = Tsne.Sequence([points, points * -1f], new TsneSettings { Steps = 350, Perplexity = 20 });
        double same = 0, size = 0;
        for (int i = 0; i < maps[0].Count; i++) (same, size) = (same + maps[0].Floats[i] * maps[1].Floats[i], size + Math.Pow(maps[0].Floats[i], 2));
        Assert.True(same > 0.8 * size, $"{same / size}");
    }

    [Fact]
    public void CancellingStopsAndRunningGoesOn()
    {
        (Tensor points, _) = ProjectionData.Blobs(120, 5, 3);
        var settings = new TsneSettings { Perplexity = 10, Steps = 120 };
        using var cancel = new CancellationTokenSource();
        var tsne = new Tsne(points, settings);
        var seen = new List<TsneProgress>();
        Assert.Throws<OperationCanceledException>(() => tsne.Run(new Told(p =>
        {
            seen.Add(p);
            cancel.Cancel();
        }), cancel.Token));
        Assert.Equal(50, tsne.Iteration);
        Assert.Equal(50, Assert.Single(seen).Step);
        Assert.Equal(new Tsne(points, settings).Run().ToArray(), tsne.Run().ToArray());
    }

    [Fact]
    public void BadSettingsAreNamed()
    {
        (Tensor points, _) = ProjectionData.Blobs(20, 5, 3);
        Assert.Contains("Perplexity 30", Assert.Throws<ArgumentException>(() => new Tsne(points)).Message, StringComparison.Ordinal);
        var angle = Assert.Throws<ArgumentException>(() => new Tsne(points, new TsneSettings { Perplexity = 5, Angle = 0.9 }));
        Assert.Contains("angle", angle.Message, StringComparison.Ordinal);
        var start = Assert.Throws<ArgumentException>(() => new Tsne(points, new TsneSettings { Perplexity = 5 }, points));
        Assert.Contains("[20, 2]", start.Message, StringComparison.Ordinal);
    }

    /// <summary>The bytes of maps of each form, neighbours by the forest among them, with one thread and with two: each in a process of its own.</summary>
    [Fact]
    public void ThreadsChangeNoByte()
    {
        string? file = Environment.GetEnvironmentVariable(Marker);
        if (file is not null)
        {
            File.WriteAllText(file, Bytes());
            return;
        }
        string[] answers = [.. new[] { "1", "2" }.Select(Child)];
        Assert.Equal(answers[0], answers[1]);
        Assert.Equal(answers[0], Bytes());
    }

    /// <summary>Many points are kept in another order inside; nothing of it is to be seen.</summary>
    [Fact]
    public void ManyPointsKeepTheirOrder()
    {
        // Apart from the start: were rows, places and neighbours in different orders, clusters would be torn at once.
        (Tensor points, int[] labels) = ProjectionData.Blobs(NeighbourGraph.MostExact + 100, 2, 5, apart: 20);
        Tensor start = new RandomSource(4).Normal([points.Shape[0], 2]);
        var tsne = new Tsne(points, new TsneSettings { Perplexity = 4, ShrinkStart = false }, start);
        Assert.Equal(start.ToArray(), tsne.Map.ToArray());
        Tensor map = new Tsne(points, new TsneSettings { Perplexity = 4, Steps = 30, ExaggerationSteps = 30 }).Run(null, TestContext.Current.CancellationToken);
        Assert.True(MapQuality.Hit(map, labels, 5).Total > 0.9, $"The hit is {MapQuality.Hit(map, labels, 5).Total}.");
    }

    private static string Bytes()
    {
        (Tensor points, _) = ProjectionData.Blobs(600, 20, 5);
        var bytes = new List<byte>();
        foreach (TsneMethod method in new[] { TsneMethod.Exact, TsneMethod.BarnesHut, TsneMethod.Interpolated })
        {
            Tensor map = new Tsne(points, new TsneSettings { Method = method, Steps = 60, ExaggerationSteps = 30 }).Run();
            bytes.AddRange(MemoryMarshal.AsBytes(map.Floats));
        }
        bytes.AddRange(MemoryMarshal.AsBytes(new Tsne(points, new TsneSettings { Steps = 20 }).Embed(points.Slice(0, 0, 9)).Floats));
        var umap = new Umap(points, new UmapSettings { Epochs = 30 });
        bytes.AddRange(MemoryMarshal.AsBytes(umap.Run().Floats));
        bytes.AddRange(MemoryMarshal.AsBytes(umap.Embed(points.Slice(0, 0, 9)).Floats));
        bytes.AddRange(MemoryMarshal.AsBytes<int>(new NeighbourForest(Rows.Of(points, "points"), 15, seed: 1).Find(default).Index));
        bytes.AddRange(MemoryMarshal.AsBytes(Pca.Fit(points, 3, exact: false).Components.Floats));
        bytes.AddRange(BitConverter.GetBytes(MapQuality.Trustworthiness(points, points.Slice(1, 0, 2))));
        return Convert.ToHexString(SHA256.HashData(bytes.ToArray()));
    }

    private static string Child(string threads)
    {
        string host = Environment.ProcessPath!, assembly = typeof(TsneTests).Assembly.Location, file = Path.GetTempFileName();
        try
        {
            var start = new ProcessStartInfo(host) { RedirectStandardOutput = true, UseShellExecute = false };
            if (Path.GetFileNameWithoutExtension(host) == "dotnet") start.ArgumentList.Add(assembly);
            start.ArgumentList.Add("--filter-method");
            start.ArgumentList.Add($"{typeof(TsneTests).FullName}.{nameof(ThreadsChangeNoByte)}");
            start.Environment[Marker] = file;
            start.Environment["VITRINE_THREADS"] = threads;
            using Process child = Process.Start(start)!;
            string output = child.StandardOutput.ReadToEnd();
            child.WaitForExit();
            Assert.True(child.ExitCode == 0, output);
            string answer = File.ReadAllText(file);
            Assert.NotEmpty(answer);
            return answer;
        }
        finally
        {
            File.Delete(file);
        }
    }

    private sealed class Told(Action<TsneProgress> tell) : IProgress<TsneProgress>
    {
        public void Report(TsneProgress value) => tell(value);
    }
}
