using Vitrine.Insight;

namespace Vitrine.Onnx.Tests.Export;

/// <summary>An explanation of the file is one of the network.</summary>
public sealed class AttributionTests
{
    private static readonly IAttribution[] Asked = [new Gradient(), new InputXGradient(), new GuidedBackprop(), new Deconvnet()];

    public static TheoryData<string, string, string?> Questions
    {
        get
        {
            var data = new TheoryData<string, string, string?>();
            (string, string)[] layers = [("LeNet5", "relu2"), ("ResNet20", "layer2.0.relu#2"), ("SqueezeNet11", "features.3.squeeze_activation")];
            foreach ((string network, string layer) in layers)
            {
                foreach (IAttribution method in Asked)
                {
                    data.Add(network, method.Name, null);
                    data.Add(network, method.Name, layer);
                }
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Questions))]
    public void AnExplanationOfTheFileIsThatOfTheNetwork(string name, string method, string? wrt)
    {
        ExportCase network = ExportCase.Architectures.Single(c => c.Name == name);
        Module module = network.Network();
        using var stream = new MemoryStream();
        Tensor x = network.Inputs(2)[0];
        OnnxExport.Write(module, x, stream);
        OnnxModule opened = OnnxModel.Open(new MemoryStream(stream.ToArray()));
        IAttribution attribution = Asked.Single(m => m.Name == method);
        Attribution native = attribution.Explain(module, x, Target.Class(3), wrt), file = attribution.Explain(opened, x, Target.Class(3), wrt);
        Assert.Contains(native.Values.ToArray(), v => v != 0);
        Near.Assert(native.Values, file.Values);
        Near.Assert(native.Score, file.Score);
    }
}
