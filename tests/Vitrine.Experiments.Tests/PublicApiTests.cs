using System.Reflection;

namespace Vitrine.Experiments.Tests;

/// <summary>What users can see changes on purpose only: the public surface of every library is written down in tests/PublicApi.</summary>
public sealed class PublicApiTests
{
    private const string Accept = "VITRINE_ACCEPT_API";

    private static bool Accepting => Environment.GetEnvironmentVariable(Accept) is "1";

    public static TheoryData<string> Libraries() => [.. Projects()];

    [Theory]
    [MemberData(nameof(Libraries))]
    public void SurfaceIsTheOneWrittenDown(string library)
    {
        string file = Path.Combine(AppContext.BaseDirectory, library + ".dll");
        Assert.True(File.Exists(file), $"{library} is not beside this test: let Vitrine.Experiments.Tests.csproj refer to it.");
        string[] now = PublicApi.Lines(Assembly.LoadFrom(file));
        string written = Path.Combine(Folder(), library + ".txt");
        if (Accepting)
        {
            Directory.CreateDirectory(Folder());
            File.WriteAllText(written, string.Concat(now.Select(line => line + "\n")));
            return;
        }
        string[] before = File.Exists(written) ? File.ReadAllLines(written) : [];
        string[] changes = [.. before.Except(now).Select(line => "- " + line), .. now.Except(before).Select(line => "+ " + line)];
        Assert.True(changes.Length == 0, $"""
            The public surface of {library} is not the one in tests/PublicApi/{library}.txt:
            {string.Join('\n', changes)}
            If that is meant, accept it and commit the file:
            {Accept}=1 dotnet test --project tests/Vitrine.Experiments.Tests -c Release --filter-class {typeof(PublicApiTests).FullName}
            """);
    }

    [Fact]
    public void NothingIsWrittenDownForLibrariesThatAreGone()
    {
        string[] files = Directory.Exists(Folder()) ? Directory.GetFiles(Folder(), "*.txt") : [];
        string[] gone = [.. files.Where(f => !Projects().Contains(Path.GetFileNameWithoutExtension(f)))];
        if (Accepting) Array.ForEach(gone, File.Delete);
        else Assert.Empty(gone);
    }

    // Programs offer a command line and no types.
    private static IEnumerable<string> Projects() => Directory.GetFiles(Path.Combine(Root(), "src"), "*.csproj", SearchOption.AllDirectories)
        .Where(f => !File.ReadAllText(f).Contains("<OutputType>Exe</OutputType>")).Select(f => Path.GetFileNameWithoutExtension(f)).Order(
            StringComparer.Ordinal);

    private static string Folder() => Path.Combine(Root(), "tests", "PublicApi");

    private static string Root()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Vitrine.slnx"))) folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException("Vitrine.slnx is in no folder above the tests.");
    }
}
