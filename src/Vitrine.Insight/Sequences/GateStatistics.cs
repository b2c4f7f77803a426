namespace Vitrine.Insight;

/// <summary>
/// How often the gates of a layer of long short-term memory are as good as shut or open (Karpathy, Johnson and Fei-Fei 2015, section 4.2): a gate is
/// left-saturated below 0.1 and right-saturated above 0.9. A cell whose forget gate is nearly always open remembers; one whose is shut is a plain unit.
/// </summary>
public sealed class GateStatistics
{
    private const float Shut = 0.1f, Open = 0.9f;

    private readonly long[][] _left, _right;

    /// <summary>Starts to count.</summary>
    /// <param name="size">H: the cells of the layer.</param>
    public GateStatistics(int size)
    {
        _left = [new long[size], new long[size], new long[size]];
        _right = [new long[size], new long[size], new long[size]];
    }

    /// <summary>How many steps were counted.</summary>
    public long Steps { get; private set; }

    /// <summary>Input gates: for each cell the parts of steps, in [0, 1], in which the gate was shut and open.</summary>
    public IReadOnlyList<(double Left, double Right)> Input => Parts(0);

    /// <summary>Forget gates, as <see cref="Input"/>.</summary>
    public IReadOnlyList<(double Left, double Right)> Forget => Parts(1);

    /// <summary>Output gates, as <see cref="Input"/>.</summary>
    public IReadOnlyList<(double Left, double Right)> Output => Parts(2);

    /// <summary>Counts the steps of a stretch of text.</summary>
    /// <param name="gates">The layer on the stretch; every row of the batch to its end.</param>
    /// <param name="from">The first step that counts.</param>
    /// <exception cref="ArgumentException">The layer has another size.</exception>
    public void Add(LstmGates gates, int from = 0)
    {
        ArgumentNullException.ThrowIfNull(gates);
        (int n, int steps, int size) = (gates.Input.Shape[0], gates.Input.Shape[1], gates.Input.Shape[2]);
        if (size != _left[0].Length) throw new ArgumentException($"These gates belong to {size} cells, not to {_left[0].Length}.", nameof(gates));
        Tensor[] all = [gates.Input, gates.Forget, gates.Output];
        for (int gate = 0; gate < all.Length; gate++)
        {
            long[] left = _left[gate], right = _right[gate];
            for (int row = 0; row < n; row++)
                for (int step = from; step < steps; step++)
                {
                    ReadOnlySpan<float> values = all[gate].Floats.Slice((row * steps + step) * size, size);
                    for (int k = 0; k < size; k++)
                    {
                        if (values[k] < Shut) left[k]++;
                        else if (values[k] > Open) right[k]++;
                    }
                }
        }
        Steps += (long)n * Math.Max(0, steps - from);
    }

    private (double Left, double Right)[] Parts(int gate)
    {
        double steps = Math.Max(1, Steps);
        return [.. _left[gate].Zip(_right[gate], (l, r) => (l / steps, r / steps))];
    }
}
