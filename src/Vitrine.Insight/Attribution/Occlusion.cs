namespace Vitrine.Insight;

/// <summary>
/// Occlusion (Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks"): a window slides over the input, and the values under it become
/// the baseline's. Each element gets the mean, over the windows that covered it, of how much the answer lost.
/// </summary>
public sealed class Occlusion : IAttribution
{
    private readonly int[]? _window;
    private readonly int[]? _stride;
    private readonly Baseline _baseline;

    /// <summary>Describes the window.</summary>
    /// <param name="window">Its extent on each axis of an example ([C, H, W] for pictures); null for an eighth of each axis, all channels of a picture at
    /// once.</param>
    /// <param name="stride">How far it moves on each axis, at most its own extent there; null for half of it. The last window may reach over the edge.</param>
    /// <param name="baseline">What is put under the window; null for zeros.</param>
    /// <exception cref="ArgumentException">An extent is less than one, or a stride larger than the window, or there is a stride without a window.</exception>
    public Occlusion(IReadOnlyList<int>? window = null, IReadOnlyList<int>? stride = null, Baseline? baseline = null)
    {
        _window = window?.ToArray();
        _stride = stride?.ToArray();
        _baseline = baseline ?? Baseline.Zeros;
        if (_window is null)
        {
            if (_stride is not null) throw new ArgumentException("A stride needs a window; give both.", nameof(stride));
            return;
        }
        _stride ??= [.. _window.Select(w => Math.Max(1, w / 2))];
        if (_stride.Length != _window.Length)
        {
            throw new ArgumentException($"The window has {_window.Length} axes, the stride {_stride.Length}.", nameof(stride));
        }
        for (int i = 0; i < _window.Length; i++)
        {
            if (_stride[i] < 1 || _stride[i] > _window[i])
            {
                throw new ArgumentException(
                    $"On axis {i} the window of {_window[i]} moves by {_stride[i]}: it should move by 1 to {_window[i]}.", nameof(stride));
            }
        }
    }

    /// <inheritdoc/>
    public string Name => "occlusion";

    /// <inheritdoc/>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        Probes probes = Probes.On(model, input, target, wrt, progress, cancel);
        Shape shape = probes.Of.Shape.Without(0);
        (int[] window, int[] stride) = Fitted(shape);
        int[] places = [.. window.Select((w, axis) => (shape[axis] - w + stride[axis] - 1) / stride[axis] + 1)];
        float[] baseline = _baseline.For(probes.Of).ToArray();
        int size = probes.Size, windows = places.Aggregate(1, (a, b) => checked(a * b));
        float[] scores = probes.Ask(windows, (number, n, values) =>
        {
            foreach (int i in Under(number, shape, window, stride, places)) values[i] = baseline[n * size + i];
        });

        double[] lost = new double[probes.Of.Count];
        int[] covered = new int[size];
        for (int w = 0; w < windows; w++)
        {
            foreach (int i in Under(w, shape, window, stride, places))
            {
                covered[i]++;
                for (int n = 0; n < probes.Examples; n++) lost[n * size + i] += (double)probes.Score.Floats[n] - scores[w * probes.Examples + n];
            }
        }
        return probes.Attribution(Name, [.. lost.Select((sum, i) => (float)(sum / covered[i % size]))]);
    }

    private (int[] Window, int[] Stride) Fitted(Shape shape)
    {
        int rank = shape.Rank;
        int[] extent = shape.Dims.ToArray();
        int[] window = _window ?? [.. extent.Select((e, axis) => rank == 3 && axis == 0 ? e : Math.Max(1, e / 8))];
        if (window.Length != rank || window.Where((w, axis) => w > extent[axis]).Any())
        {
            throw new ArgumentException(
                $"A window of [{string.Join(", ", window)}] does not fit an example of shape {shape}; it needs an extent for each axis, within it.");
        }
        return (window, _stride ?? [.. window.Select(w => Math.Max(1, w / 2))]);
    }

    /// <summary>The elements under a window; windows are numbered along the last axis first.</summary>
    private static List<int> Under(int number, Shape shape, int[] window, int[] stride, int[] places)
    {
        int rank = window.Length;
        Span<int> first = stackalloc int[rank];
        for (int axis = rank - 1; axis >= 0; axis--)
        {
            (number, int place) = Math.DivRem(number, places[axis]);
            first[axis] = place * stride[axis];
        }
        List<int> under = [0];
        for (int axis = 0; axis < rank; axis++)
        {
            int end = Math.Min(first[axis] + window[axis], shape[axis]);
            var finer = new List<int>(under.Count * (end - first[axis]));
            foreach (int above in under)
            {
                for (int i = first[axis]; i < end; i++) finer.Add(above * shape[axis] + i);
            }
            under = finer;
        }
        return under;
    }
}
