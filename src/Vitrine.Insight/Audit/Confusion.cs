namespace Vitrine.Insight;

/// <summary>Which classes a classifier takes for which.</summary>
public sealed class Confusion
{
    private readonly int[,] _counts;

    private Confusion(int[,] counts, IReadOnlyList<string> classes)
    {
        _counts = counts;
        Classes = classes;
    }

    /// <summary>The names of the classes.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>How many examples of class <paramref name="actual"/> were taken for <paramref name="predicted"/>.</summary>
    public int this[int actual, int predicted] => _counts[actual, predicted];

    /// <summary>A copy of the counts, [actual, predicted].</summary>
    public int[,] Counts => (int[,])_counts.Clone();

    /// <summary>Counts the answers of an evaluation.</summary>
    public static Confusion Of(Evaluation evaluation)
    {
        int classes = evaluation.Data.Classes.Count;
        int[,] counts = new int[classes, classes];
        for (int i = 0; i < evaluation.Predicted.Count; i++)
        {
            // An output layer wider than the list of classes can answer with a class that has no name.
            if (evaluation.Predicted[i] < classes) counts[(int)evaluation.Data.Labels.Longs[i], evaluation.Predicted[i]]++;
        }
        return new Confusion(counts, evaluation.Data.Classes);
    }
}

/// <summary>A wrong answer.</summary>
/// <param name="Index">The example's number in the data set.</param>
/// <param name="Actual">Its class.</param>
/// <param name="Predicted">The class the network gave.</param>
/// <param name="Confidence">The probability the network gave it.</param>
public readonly record struct Mistake(int Index, int Actual, int Predicted, float Confidence)
{
    /// <summary>The wrong answers, the most confident first; equal ones in the order of the data.</summary>
    public static IReadOnlyList<Mistake> MostConfident(Evaluation evaluation, int count) =>
    [
        .. Enumerable.Range(0, evaluation.Predicted.Count)
            .Where(i => evaluation.Predicted[i] != evaluation.Data.Labels.Longs[i])
            .Select(i => new Mistake(i, (int)evaluation.Data.Labels.Longs[i], evaluation.Predicted[i], evaluation.Confidence[i]))
            .OrderByDescending(m => m.Confidence).ThenBy(m => m.Index).Take(count),
    ];
}
