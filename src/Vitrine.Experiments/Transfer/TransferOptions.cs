namespace Vitrine.Experiments;

/// <summary>How features are to be transferred from one half of the classes to the other.</summary>
public sealed record TransferOptions
{
    /// <summary>The data sets by name.</summary>
    public static IReadOnlyList<string> DataSets { get; } = ["cifar10", "fashion-mnist", "mnist", "digits"];

    /// <summary>The name of a data set, one of <see cref="DataSets"/>.</summary>
    public string Data { get; init; } = "cifar10";

    /// <summary>The folder that holds data sets by name; null for VITRINE_DATA or the user's own.</summary>
    public string? DataRoot { get; init; }

    /// <summary>How many seeds: each draws its own halves, examples, weights and orders.</summary>
    public int Seeds { get; init; } = 5;

    /// <summary>The first seed.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Training examples of each class.</summary>
    public int PerClass { get; init; } = 500;

    /// <summary>Fewer training examples of each class of B, to see what transfer is worth then; empty for none.</summary>
    public IReadOnlyList<int> Reduced { get; init; } = [];

    /// <summary>At most so many examples of each class to be judged by; they are never learned from.</summary>
    public int JudgedPerClass { get; init; } = 1_000;

    /// <summary>Passes over the training examples. With fewer examples there are more passes, so that the number of steps stays.</summary>
    public int Epochs { get; init; } = 24;

    /// <summary>Examples in a step.</summary>
    public int BatchSize { get; init; } = 64;

    /// <summary>The size of a step at the beginning; it falls to nothing along half a cosine.</summary>
    public double LearningRate { get; init; } = 0.02;

    /// <summary>Whether to train on top of random filters too.</summary>
    public bool RandomFilters { get; init; } = true;

    /// <summary>The part of all answers, in [0, 1], below which a difference is of no account: what "no drop" means.</summary>
    public double Margin { get; init; } = 0.02;

    /// <summary>The folder for the jobs, the results and the page.</summary>
    public string Output { get; init; } = "transfer";

    /// <summary>Whether to go on with what an interrupted run left in the folder.</summary>
    public bool Resume { get; init; }

    internal void Check()
    {
        if (!DataSets.Contains(Data)) throw new ArgumentException($"No data set is called '{Data}'. Choose one of: {string.Join(", ", DataSets)}.");
        foreach ((string name, int value) in new[]
                 {
                     ("seeds", Seeds), ("training examples of a class", PerClass), ("examples to be judged by", JudgedPerClass), ("epochs", Epochs),
                     ("examples in a step", BatchSize),
                 })
        {
            if (value < 1) throw new ArgumentException($"The number of {name} is {value}; it should be at least 1.");
        }
        if (!(LearningRate > 0 && double.IsFinite(LearningRate))) throw new ArgumentException($"The learning rate is {LearningRate}; it should be above 0.");
        if (!(Margin is > 0 and < 1)) throw new ArgumentException($"The margin is {Margin}; it is a part of all answers, between 0 and 1.");
        foreach (int fewer in Reduced)
        {
            if (fewer < 1 || fewer >= PerClass)
                throw new ArgumentException($"The reduced number of examples is {fewer}; it should be at least 1 and below the {PerClass} of the full "
                    + $"experiment.");
        }
    }
}
