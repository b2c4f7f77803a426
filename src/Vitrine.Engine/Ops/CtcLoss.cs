namespace Vitrine.Ops;

/// <summary>
/// The negative log-probability of label sequences, summed over all alignments (Graves et al. 2006, connectionist temporal classification).
/// Input: log-probabilities [T, N, C]; result [N], infinite where no alignment exists. The result's <c>Saved</c> holds the gradient of each example.
/// </summary>
public sealed class CtcLossOp : Op
{
    private readonly int[][] _targets;
    private readonly int[] _lengths;
    private readonly int _blank;

    /// <summary>Makes the operator.</summary>
    /// <param name="targets">The labels of each example.</param>
    /// <param name="lengths">How many steps of each example count.</param>
    /// <param name="blank">The class that stands for no label.</param>
    public CtcLossOp(int[][] targets, int[] lengths, int blank) => (_targets, _lengths, _blank) = (targets, lengths, blank);

    /// <inheritdoc/>
    public override Tensor Forward(ReadOnlySpan<Tensor> inputs)
    {
        Tensor logP = inputs[0];
        if (logP.Rank != 3 || logP.Shape[1] != _targets.Length || logP.Shape[1] != _lengths.Length)
        {
            throw new ArgumentException("log-probabilities are [T, N, C], with targets and lengths for each of N");
        }
        int steps = logP.Shape[0], n = logP.Shape[1], classes = logP.Shape[2];
        if ((uint)_blank >= (uint)classes) throw new ArgumentException($"the blank {_blank} is no class of {classes}");
        Tensor loss = Tensor.Uninitialized([n]), gradient = Tensor.Zeros(logP.Shape);
        for (int i = 0; i < n; i++)
        {
            if (_lengths[i] < 0 || _lengths[i] > steps) throw new ArgumentException($"example {i} has {_lengths[i]} steps of {steps}");
            if (_targets[i].Any(label => (uint)label >= (uint)classes)) throw new ArgumentException($"example {i} has a label outside [0, {classes})");
            loss.MutableFloats[i] = (float)Example(logP.Floats, gradient.MutableFloats, i, n, classes);
        }
        loss.Saved = gradient;
        return loss;
    }

    /// <inheritdoc/>
    public override Tensor? Backward(Node node, Tensor grad, int input)
    {
        if (!Recording.Off) throw new NotSupportedException("the CTC loss has no second derivative");
        return node.Output.Saved! * grad.Reshape(1, grad.Count, 1);
    }

    /// <summary>One example's loss by the forward recursion, and, with the backward one, minus the probability that each step spends on each class.</summary>
    private double Example(ReadOnlySpan<float> logP, Span<float> gradient, int example, int n, int classes)
    {
        int[] labels = _targets[example];
        int steps = _lengths[example], states = 2 * labels.Length + 1; // blanks around the labels
        if (steps == 0) return labels.Length == 0 ? 0 : double.PositiveInfinity;
        double[] forward = new double[steps * states], backward = new double[states], next = new double[states];
        Array.Fill(forward, double.NegativeInfinity);
        for (int s = 0; s < Math.Min(2, states); s++) forward[s] = At(logP, 0, s);
        for (int t = 1; t < steps; t++)
        {
            ReadOnlySpan<double> before = forward.AsSpan((t - 1) * states, states);
            for (int s = 0; s < states; s++)
            {
                double sum = before[s];
                if (s > 0) sum = LogAdd(sum, before[s - 1]);
                if (CanSkip(s)) sum = LogAdd(sum, before[s - 2]);
                forward[t * states + s] = sum + At(logP, t, s);
            }
        }
        int end = (steps - 1) * states + states - 1;
        double total = states > 1 ? LogAdd(forward[end], forward[end - 1]) : forward[end];
        if (double.IsNegativeInfinity(total)) return double.PositiveInfinity;

        Array.Fill(backward, double.NegativeInfinity);
        for (int t = steps - 1; t >= 0; t--)
        {
            for (int s = 0; s < states; s++)
            {
                // backward[s]: of everything after step t, given state s at t.
                double sum = t == steps - 1 ? (s >= states - 2 ? 0 : double.NegativeInfinity) : Then(s);
                if (t < steps - 1 && s + 1 < states) sum = LogAdd(sum, Then(s + 1));
                if (t < steps - 1 && s + 2 < states && CanSkip(s + 2)) sum = LogAdd(sum, Then(s + 2));
                next[s] = sum;
                double posterior = forward[t * states + s] + sum - total;
                if (!double.IsNegativeInfinity(posterior)) gradient[(t * n + example) * classes + Class(s)] -= (float)Math.Exp(posterior);
            }
            // The next turn needs the probability of the step itself, too.
            for (int s = 0; s < states; s++) backward[s] = next[s] + At(logP, t, s);
        }
        return -total;

        double Then(int s) => backward[s];

        int Class(int s) => s % 2 == 0 ? _blank : labels[s / 2];

        bool CanSkip(int s) => s >= 2 && s % 2 == 1 && labels[s / 2] != labels[s / 2 - 1];

        double At(ReadOnlySpan<float> values, int t, int s) => values[(t * n + example) * classes + Class(s)];
    }

    private static double LogAdd(double a, double b)
    {
        double max = Math.Max(a, b);
        return double.IsNegativeInfinity(max) ? max : max + Math.Log(Math.Exp(a - max) + Math.Exp(b - max));
    }
}
