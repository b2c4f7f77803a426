using Vitrine.Onnx.Tests.Export;

namespace Vitrine.Onnx.Tests;

/// <summary>Last layers for other classes.</summary>
public sealed class OnnxHeadTests : IDisposable
{
    private readonly Folder _folder = new();

    public static TheoryData<string> Ends => ["gemm", "gemm not turned", "product and sum", "product", "convolution", "reshape", "softmax", "logarithm"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Ends))]
    public void The_last_layer_is_for_the_new_classes_and_everything_before_it_is_as_in_the_file(string end)
    {
        string path = Write(Network(end));
        OnnxModule before = OnnxModel.Open(path), after = OnnxModel.OpenFor(path, classes: 7, seed: 3);
        Tensor x = new RandomSource(5).Normal([4, 2, 6, 6]);
        Tensor answer = after.Predict(x);
        Assert.Equal(Shape.Create(4, 7), answer.Shape);
        Assert.Equal([before.Outputs[0].Name], after.Outputs.Select(o => o.Name));
        Assert.Equal(7, after.Outputs[0].Shape![1].Size);
        Assert.Equal(Tapped(before, x), Tapped(after, x));
        Assert.Equal(before.State()["c.weight"].ToArray(), after.State()["c.weight"].ToArray());
        // Logits of the formula: new weights times features, and a bias of zeros.
        Assert.True(Math.Abs(answer.Sum([1]).ToArray()[0] - 1) > 1e-4, "still a softmax");
        Assert.Equal(["conv", "head"], after.Layers.Select(l => l.Name));
        Assert.Equal(after.Parameters.Select(p => p.Name).Order(), after.Layers.SelectMany(l => l.Parameters).Order());
        // The same seed, the same weights; another, others.
        Assert.Equal(answer.ToArray(), OnnxModel.OpenFor(path, 7, 3).Predict(x).ToArray());
        Assert.NotEqual(answer.ToArray(), OnnxModel.OpenFor(path, 7, 4).Predict(x).ToArray());

        static float[] Tapped(OnnxModule net, Tensor x)
        {
            var run = new Run().Tap("features");
            net.Call(run, x);
            return run.Taps["features"].ToArray();
        }
    }

    [Theory]
    [MemberData(nameof(Ends))]
    public void The_new_network_learns_and_goes_into_a_file(string end)
    {
        OnnxModule net = OnnxModel.OpenFor(Write(Network(end)), classes: 3, seed: 1);
        // A pattern for each class, and noise: something that even random features can tell apart.
        Tensor patterns = new RandomSource(9).Normal([3, 2, 1, 1], 0, 1.5f), noise = new RandomSource(8).Normal([12, 2, 6, 6], 0, 0.3f);
        Tensor x = noise + patterns.IndexSelect(0, Tensor.From([.. Enumerable.Range(0, 12).Select(i => (long)(i % 3))], [12]));
        var data = new Dataset(x, Tensor.From([.. Enumerable.Range(0, 12).Select(i => (long)(i % 3))], [12]), ["a", "b", "c"]);
        foreach (Parameter parameter in net.Parameters) parameter.IsFrozen = parameter.Name == "c.weight";
        float[] frozen = net.State()["c.weight"].ToArray();
        TrainingLog log = new Trainer(net, new Adam(0.02)) { BatchSize = 12 }.Fit(data, 40, cancel: TestContext.Current.CancellationToken);
        Assert.True(log.Epochs[^1].Loss < 0.7 * log.Epochs[0].Loss, $"{log.Epochs[0].Loss} -> {log.Epochs[^1].Loss}");
        Assert.Equal(frozen, net.State()["c.weight"].ToArray());
        OnnxExport.Save(net, x, _folder["tuned.onnx"], new OnnxExportOptions { InputNames = ["x"], OutputNames = ["y"] });
        OnnxModule opened = OnnxModel.Open(_folder["tuned.onnx"]);
        Near.Assert(net.Predict(x), opened.Predict(x));
        Assert.Equal(net.Parameters.Select(p => p.Name).Order(), opened.Parameters.Select(p => p.Name).Order());
    }

    [Fact]
    public void Layers_have_what_scales_and_shifts_them()
    {
        OnnxModule net = ModelWriter.SmallNetwork().Open();
        Assert.Equal(["/c1/Conv", "/c2/Conv", "/fc/Gemm"], net.Layers.Select(l => l.Name));
        Assert.Equal(["c1.weight", "c1.bias", "bn.weight", "bn.bias"], net.Layers[0].Parameters);
        Assert.Equal(["fc.weight", "fc.bias"], net.Layers[2].Parameters);
    }

    [Fact]
    public void What_is_no_last_layer_is_refused_by_name()
    {
        Assert.Contains("last (Sigmoid)", Refused(Body().Do("last: Sigmoid features -> y")));
        Assert.Contains("used 2 times", Refused(Body().Random("w", 1, 8, 8).Do("first: MatMul features w -> z").Do("last: MatMul z w -> y")));
        Assert.Contains("without groups", Refused(Body(flat: false).Random("w", 1, 8, 1, 1, 1).Do("last: Conv features w -> y", ("group", 8))));
        Assert.Contains("a sum of two computed values", Refused(Body().Do("half: Relu features -> h").Do("last: Add features h -> y")));
        Assert.Contains("not stored in the file", Refused(Body().Do("turned: Transpose features -> t").Do("last: MatMul features t -> y")));
        Assert.Contains("two classes", Assert.Throws<ArgumentOutOfRangeException>(() => OnnxModel.OpenFor(Write(Network("gemm")), 1, 1)).Message);
    }

    private string Refused(ModelWriter model) => Assert.Throws<OnnxException>(() => OnnxModel.OpenFor(Write(model), 3, 1)).Message;

    private string Write(ModelWriter model)
    {
        File.WriteAllBytes(_folder["net.onnx"], model.Bytes());
        return _folder["net.onnx"];
    }

    // [N, 2, 6, 6] -> features [N, 8], or maps [N, 8, 4, 4].
    private static ModelWriter Body(bool flat = true)
    {
        ModelWriter model = new ModelWriter().Input("x", "batch", 2, 6, 6).Output("y", "batch", 5).Random("c.weight", 1, 8, 2, 3, 3);
        return flat
            ? model.Do("conv: Conv x c.weight -> maps").Do("Relu maps -> bent").Do("GlobalAveragePool bent -> pooled").Do("Flatten pooled -> features")
            : model.Do("conv: Conv x c.weight -> maps").Do("Relu maps -> features");
    }

    private static ModelWriter Network(string end) => end switch
    {
        "gemm" => Body().Random("w", 2, 5, 8).Random("b", 3, 5).Do("head: Gemm features w b -> y", ("transB", 1)),
        "gemm not turned" => Body().Random("w", 2, 8, 5).Random("b", 3, 5).Do("head: Gemm features w b -> y"),
        "product and sum" => Body().Random("w", 2, 8, 5).Random("b", 3, 5).Do("head: MatMul features w -> p").Do("Add p b -> y"),
        "product" => Body().Random("w", 2, 8, 5).Do("head: MatMul features w -> y"),
        "convolution" => Body(flat: false).Random("w", 2, 5, 8, 1, 1).Random("b", 3, 5)
            .Do("head: Conv features w b -> z").Do("LeakyRelu z -> r").Do("GlobalAveragePool r -> g").Do("Flatten g -> y"),
        "reshape" => Body(flat: false).Random("w", 2, 5, 8, 1, 1).Add(ModelWriter.Longs("shape", -1, 5))
            .Do("head: Conv features w -> z").Do("GlobalAveragePool z -> g").Do("Reshape g shape -> y"),
        "softmax" => Body().Random("w", 2, 5, 8).Random("b", 3, 5).Do("head: Gemm features w b -> z", ("transB", 1)).Do("Softmax z -> y", ("axis", 1)),
        _ => Body().Random("w", 2, 5, 8).Do("head: Gemm features w -> z", ("transB", 1)).Do("LogSoftmax z -> y", ("axis", 1)),
    };
}
