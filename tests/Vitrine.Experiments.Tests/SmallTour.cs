namespace Vitrine.Experiments.Tests;

/// <summary>One small tour that the tests of its report share: enough training that it knows something, and still errs.</summary>
public sealed class SmallTour : IDisposable
{
    public static readonly TourOptions Options = new() { Examples = 1_500, Epochs = 2, Seed = 3 };

    private readonly TempFolder _folder = new();

    public SmallTour() => Result = Tour.Run(Options with { Output = _folder.Path });

    public TourResult Result { get; }

    public string Folder => _folder.Path;

    public string Html => File.ReadAllText(Result.Report);

    public void Dispose() => _folder.Dispose();
}
