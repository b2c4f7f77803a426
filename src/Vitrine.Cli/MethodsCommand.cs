using System.CommandLine;
using Vitrine.Experiments;

namespace Vitrine.Cli;

/// <summary><c>vitrine methods</c>.</summary>
internal static class MethodsCommand
{
    public static Command Make()
    {
        var json = new Option<bool>("--json") { Description = "Print the list as one JSON array" };
        var command = new Command("methods", "List the attribution methods with what they need and promise.") { json };
        Help.Add(command, "vitrine methods", "names, needs, promises and papers", "vitrine methods --json | jq -r .[].name", "for scripts");
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(json))
            {
                Console.Out.WriteLine(MethodList.ToJson());
                return ExitCode.Ok;
            }
            foreach (ListedMethod method in MethodList.All)
            {
                Console.Out.WriteLine(method.Name);
                Console.Out.WriteLine($"    needs {method.Needs}; promises {method.Promises}");
                Console.Out.WriteLine($"    {method.Paper}");
            }
            return ExitCode.Ok;
        });
        return command;
    }
}
