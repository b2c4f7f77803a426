using System.Numerics.Tensors;

namespace Vitrine.Insight;

/// <summary>
/// DeepFool (Moosavi-Dezfooli, Fawzi, Frossard 2016, "DeepFool: a simple and accurate method to fool deep neural networks"): the network is taken for linear
/// where the input stands, the input moved to the nearest face of its class's region, and so on until the class changes. Approximates the smallest change
/// that fools; on a linear classifier it is that change.
/// </summary>
/// <remarks>
/// Where a range of valid values is given, an element that lies at its end and would be moved over it is left out of the step and of its length: clipping would
/// undo that part, and a step most of which is undone (the ground of a drawing is at the end of its range almost everywhere) does not reach the face.
/// </remarks>
public sealed class DeepFool : IAttack
{
    private readonly AttackNorm _norm;
    private readonly float _overshoot;
    private readonly int _steps;
    private readonly int _candidates;
    private readonly ValidRange? _range;

    /// <summary>Chooses norm and bounds.</summary>
    /// <param name="norm">In which norm the change is to be small.</param>
    /// <param name="overshoot">The part by which the change is larger than the way to the face, so that the input comes out on the other side.</param>
    /// <param name="steps">At most so many steps; an input that is not fooled by then comes back as it was after the last.</param>
    /// <param name="candidates">How many of the likeliest other classes are looked at; each costs a backward pass a step.</param>
    /// <param name="range">The values an element may take; null for any.</param>
    public DeepFool(AttackNorm norm = AttackNorm.Two, float overshoot = 0.02f, int steps = 50, int candidates = 9, ValidRange? range = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(overshoot);
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(candidates, 1);
        (_norm, _overshoot, _steps, _candidates, _range) = (norm, overshoot, steps, candidates, range);
    }

    /// <inheritdoc/>
    public string Name => _norm == AttackNorm.Two ? "DeepFool" : "DeepFool L-inf";

    /// <inheritdoc/>
    public bool Targeted => false;

    /// <summary>The changed input. An example whose class is not its label stays as it is: it is an error already.</summary>
    /// <inheritdoc cref="IAttack.Perturb"/>
    public Tensor Perturb(Module model, Tensor input, IReadOnlyList<int> labels, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        AttackBatch.Check(input, labels);
        cancel.ThrowIfCancellationRequested();
        int n = input.Shape[0], size = input.Count / n;
        float[] original = input.ToArray(), changed = input.ToArray(), moved = new float[input.Count];
        Shape one = input.Shape.With(0, 1);
        (float[] Low, float[] High)? ends = _range is null ? null : (_range.Low.Expand(one).ToArray(), _range.High.Expand(one).ToArray());
        int[][] rivals = Rivals(model, input, labels, out List<int> active);
        for (int step = 0; step < _steps && active.Count > 0; step++)
        {
            cancel.ThrowIfCancellationRequested();
            using var scope = MemoryScope.Open();
            Tensor x = AttackBatch.Select(changed, input.Shape, active).Watch();
            Tensor logits = AttackBatch.Rows(model.Call(new Run(recording: true, fused: false), x));
            int[] found = AttackBatch.Classes(logits);
            if (step > 0 && found.Where((k, i) => k == labels[active[i]]).Count() == 0) break;
            (float[] direction, double[] distance) = Nearest(x, logits, active, labels, rivals, ends);
            for (int i = 0; i < active.Count; i++)
            {
                int example = active[i];
                if (found[i] != labels[example] || !double.IsFinite(distance[i])) continue;
                Span<float> way = moved.AsSpan(example * size, size);
                TensorPrimitives.Add(way, direction.AsSpan(i * size, size), way);
                Span<float> at = changed.AsSpan(example * size, size);
                TensorPrimitives.MultiplyAdd(way, 1 + _overshoot, original.AsSpan(example * size, size), at);
                if (ends is { } range) Clip(at, way, original.AsSpan(example * size, size), range.Low, range.High);
            }
            active = [.. active.Where((example, i) => found[i] == labels[example] && double.IsFinite(distance[i]))];
            progress?.Report(1 - (double)active.Count / n);
        }
        return Tensor.From(changed, input.Shape);
    }

