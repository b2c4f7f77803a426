using System.Xml.Linq;

namespace Vitrine.Engine.Tests;

/// <summary>Which project may know which: docs/architecture.md, as a check.</summary>
public sealed class ReferenceGraphTests
{
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Engine"] = [],
        ["Render"] = [],
        ["Data"] = ["Engine", "Render"],
        ["Models"] = ["Engine"],
        ["Onnx"] = ["Engine"],
        ["Insight"] = ["Engine"],
        ["Experiments"] = ["Engine", "Render", "Data", "Models", "Onnx", "Insight"],
        ["Workbench"] = ["Experiments"],
        ["Cluster"] = ["Experiments"],
        ["Cli"] = ["Experiments", "Workbench", "Cluster"],
    };

    public static TheoryData<string> Projects() => [.. Directory.GetFiles(Path.Combine(Root(), "src"), "*.csproj", SearchOption.AllDirectories).Select(Name)];

    [Theory]
    [MemberData(nameof(Projects))]
    public void ProjectKnowsOnlyWhomItMay(string project)
    {
        Assert.Contains(project, Allowed.Keys);
        XDocument file = XDocument.Load(Path.Combine(Root(), "src", $"Vitrine.{project}", $"Vitrine.{project}.csproj"));
        IEnumerable<string> known = file.Descendants("ProjectReference").Select(r => Name(r.Attribute("Include")!.Value));
        Assert.All(known, k => Assert.Contains(k, Allowed[project]));
    }

    [Fact]
    public void EngineNeedsOnePackage()
    {
        XDocument file = XDocument.Load(Path.Combine(Root(), "src", "Vitrine.Engine", "Vitrine.Engine.csproj"));
        Assert.Equal(["System.Numerics.Tensors"], file.Descendants("PackageReference").Select(r => r.Attribute("Include")!.Value));
    }

    private static string Name(string path) => Path.GetFileNameWithoutExtension(path.Replace('\\', '/'))["Vitrine.".Length..];

    private static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Vitrine.slnx"))) folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("The tests do not run inside the repository.");
    }
}
