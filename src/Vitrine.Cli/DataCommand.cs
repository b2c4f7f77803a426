using System.CommandLine;
using System.Globalization;
using Vitrine.Data;
using Vitrine.Experiments;

namespace Vitrine.Cli;

/// <summary><c>vitrine data</c>.</summary>
internal static class DataCommand
{
    public static Command Make() => new("data", "List and fetch data sets.") { List(), Get() };

    private static Command List()
    {
        Option<string?> root = Root();
        var command = new Command("list", "Say which data sets there are, and which are on this machine.") { root };
        command.SetAction(parsed =>
        {
            foreach (ShelvedData data in DataShelf.List(parsed.GetValue(root)))
            {
                string state = data.Entry.BuiltIn ? "built in" : data.Folder ?? string.Create(CultureInfo.InvariantCulture,
                    $"not here: vitrine data get {data.Entry.Name} ({data.Entry.Bytes / 1e6:0.0} MB)");
                Console.Out.WriteLine($"{data.Entry.Name,-14} {data.Entry.Title}: {data.Entry.Shape}");
                Console.Out.WriteLine($"{"",-14} {state}");
            }
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Get()
    {
        var name = new Argument<string>("NAME") { Description = "mnist or fashion-mnist" };
        Option<string?> root = Root();
        var command = new Command("get", "Fetch a data set: checked by SHA-256, resumed if interrupted, never half there.") { name, root };
        Help.Add(command, "vitrine data get mnist", "into VITRINE_DATA, or the user's own data folder",
            "vitrine data get fashion-mnist --data-root data", "into data/fashion-mnist");
        command.SetAction(async (parsed, cancel) =>
        {
            CatalogEntry entry = Catalog.Find(parsed.GetRequiredValue(name));
            if (entry.BuiltIn)
            {
                Console.Out.WriteLine($"{entry.Name} is built in; there is nothing to fetch.");
                return ExitCode.Ok;
            }
            using var client = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
            string folder = await new Downloader(client).FetchAsync(entry, parsed.GetValue(root), new Lines(), cancel);
            Console.Out.WriteLine($"{entry.Title} is in {folder}.");
            return ExitCode.Ok;
        });
        return command;
    }

    // The messages of Vitrine.Data speak of --data where a folder is meant.
    private static Option<string?> Root()
    {
        Option<string?> root = Options.DataRoot();
        root.Aliases.Add("--data");
        return root;
    }

    private sealed class Lines : IProgress<DownloadProgress>
    {
        private string _file = "";
        private long _tenth = -1;

        public void Report(DownloadProgress value)
        {
            long tenth = value.Total > 0 ? 10 * value.Received / value.Total : 0;
            if (value.File == _file && tenth == _tenth) return;
            (_file, _tenth) = (value.File, tenth);
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{value.File}: {value.Received / 1e6:0.0} of {value.Total / 1e6:0.0} MB"));
        }
    }
}
