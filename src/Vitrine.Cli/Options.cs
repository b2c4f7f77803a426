using System.CommandLine;

namespace Vitrine.Cli;

/// <summary>Options that several commands share.</summary>
internal static class Options
{
    public static Option<string> Data() => new("--data")
    {
        Description = "digits (drawn on the spot), mnist, fashion-mnist, or a folder that holds the four IDX files",
        HelpName = "NAME|DIR",
        DefaultValueFactory = _ => "digits",
    };

    public static Option<string?> DataRoot() => new("--data-root")
    {
        Description = "The folder that holds data sets by name; else VITRINE_DATA, else the user's own",
        HelpName = "DIR",
    };

    public static Option<ulong> Seed() => new("--seed")
    {
        Description = "Where all random numbers start: the same seed, the same network to the last bit",
        HelpName = "N",
        DefaultValueFactory = _ => 1,
    };

    public static Option<int?> Examples() => AtLeast(new("--examples")
    {
        Description = "Learn from so many examples only, for a quick try",
        HelpName = "N"
    }, 1);

    public static Option<int?> Threads() => AtLeast(new("--threads") { Description = "Use so many processor cores; all of them otherwise", HelpName = "N" }, 1);

    public static Option<bool> Resume() => new("--resume") { Description = "Continue from the checkpoint that an interrupted run left" };

    public static Option<bool> Json() => new("--json") { Description = "Print the result as one JSON object on standard output, and nothing else there" };

    public static Option<int?> AtLeast(Option<int?> option, int least)
    {
        option.Validators.Add(result =>
        {
            // A value that is no number has its own message already.
            if (result.Tokens is [var token] && int.TryParse(token.Value, out int value) && value < least)
                result.AddError($"{option.Name} is {value}; it should be at least {least}.");
        });
        return option;
    }

    // The kernels read the variable when the first of them runs, which is after the command line is read.
    public static void LimitThreads(int? threads)
    {
        if (threads is { } count) Environment.SetEnvironmentVariable("VITRINE_THREADS", $"{count}");
    }
}
