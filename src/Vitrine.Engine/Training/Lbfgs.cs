using System.Numerics.Tensors;

namespace Vitrine;

/// <summary>
/// Limited-memory BFGS (Liu and Nocedal 1989; Nocedal and Wright 2006, "Numerical Optimization", algorithm 7.5) with a line search for the strong Wolfe
/// conditions: steps along an estimate of Newton's direction, made of the last changes of weights and gradients. For losses without noise: full batches, small
/// networks, fits. A step makes up to <c>maxIterations</c> such moves, as in PyTorch.
/// </summary>
public sealed class Lbfgs : Optimizer
{
    private readonly int _maxIterations, _maxEvaluations, _history;
    private readonly double _gradientTolerance, _changeTolerance;
    private readonly List<Pair> _pairs = [];

    // Where the last move began and what it was; empty before the first.
    private float[] _gradient = [], _direction = [];
    private double _length, _scale = 1;

    /// <summary>Creates the optimizer.</summary>
    /// <param name="learningRate">The first length each line search tries, as a part of the estimated Newton step.</param>
    /// <param name="maxIterations">How many moves a step makes at most.</param>
    /// <param name="maxEvaluations">After how many evaluations of the loss a step makes no further move; null for 5/4 of the moves.</param>
    /// <param name="gradientTolerance">A step ends when no element of the gradient is larger.</param>
    /// <param name="changeTolerance">A step ends when neither the loss nor any weight changes by more.</param>
    /// <param name="history">How many changes are remembered; each takes twice the memory of the weights.</param>
    public Lbfgs(
        double learningRate = 1, int maxIterations = 20, int? maxEvaluations = null, double gradientTolerance = 1e-7, double changeTolerance = 1e-9,
        int history = 10)
        : base((float)learningRate)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxIterations, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(history, 1);
        _maxIterations = maxIterations;
        _maxEvaluations = maxEvaluations ?? maxIterations * 5 / 4;
        _gradientTolerance = gradientTolerance;
        _changeTolerance = changeTolerance;
        _history = history;
    }

    /// <inheritdoc/>
    public override bool NeedsLoss => true;

    private protected override void Advance(
        IReadOnlyList<Parameter> parameters, float loss, Gradients gradients, Func<(float Loss, Gradients Gradients)> evaluate)
    {
        var slope = new Slope([.. parameters.Select((p, i) => p.IsFrozen ? -1 : i).Where(i => i >= 0)], parameters, evaluate);
        // What was learned about other weights (something was frozen or thawed since) is of no use.
        if (_gradient.Length != slope.Size) Forget();
        var here = new Point(0, loss, slope.Flat(gradients), 0);
        for (int move = 0; move < _maxIterations && slope.Evaluations < _maxEvaluations; move++)
        {
            if (TensorPrimitives.MaxMagnitude(here.Gradient) is var largest && Math.Abs(largest) <= _gradientTolerance) return;
            bool first = _gradient.Length == 0;
            if (!first) Remember(here.Gradient);
            float[] direction = Direction(here.Gradient);
            double descent = Dot(here.Gradient, direction);
            if (descent > -_changeTolerance)
            {
                // Not downhill, or hardly: the estimate is worn out. Begin anew with the gradient next time.
                Forget();
                return;
            }
            double length = LearningRate * (first ? Math.Min(1, 1 / TensorPrimitives.SumOfMagnitudes(here.Gradient)) : 1);
            Point next = LineSearch.Run(t => slope.At(direction, t), here with { Descent = descent, T = 0 }, length, _changeTolerance / Size(direction));
            slope.MoveTo(direction, next.T);
            (_gradient, _direction, _length) = (here.Gradient, direction, next.T);
            if (next.T == 0)
            {
                // Nothing lower was found along this direction.
                Forget();
                return;
            }
            bool settled = Size(direction) * next.T <= _changeTolerance || Math.Abs(next.Loss - here.Loss) < _changeTolerance;
            here = next;
            if (settled) return;
        }
    }

    private protected override void Save(IDictionary<string, Tensor> state)
    {
        // Doubles as bits: tensors hold single precision, and a resumed training shall not differ in the last bit.
        state.Add("numbers", Tensor.From([BitConverter.DoubleToInt64Bits(_length), BitConverter.DoubleToInt64Bits(_scale)], [2]));
        if (_gradient.Length == 0) return;
        state.Add("gradient", Tensor.From(_gradient));
        state.Add("direction", Tensor.From(_direction));
        for (int i = 0; i < _pairs.Count; i++)
        {
            state.Add($"weights.{i:D3}", Tensor.From(_pairs[i].Weights));
            state.Add($"gradients.{i:D3}", Tensor.From(_pairs[i].Gradients));
        }
    }

    private protected override void Restore(IReadOnlyDictionary<string, Tensor> state, IEnumerable<Parameter> parameters)
    {
        Forget();
        ReadOnlySpan<long> numbers = Required(state, "numbers").Longs;
        _length = BitConverter.Int64BitsToDouble(numbers[0]);
        _scale = BitConverter.Int64BitsToDouble(numbers[1]);
        if (!state.TryGetValue("gradient", out Tensor? gradient)) return;
        _gradient = gradient.ToArray();
        _direction = Required(state, "direction").ToArray();
        for (int i = 0; state.TryGetValue($"weights.{i:D3}", out Tensor? weights); i++)
        {
            _pairs.Add(new Pair(weights.ToArray(), Required(state, $"gradients.{i:D3}").ToArray()));
        }
    }

    private void Forget()
    {
        _pairs.Clear();
        _gradient = [];
        _direction = [];
        _scale = 1;
    }

    private void Remember(float[] gradient)
    {
        float[] weights = new float[gradient.Length], gradients = new float[gradient.Length];
        TensorPrimitives.Multiply(_direction, (float)_length, weights);
        TensorPrimitives.Subtract(gradient, _gradient, gradients);
        double curvature = Dot(weights, gradients);
        // Only where the loss curves upwards does the pair say something about a minimum.
        if (curvature <= 1e-10) return;
        if (_pairs.Count == _history) _pairs.RemoveAt(0);
        _pairs.Add(new Pair(weights, gradients));
        _scale = curvature / Dot(gradients, gradients);
    }

    /// <summary>The two-loop recursion of algorithm 7.4: minus the inverse Hessian's estimate times the gradient.</summary>
    private float[] Direction(float[] gradient)
    {
        float[] q = new float[gradient.Length];
        TensorPrimitives.Negate(gradient, q);
        double[] alpha = new double[_pairs.Count];
        for (int i = _pairs.Count - 1; i >= 0; i--)
        {
            alpha[i] = Dot(_pairs[i].Weights, q) / _pairs[i].Curvature;
            TensorPrimitives.MultiplyAdd(_pairs[i].Gradients, (float)-alpha[i], q, q);
        }
        TensorPrimitives.Multiply(q, (float)_scale, q);
        for (int i = 0; i < _pairs.Count; i++)
        {
            double beta = Dot(_pairs[i].Gradients, q) / _pairs[i].Curvature;
            TensorPrimitives.MultiplyAdd(_pairs[i].Weights, (float)(alpha[i] - beta), q, q);
        }
        return q;
    }

    private static double Size(float[] vector) => Math.Abs(TensorPrimitives.MaxMagnitude(vector));

    private static double Dot(float[] a, float[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += (double)a[i] * b[i];
        return sum;
    }

    private sealed class Pair(float[] weights, float[] gradients)
    {
        public float[] Weights => weights;

        public float[] Gradients => gradients;

        public double Curvature { get; } = Dot(weights, gradients);
    }

    /// <summary>A place along a direction: how far, the loss there, its gradient, and its derivative along the direction.</summary>
    internal sealed record Point(double T, double Loss, float[] Gradient, double Descent);

    /// <summary>The loss as a function of all trainable weights in one vector, seen from where the present move began.</summary>
    private sealed class Slope(int[] members, IReadOnlyList<Parameter> parameters, Func<(float Loss, Gradients Gradients)> evaluate)
    {
        private float[]? _start;

        public int Size { get; } = members.Sum(i => parameters[i].Value.Count);

        public int Evaluations { get; private set; } = 1;

        public float[] Flat(Gradients gradients)
        {
            float[] flat = new float[Size];
            Span<float> left = flat;
            foreach (int i in members)
            {
                if (gradients.Reached(i)) gradients[i].Floats.CopyTo(left);
                left = left[parameters[i].Value.Count..];
            }
            return flat;
        }

        public Point At(float[] direction, double t)
        {
            Place(direction, t);
            Evaluations++;
            // Every evaluation gives its buffers back; a step makes up to two dozen of them.
            using var scope = MemoryScope.Open();
            (float loss, Gradients gradients) = evaluate();
            float[] gradient = Flat(gradients);
            return new Point(t, loss, gradient, Dot(gradient, direction));
        }

        public void MoveTo(float[] direction, double t)
        {
            Place(direction, t);
            _start = null;
        }

        private void Place(float[] direction, double t)
        {
            if (_start is null)
            {
                _start = new float[Size];
                Span<float> left = _start;
                foreach (int i in members)
                {
                    parameters[i].Value.Floats.CopyTo(left);
                    left = left[parameters[i].Value.Count..];
                }
            }
            int at = 0;
            foreach (int i in members)
            {
                Span<float> values = parameters[i].Value.MutableFloats;
                TensorPrimitives.MultiplyAdd(direction.AsSpan(at, values.Length), (float)t, _start.AsSpan(at, values.Length), values);
                at += values.Length;
            }
        }
    }
}
