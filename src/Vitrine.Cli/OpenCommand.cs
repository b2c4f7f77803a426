using System.CommandLine;
using System.Globalization;
using Vitrine.Experiments;

namespace Vitrine.Cli;

/// <summary><c>vitrine open</c>.</summary>
internal static class OpenCommand
{
    public static Command Make()
    {
        var model = new Argument<string>("MODEL") { Description = "A network (.onnx), or weights (.safetensors, .npz, .npy, PyTorch's .pt and .pth)" };
        Option<int?> size = Options.AtLeast(new("--size")
        {
            Description = "The extent of every axis that the file leaves open, apart from the batch [default: 224 in pictures, 16 elsewhere]",
            HelpName = "N",
        }, 1);
        Option<bool> json = Options.Json();
        var command = new Command("open", "Show what is in a file: inputs, outputs, layers, costs, and which explanations apply.") { model, size, json };
        Help.Add(command,
            "vitrine open squeezenet.onnx", "its layers as a table",
            "vitrine open weights.pt", "the tensors of a state dictionary; no code in it is run",
            "vitrine open squeezenet.onnx --json | jq .parameters", "for scripts");
        command.SetAction(parsed =>
        {
            var description = ModelDescription.Of(parsed.GetRequiredValue(model), parsed.GetValue(size), Terminal.Warn);
            if (parsed.GetValue(json)) Console.Out.WriteLine(description.ToJson());
            else Write(description);
            return ExitCode.Ok;
        });
        return command;
    }

    private static void Write(ModelDescription d)
    {
        bool network = d.Kind == "onnx";
        Console.Out.WriteLine($"{d.File}{(d.Producer.Length > 0 ? $", written by {d.Producer}" : "")}");
        foreach (PortDescription port in d.Inputs) Console.Out.WriteLine($"takes {Text(port)}");
        foreach (PortDescription port in d.Outputs) Console.Out.WriteLine($"gives {Text(port)}");
        foreach ((string name, string value) in d.Metadata) Console.Out.WriteLine($"{name}: {Shortened(value)}");
        Console.Out.WriteLine();
        TextTable.Write(
            Console.Out,
            network ? ["layer", "type", "output", "parameters", "multiply-adds"] : ["tensor", "type", "shape", "elements"],
            d.Layers.Select(l => (string[])
            [
                l.Name, l.Type, $"[{string.Join(", ", l.Shape)}]", Number(l.Parameters), .. network ? [Number(l.MultiplyAdds)] : Array.Empty<string>(),
            ]),
            leftColumns: 3);
        Console.Out.WriteLine();
        if (!network)
        {
            Console.Out.WriteLine($"{d.Layers.Count} tensors, {Number(d.Parameters)} elements");
            return;
        }
        Console.Out.WriteLine($"{Number(d.Parameters)} parameters, {Number(d.MultiplyAdds)} multiply-adds for an input of " +
            string.Join(" and ", d.RunOn.Select(s => $"[{string.Join(", ", s)}]")));
        Console.Out.WriteLine($"can be explained by: {string.Join(", ", d.Methods.Where(m => m.Applies).Select(m => m.Name).DefaultIfEmpty("none"))}");
        foreach (IGrouping<string, MethodDescription> reason in d.Methods.Where(m => !m.Applies).GroupBy(m => m.Reason!))
            Console.Out.WriteLine($"not by {string.Join(", ", reason.Select(m => m.Name))}: {reason.Key}");
    }

    private static string Text(PortDescription port) => $"{port.Name}: {port.Type} " +
        $"{(port.Shape is null ? "of any shape" : $"[{string.Join(", ", port.Shape)}]")}";

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Shortened(string value) => value.Length <= 100 ? value : value[..97] + "...";
}
