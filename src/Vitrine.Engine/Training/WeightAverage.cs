using Vitrine.Cpu;

namespace Vitrine;

/// <summary>
/// The exponential moving average of a network's parameters and running statistics over the steps of a training (Polyak and Juditsky 1992); it often answers
/// better than the last weights do.
/// </summary>
/// <remarks>
/// After n updates the decay is min(decay, (1 + n) / (10 + n)), as in TensorFlow's <c>ExponentialMovingAverage</c>, so that an average of few steps is not
/// ruled by the random weights it began with.
/// </remarks>
public sealed class WeightAverage
{
    private readonly double _decay;
    private readonly (Parameter Live, Tensor Average)[] _pairs;
    private long _updates;

    /// <summary>Starts the average at the network's present weights.</summary>
    /// <param name="network">Whose weights are averaged.</param>
    /// <param name="decay">How much of the average is kept at each update, in [0, 1): 0.999 looks back over about a thousand steps.</param>
    /// <exception cref="ArgumentOutOfRangeException">The decay is outside [0, 1).</exception>
    public WeightAverage(Module network, double decay)
    {
        if (decay is not (>= 0 and < 1)) throw new ArgumentOutOfRangeException(nameof(decay), decay, "The decay of an average lies in [0, 1).");
        _decay = decay;
        _pairs = [.. network.Parameters.Concat(network.Buffers).Select(p => (p, MemoryScope.Outside(() => Tensor.From(p.Value.Floats, p.Value.Shape))))];
    }

    /// <summary>Moves the average towards the present weights; call it after every step.</summary>
    public void Update()
    {
        double part = 1 - Math.Min(_decay, (1.0 + _updates) / (10.0 + _updates));
        _updates++;
        foreach ((Parameter live, Tensor average) in _pairs) UpdateKernels.Run(average.MutableFloats, live.Value.Floats, [], new AverageRule(part));
    }

    /// <summary>Exchanges the network's weights and the average: once to ask the averaged network, again to train on.</summary>
    public void Swap()
    {
        foreach ((Parameter live, Tensor average) in _pairs)
        {
            Span<float> a = live.Value.MutableFloats, b = average.MutableFloats;
            for (int i = 0; i < a.Length; i++) (a[i], b[i]) = (b[i], a[i]);
        }
    }

    /// <summary>The average by the parameters' names, and the number of updates.</summary>
    public IReadOnlyDictionary<string, Tensor> State()
    {
        var state = new SortedDictionary<string, Tensor>(StringComparer.Ordinal) { ["updates"] = Tensor.From([_updates], [1]) };
        foreach ((Parameter live, Tensor average) in _pairs) state.Add("weights." + live.Name, average);
        return state;
    }

    /// <summary>Restores a <see cref="State"/>.</summary>
    /// <exception cref="ArgumentException">It is that of another network.</exception>
    public void Load(IReadOnlyDictionary<string, Tensor> state)
    {
        _updates = Required("updates").Longs[0];
        foreach ((Parameter live, Tensor average) in _pairs)
        {
            Tensor saved = Required("weights." + live.Name);
            if (saved.Shape != average.Shape) throw new ArgumentException($"The average of {live.Name} has shape {saved.Shape}, not {average.Shape}.");
            saved.Floats.CopyTo(average.MutableFloats);
        }

        Tensor Required(string name) => state.TryGetValue(name, out Tensor? tensor)
            ? tensor
            : throw new ArgumentException($"The state of the average lacks {name}.");
    }
}
