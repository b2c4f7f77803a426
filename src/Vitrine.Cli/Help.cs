using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace Vitrine.Cli;

/// <summary>Adds examples and exit codes to the help of every command.</summary>
internal static class Help
{
    private static readonly Dictionary<Command, string[]> Examples = new(ReferenceEqualityComparer.Instance);

    /// <summary>Gives a command examples: pairs of a command line and what it does.</summary>
    public static void Add(Command command, params string[] examples) => Examples[command] = examples;

    /// <summary>Extends the help of this command and all below it.</summary>
    public static void Install(RootCommand root)
    {
        Add(root, "vitrine tour", "the main job: train LeNet-5 on drawn digits, look inside, write tour/index.html",
            "vitrine data get mnist", "fetch the MNIST digits",
            "vitrine tour --data mnist --out mnist-tour", "the tour on them");
        foreach (Option option in root.Options)
        {
            if (option is HelpOption { Action: HelpAction standard } help) help.Action = new WithExamples(standard);
        }
        // Without a command there is nothing to do but say what there is.
        root.SetAction(_ => root.Parse("--help").Invoke());
    }

    /// <summary>The words that lead to a command: <c>vitrine data get</c>.</summary>
    public static string PathOf(CommandResult command)
    {
        var words = new List<string>();
        for (SymbolResult? result = command; result is not null; result = result.Parent)
        {
            if (result is CommandResult { Command: { } c }) words.Insert(0, c is RootCommand ? "vitrine" : c.Name);
        }
        return string.Join(' ', words);
    }

    private sealed class WithExamples(HelpAction standard) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            standard.Invoke(parseResult);
            TextWriter output = parseResult.InvocationConfiguration.Output;
            if (Examples.TryGetValue(parseResult.CommandResult.Command, out string[]? examples))
            {
                output.WriteLine("Examples:");
                for (int i = 0; i + 1 < examples.Length; i += 2)
                {
                    output.WriteLine($"  {examples[i]}");
                    output.WriteLine($"      {examples[i + 1]}");
                }
                output.WriteLine();
            }
            output.WriteLine("Exit codes: 0 done, 1 failed, 2 not understood, 130 cancelled.");
            return ExitCode.Ok;
        }
    }
}
