using System.CommandLine;
using System.Globalization;
using Vitrine.Experiments;

namespace Vitrine.Cli;

/// <summary><c>vitrine convert</c>.</summary>
internal static class ConvertCommand
{
    public static Command Make()
    {
        var from = new Argument<string>("IN") { Description = "Weights: .safetensors, .npz, .npy, PyTorch's .pt and .pth, or those of a network (.onnx)" };
        var to = new Argument<string>("OUT") { Description = "The file to write: .safetensors or .npz" };
        var command = new Command("convert", "Copy weights from a file of one kind to another.") { from, to };
        Help.Add(command,
            "vitrine convert weights.pt weights.safetensors", "PyTorch's state dictionary; no code in it is run",
            "vitrine convert squeezenet.onnx squeezenet.npz", "the weights of a network, for NumPy");
        command.SetAction(parsed =>
        {
            IReadOnlyDictionary<string, Tensor> tensors = ModelFile.Convert(parsed.GetRequiredValue(from), parsed.GetRequiredValue(to));
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{tensors.Count} tensors, {tensors.Values.Sum(t => (long)t.Count):N0} elements: {parsed.GetRequiredValue(to)}"));
            return ExitCode.Ok;
        });
        return command;
    }
}
