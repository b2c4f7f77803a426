namespace Vitrine.Onnx.Tests.Export;

/// <summary>What is exported and opened again says what the network says.</summary>
public sealed class RoundTripTests
{
    public static TheoryData<string> Names => [.. ExportCase.All.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void TheFileSaysWhatTheNetworkSaysForBatchesOfAnySize(string name)
    {
        ExportCase network = ExportCase.All.Single(c => c.Name == name);
        Module module = network.Network();
        OnnxModule opened = OnnxModel.Open(new MemoryStream(network.Export(module)));
        foreach (int n in new[] { 1, 2, 5 })
        {
            Tensor[] inputs = network.Inputs(n), expected = network.Answers(module, inputs);
            Tensor[] actual = opened.Call(new Run(), (Tensor[])inputs.Clone()), recorded = opened.Call(new Run(fused: false), (Tensor[])inputs.Clone());
            Assert.Equal(expected.Length, actual.Length);
            for (int i = 0; i < expected.Length; i++)
            {
                Near.Assert(expected[i], actual[i]);
                Near.Assert(expected[i], recorded[i]);
            }
        }
    }
}
