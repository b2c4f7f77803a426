namespace Vitrine.Insight;

/// <summary>
/// The L2 attack of Carlini and Wagner 2017, "Towards evaluating the robustness of neural networks": the squared length of the change plus c times how far the
/// class is from being another is minimised with Adam over a variable whose hyperbolic tangent is the input, so that every value is valid; c is the smallest
/// that succeeds, found by bisection.
/// </summary>
public sealed class CarliniWagner : IAttack
{
    private const double Beta1 = 0.9, Beta2 = 0.999, Tiny = 1e-8;

    // A change that succeeds by less than another order of summation might make up for does not count.
    private const float Rounding = 1e-6f;
    private const float Unsaturated = 0.999999f;
    private const double NoUpper = 1e10;

    private readonly ValidRange _range;
    private readonly float _confidence;
    private readonly double _rate;
    private readonly int _steps;
    private readonly int _searches;
    private readonly double _first;
    private readonly bool _abort;

    /// <summary>Chooses bounds and effort; those left out are the paper's, but for the number of steps (there 10,000).</summary>
    /// <param name="range">The values an element may take, finite; null for 0 to 1.</param>
    /// <param name="targeted">Whether the labels are classes to be reached, not true ones to be left.</param>
    /// <param name="confidence">By how much (kappa, in logits) the new class is to exceed the others.</param>
    /// <param name="learningRate">Adam's.</param>
    /// <param name="steps">Steps for each c.</param>
    /// <param name="searches">How many c are tried.</param>
    /// <param name="first">The first of them.</param>
    /// <param name="abortEarly">Leaves a c when a tenth of its steps brought no progress.</param>
    public CarliniWagner(
        ValidRange? range = null, bool targeted = false, float confidence = 0, double learningRate = 0.01, int steps = 1000, int searches = 9,
        double first = 1e-3, bool abortEarly = true)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(confidence);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(learningRate);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(searches, 1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(first);
        _range = (range ?? ValidRange.Unit).Finite(Name);
        (_confidence, _rate, _steps, _searches, _first, _abort) = (confidence, learningRate, steps, searches, first, abortEarly);
        Targeted = targeted;
    }

    /// <inheritdoc/>
    public string Name => "Carlini-Wagner L2";

    /// <inheritdoc/>
    public bool Targeted { get; }

    /// <summary>The changed input: for each example the nearest that succeeded, or the original where none did.</summary>
    /// <inheritdoc cref="IAttack.Perturb"/>
    public Tensor Perturb(Module model, Tensor input, IReadOnlyList<int> labels, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        AttackBatch.Check(input, labels);
        int n = input.Shape[0];
        var search = new Search(input.ToArray(), Inside(input), input.Shape);
        double[] c = [.. Enumerable.Repeat(_first, n)], lower = new double[n], upper = [.. Enumerable.Repeat(NoUpper, n)];
        for (int round = 0; round < _searches; round++)
        {
            bool[] succeeded = Descend(model, search, labels, c, share => progress?.Report((round + share) / _searches), cancel);
            for (int i = 0; i < n; i++)
            {
                if (succeeded[i]) upper[i] = Math.Min(upper[i], c[i]);
                else lower[i] = Math.Max(lower[i], c[i]);
                c[i] = upper[i] < NoUpper ? (lower[i] + upper[i]) / 2 : Math.Min(c[i] * 10, NoUpper);
            }
        }
        progress?.Report(1);
        return Tensor.From(search.Best, input.Shape);
    }

