using System.CommandLine;
using System.Globalization;

namespace Vitrine.Cli;

/// <summary>Options that several commands share.</summary>
internal static class Options
{
    public static Argument<string> Model() => new("MODEL") { Description = "An ONNX file, or weights that 'vitrine tour' or 'vitrine train' wrote" };

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
        HelpName = "N",
    }, 1);

    public static Option<int?> Threads() => AtLeast(new("--threads") { Description = "Use so many processor cores; all of them otherwise", HelpName = "N" }, 1);

    public static Option<bool> Resume() => new("--resume") { Description = "Continue from the checkpoint that an interrupted run left" };

    public static Option<string?> Preprocess() => Text(
        "--preprocess", "How pictures become the input: imagenet, caffe, cifar, or a JSON file; the network's input decides otherwise", "NAME|FILE");

    public static Option<string?> Labels() => Text("--labels", "A file of the names of the classes: one a line, or JSON", "FILE");

    public static Option<string?> Vocabulary() => Text("--vocabulary", "For texts: a file with one token a line", "FILE");

    /// <summary>The folder for what a command that prints its result can also write.</summary>
    public static Option<string?> Folder() => Text("--out", "A folder for the report and the results", "DIR");

    public static Option<double> Rate(string description, double otherwise) => Within(
        new Option<double>("--lr") { Description = description, HelpName = "X", DefaultValueFactory = _ => otherwise },
        rate => rate > 0 && double.IsFinite(rate), "above 0");

    public static Option<int?> Patience(string examples) => AtLeast(new("--patience")
    {
        Description = $"Stop after so many epochs without progress on unseen {examples}, and take the best weights",
        HelpName = "N",
    }, 1);

    public static Option<bool> Json() => new("--json") { Description = "Print the result as one JSON object on standard output, and nothing else there" };

    /// <summary>An option that may be left out.</summary>
    public static Option<string?> Text(string name, string description, string help) => new(name) { Description = description, HelpName = help };

    /// <summary>An option that has a value in any case.</summary>
    public static Option<string> Text(string name, string description, string help, string otherwise) =>
        new(name) { Description = description, HelpName = help, DefaultValueFactory = _ => otherwise };

    /// <summary>Several names, apart or with commas between them; <see cref="Words"/> tells them apart.</summary>
    public static Option<string[]> Names(string name, string description, string help = "NAME,...") =>
        new(name) { Description = description, HelpName = help, AllowMultipleArgumentsPerToken = true };

    /// <summary>What was given to an option of <see cref="Names"/>, one by one.</summary>
    public static string[] Words(IEnumerable<string>? given) =>
        [.. (given ?? []).SelectMany(g => g.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];

    /// <summary>A count whose help says what it is otherwise.</summary>
    public static Option<int?> Number(string name, string description, int otherwise, int least = 1) =>
        AtLeast(new(name) { Description = $"{description} [default: {otherwise}]", HelpName = "N" }, least);

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

    /// <summary>Refuses numbers that make no sense, before anything is done.</summary>
    /// <param name="option">An option that takes one number.</param>
    /// <param name="sound">Which numbers make sense.</param>
    /// <param name="words">The same in words: <c>above 0</c>.</param>
    public static Option<T> Within<T>(Option<T> option, Func<double, bool> sound, string words)
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && double.TryParse(token.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
                && !sound(value))
                result.AddError($"{option.Name} is {token.Value}; it should be {words}.");
        });
        return option;
    }

    // The kernels read the variable when the first of them runs, which is after the command line is read.
    public static void LimitThreads(int? threads)
    {
        if (threads is { } count) Environment.SetEnvironmentVariable("VITRINE_THREADS", $"{count}");
    }
}
