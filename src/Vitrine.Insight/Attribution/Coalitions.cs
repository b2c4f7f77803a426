namespace Vitrine.Insight;

/// <summary>Says which features are present in a round; all are, as it arrives.</summary>
internal delegate void Deal(int round, int example, Span<bool> present);

/// <summary>
/// An explanation as a cooperative game: the features of each example are players, a coalition's worth is the answer when the features that are absent have the
/// baseline's values.
/// </summary>
internal sealed class Coalitions
{
    private readonly Probes _probes;
    private readonly float[] _baseline;
    private readonly int[][] _labels;
    private readonly bool[][] _present;

    public Coalitions(Probes probes, Features features, Baseline baseline)
    {
        _probes = probes;
        _baseline = baseline.For(probes.Of).ToArray();
        _labels = new int[probes.Examples][];
        Shape one = probes.Of.Shape.Without(0);
        for (int n = 0; n < _labels.Length; n++) _labels[n] = features.Labels(Tensor.From(probes.Example(n), one));
        _present = [.. _labels.Select(l => new bool[l.Max() + 1])];
        Most = _present.Max(p => p.Length);
    }

    /// <summary>The largest number of features among the examples.</summary>
    public int Most { get; }

    /// <summary>How many features an example has.</summary>
    public int Count(int example) => _present[example].Length;

    /// <summary>The feature of each element of an example.</summary>
    public IReadOnlyList<int> Labels(int example) => _labels[example];

    /// <summary>What the coalitions are worth, [round * N + example].</summary>
    public float[] Worth(int rounds, Deal deal) => _probes.Ask(rounds, (round, example, values) =>
    {
        bool[] present = _present[example];
        present.AsSpan().Fill(true);
        deal(round, example, present);
        int[] labels = _labels[example];
        ReadOnlySpan<float> baseline = _baseline.AsSpan(example * values.Length, values.Length);
        for (int i = 0; i < values.Length; i++)
        {
            if (!present[labels[i]]) values[i] = baseline[i];
        }
    });

    /// <summary>Gives every element the value of its feature.</summary>
    /// <param name="method">The method's name.</param>
    /// <param name="values">For each example a value for each feature.</param>
    public Attribution Paint(string method, double[][] values)
    {
        float[] painted = new float[_probes.Of.Count];
        for (int n = 0; n < _labels.Length; n++)
        {
            for (int i = 0; i < _labels[n].Length; i++) painted[n * _probes.Size + i] = (float)values[n][_labels[n][i]];
        }
        return _probes.Attribution(method, painted);
    }
}