    // What clipping took away was not moved: a later step the other way must not have to make up for it first.
    private void Clip(Span<float> at, Span<float> way, ReadOnlySpan<float> original, float[] low, float[] high)
    {
        for (int p = 0; p < at.Length; p++)
        {
            float valid = Math.Min(Math.Max(at[p], low[p]), high[p]);
            if (valid == at[p]) continue;
            at[p] = valid;
            way[p] = (valid - original[p]) / (1 + _overshoot);
        }
    }

    // The likeliest classes beside the label, likeliest first, and the examples whose class it is.
    private int[][] Rivals(Module model, Tensor input, IReadOnlyList<int> labels, out List<int> active)
    {
        using var scope = MemoryScope.Open();
        Tensor rows = AttackBatch.Rows(model.Call(new Run(), input), labels);
        int[] found = AttackBatch.Classes(rows);
        int classes = rows.Shape[1];
        active = [.. Enumerable.Range(0, labels.Count).Where(i => found[i] == labels[i])];
        int[][] rivals = new int[labels.Count][];
        for (int i = 0; i < rivals.Length; i++)
        {
            float[] row = rows.Floats.Slice(i * classes, classes).ToArray();
            rivals[i] = [.. Enumerable.Range(0, classes).Where(k => k != labels[i]).OrderByDescending(k => row[k]).Take(_candidates)];
        }
        return rivals;
    }

    // The step of each example to the nearest face of the linearised region, and its length (infinite where the network is flat).
    private (float[] Direction, double[] Distance) Nearest(
        Tensor x, Tensor logits, List<int> active, IReadOnlyList<int> labels, int[][] rivals, (float[] Low, float[] High)? ends)
    {
        int size = x.Count / active.Count, classes = logits.Shape[1];
        int[] own = [.. active.Select(e => labels[e])];
        float[] gradient = Gradient(own), direction = new float[x.Count], normal = new float[size];
        double[] distance = new double[active.Count];
        Array.Fill(distance, double.PositiveInfinity);
        for (int r = 0; r < rivals[0].Length; r++)
        {
            int[] rival = [.. active.Select(e => rivals[e][r])];
            float[] other = Gradient(rival);
            for (int i = 0; i < active.Count; i++)
            {
                TensorPrimitives.Subtract(other.AsSpan(i * size, size), gradient.AsSpan(i * size, size), normal);
                if (ends is { } range) Free(normal, x.Floats.Slice(i * size, size), range.Low, range.High);
                double gap = Math.Abs((double)logits.Floats[i * classes + rival[i]] - logits.Floats[i * classes + own[i]]);
                // The distance to a plane is the gap over the dual norm of its normal.
                double dual = _norm == AttackNorm.Two ? TensorPrimitives.Norm<float>(normal) : TensorPrimitives.SumOfMagnitudes<float>(normal);
                if (dual <= 0 || gap / dual >= distance[i]) continue;
                distance[i] = gap / dual;
                Span<float> way = direction.AsSpan(i * size, size);
                if (_norm == AttackNorm.Two) TensorPrimitives.Multiply(normal, (float)(distance[i] / dual), way);
                else for (int p = 0; p < size; p++) way[p] = (float)distance[i] * MathF.Sign(normal[p]);
            }
        }
        return (direction, distance);

        // What is at the end of its range can only be moved back.
        static void Free(Span<float> normal, ReadOnlySpan<float> at, float[] low, float[] high)
        {
            for (int p = 0; p < normal.Length; p++)
            {
                if (normal[p] > 0 ? at[p] >= high[p] : at[p] <= low[p]) normal[p] = 0;
            }
        }

        float[] Gradient(int[] classesOf) => Autograd.Backward(Target.Classes(classesOf).Score(logits), null, [x])[0].ToArray();
    }
}