    // One descent for every example from the original, each with its own c. An example that makes no progress any more leaves the batch.
    private bool[] Descend(Module model, Search search, IReadOnlyList<int> labels, double[] c, Action<double> progress, CancellationToken cancel)
    {
        int n = c.Length, size = search.Original.Length / n, patience = Math.Max(1, _steps / 10);
        float[] w = [.. search.Start], original = search.Original;
        double[] mean = new double[w.Length], square = new double[w.Length], before = [.. Enumerable.Repeat(double.PositiveInfinity, n)];
        bool[] succeeded = new bool[n];
        List<int> active = [.. Enumerable.Range(0, n)];
        Tensor middle = (_range.Low + _range.High) * 0.5f, half = (_range.High - _range.Low) * 0.5f;
        for (int step = 0; step < _steps && active.Count > 0; step++)
        {
            cancel.ThrowIfCancellationRequested();
            using var scope = MemoryScope.Open();
            int[] now = [.. active.Select(i => labels[i])];
            Tensor free = AttackBatch.Select(w, search.Shape, active).Watch();
            Tensor x = free.Tanh() * half + middle;
            Tensor rows = AttackBatch.Rows(model.Call(new Run(recording: true, fused: false), x), now);
            // Above zero where the attack has succeeded.
            Tensor margin = AttackBatch.Above(rows, now, strongest: true) * (Targeted ? -1f : 1f);
            Tensor distance = (x - AttackBatch.Select(original, search.Shape, active)).Square().Flatten().Sum([1]);
            Tensor weight = Tensor.From([.. active.Select(i => (float)c[i])], [active.Count]);
            Tensor loss = distance + weight * (-margin).Maximum(Tensor.Scalar(-_confidence));
            float[] gradient = Autograd.Backward(loss, null, [free])[0].ToArray();
            var left = new List<int>(active.Count);
            for (int i = 0; i < active.Count; i++)
            {
                int example = active[i];
                if (margin.Floats[i] > Rounding * (1 + Largest(rows, i)) && margin.Floats[i] >= _confidence)
                {
                    succeeded[example] = true;
                    search.Offer(example, distance.Floats[i], x.Floats.Slice(i * size, size));
                }
                if (_abort && step % patience == 0)
                {
                    if (loss.Floats[i] > 0.9999 * before[example]) continue;
                    before[example] = loss.Floats[i];
                }
                left.Add(example);
                Adam(w, mean, square, example * size, gradient.AsSpan(i * size, size), step + 1);
            }
            active = left;
            progress((step + 1.0) / _steps);
        }
        return succeeded;
    }

    private void Adam(float[] w, double[] mean, double[] square, int at, ReadOnlySpan<float> gradient, int step)
    {
        double first = 1 - Math.Pow(Beta1, step), second = 1 - Math.Pow(Beta2, step);
        for (int p = 0; p < gradient.Length; p++)
        {
            double g = gradient[p];
            double m = mean[at + p] = Beta1 * mean[at + p] + (1 - Beta1) * g, v = square[at + p] = Beta2 * square[at + p] + (1 - Beta2) * g * g;
            w[at + p] -= (float)(_rate * (m / first) / (Math.Sqrt(v / second) + Tiny));
        }
    }

    // The variable whose hyperbolic tangent the input is. An input at the edge of its range has none: it starts just inside.
    private float[] Inside(Tensor input)
    {
        using var scope = MemoryScope.Open();
        float[] part = ((_range.Clip(input) - (_range.Low + _range.High) * 0.5f) / ((_range.High - _range.Low) * 0.5f)).ToArray();
        return [.. part.Select(p => MathF.Atanh(p * Unsaturated))];
    }

    private static float Largest(Tensor rows, int i)
    {
        float most = 0;
        foreach (float logit in rows.Floats.Slice(i * rows.Shape[1], rows.Shape[1])) most = Math.Max(most, Math.Abs(logit));
        return most;
    }

    /// <summary>Where every descent starts and the nearest successes so far.</summary>
    private sealed class Search(float[] original, float[] start, Shape shape)
    {
        private readonly double[] _distance = [.. Enumerable.Repeat(double.PositiveInfinity, shape[0])];

        public float[] Original => original;

        public float[] Start => start;

        public Shape Shape => shape;

        public float[] Best { get; } = [.. original];

        public void Offer(int example, double distance, ReadOnlySpan<float> x)
        {
            if (distance >= _distance[example]) return;
            _distance[example] = distance;
            x.CopyTo(Best.AsSpan(example * x.Length));
        }
    }
}
