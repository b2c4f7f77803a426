using System.Runtime.InteropServices;
using Vitrine.Ops;

namespace Vitrine.Insight;

/// <summary>The receptive fields of a network's units, read off the graph of one run.</summary>
/// <remarks>
/// From the unit every operator is followed back to the elements it reads: through windows with padding, stride and dilation, branches, residual sums,
/// concatenations, pooling, resizing, reshapes, products of matrices, attention and steps in time. What counts is geometry alone, so an element belongs to
/// the field of a unit when some weights and some input would let it change the unit; where a weight is zero or a rectifier shut it may not. An operator
/// whose geometry is not known counts as reading all of its inputs, and the answer names it. What is computed outside of operators (positions of maxima,
/// values cut off from the graph) is found by running the network on a second input: values that changed without a recorded reason count as reading the whole
/// input. A field is therefore never too small, unless a hidden value happened to be equal for both inputs. One thread at a time may ask.
/// </remarks>
public sealed class ReceptiveFields
{
    // Where an operator's input comes from, if it is not the result of another step.
    private const int Constant = -1;
    private const int TheInput = -2;
    private const int Hidden = -3;

    private readonly Step[] _steps;
    private readonly Dictionary<string, (Shape Shape, int From)> _results = new(StringComparer.Ordinal);
    private readonly Dictionary<(int Step, UInt128 Marks), ReceptiveField> _known = [];
    private readonly Shape _shape;
    private readonly Marks _input;
    private readonly string? _unsteady;

    private ReceptiveFields(Pass first, Pass second)
    {
        _shape = first.Input.Shape;
        _input = new Marks(_shape.Count);
        _unsteady = Difference(first.Nodes, second.Nodes);
        var places = new Dictionary<Node, int>(ReferenceEqualityComparer.Instance);
        var steps = new List<Step>();
        if (_unsteady is null)
        {
            for (int i = 0; i < first.Nodes.Count; i++)
            {
                Node node = first.Nodes[i], other = second.Nodes[i];
                int[] from = [.. node.Inputs.Select((x, k) => Origin(x, other.Inputs[k], places))];
                if (from.All(f => f == Constant)) continue;
                places.Add(node, steps.Count);
                bool[]?[] still = [.. from.Select(f => f >= 0 ? steps[f].Still : null)];
                steps.Add(new Step(node, from, FixedElements.Of(node, from.Select(f => f != Constant).ToArray(), still)));
            }
        }
        _steps = [.. steps];
        foreach ((string scope, Tensor result) in first.Taps)
        {
            _results.Add(scope, (result.Shape, _unsteady is null && second.Taps.TryGetValue(scope, out Tensor? other) ? Origin(result, other, places)
                : Hidden));
        }

        // A value that nobody recorded is a constant when it is the same in both runs, and the input when its numbers are the input's in both.
        int Origin(Tensor x, Tensor other, Dictionary<Node, int> known)
        {
            if (ReferenceEquals(x, first.Input)) return TheInput;
            if (x.Source is { } source) return known.TryGetValue(source, out int step) ? step : Constant;
            if (Same(x, first.Input) && Same(other, second.Input)) return TheInput;
            return Same(x, other) ? Constant : Hidden;
        }
    }

    /// <summary>The scopes of all module calls, in the order of computation; the empty one is the network's output.</summary>
    public IEnumerable<string> Scopes => _results.Keys;

    /// <summary>Runs a network twice and keeps the graph of the first run.</summary>
    /// <param name="model">The network.</param>
    /// <param name="input">[N, ...]; one example is enough unless the network has a fixed batch. Whole numbers (tokens) must not all be equal.</param>
    /// <exception cref="ArgumentException">There is no example, or its whole numbers are all equal.</exception>
    public static ReceptiveFields Of(Module model, Tensor input)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(input);
        if (input.Rank < 2 || input.Count == 0) throw new ArgumentException($"An input of shape {input.Shape} is no batch of examples; it should be [N, " +
            $"...].", nameof(input));
        Tensor batch = input.Detach();
        return new ReceptiveFields(Pass.Of(model, batch), Pass.Of(model, Another(batch)));
    }

    /// <summary>The shape of a module call's result, [N, ...].</summary>
    /// <exception cref="ArgumentException">There is no such module call.</exception>
    public Shape ShapeOf(string scope) => Result(scope).Shape;

    /// <summary>The receptive field of a unit.</summary>
    /// <param name="scope">The module call whose result holds it: <c>conv2</c>.</param>
    /// <param name="position">Its place without the batch axis; fewer numbers mean all units of the rest: a channel.</param>
    /// <exception cref="ArgumentException">There is no such module call or unit.</exception>
    public ReceptiveField Of(string scope, params IReadOnlyList<int> position) => Walk(scope, position, 0);

    /// <summary>The receptive field of a unit.</summary>
    /// <param name="scope">The module call whose result holds it.</param>
    /// <param name="position">Its place without the first axis; fewer numbers mean all units of the rest.</param>
    /// <param name="first">Its place on the first axis: the example, or the step where a result has time first.</param>
    /// <exception cref="ArgumentException">There is no such module call or unit.</exception>
    public ReceptiveField Of(string scope, IReadOnlyList<int> position, int first) => Walk(scope, position, first);

    /// <summary>The very elements of the input that can influence a unit; where a network leaves gaps (dilation, branches), fewer than the box holds.</summary>
    /// <param name="scope">The module call whose result holds it.</param>
    /// <param name="position">Its place without the first axis; fewer numbers mean all units of the rest.</param>
    /// <param name="first">Its place on the first axis: the example, or the step where a result has time first.</param>
    /// <returns>Bool, of the input's shape, [N, ...].</returns>
    /// <exception cref="ArgumentException">There is no such module call or unit.</exception>
    public Tensor Elements(string scope, IReadOnlyList<int> position, int first = 0)
    {
        bool[] elements = new bool[_shape.Count];
        Walk(scope, position, first, elements);
        return Tensor.From(elements, _shape);
    }

    private ReceptiveField Walk(string scope, IReadOnlyList<int> position, int example, bool[]? elements = null)
    {
        (Shape shape, int from) = Result(scope);
        var start = new Marks(shape.Count);
        Mark(scope, shape, position, example, start);
        _input.Clear();
        var assumed = new SortedSet<string>(StringComparer.Ordinal);
        var marks = new Dictionary<int, Marks>();
        var pending = new PriorityQueue<int, int>();
        var passed = new List<(int, UInt128)>();
        ReceptiveField? found = null;
        Deliver(from, start);
        while (pending.TryDequeue(out int at, out _))
        {
            Step step = _steps[at];
            Marks wanted = marks[at];
            marks.Remove(at);
            // Where everything goes through one result, the way from there on is the same for whoever asks for the same elements.
            if (elements is null && pending.Count == 0 && _input.Count == 0 && assumed.Count == 0)
            {
                var key = (at, wanted.Fingerprint());
                if (_known.TryGetValue(key, out found)) break;
                passed.Add(key);
            }
            Follow(step, wanted);
        }
        found ??= Box(assumed);
        foreach ((int, UInt128) key in passed) _known[key] = found;
        if (elements is not null) foreach (int i in _input.Items) elements[i] = true;
        return found;

        void Follow(Step step, Marks wanted)
        {
            for (int k = 0; k < step.From.Length; k++)
            {
                if (step.From[k] == Constant) continue;
                var reads = new Marks(step.Node.Inputs[k].Count);
                bool[]?[] still = [.. step.From.Select(f => f >= 0 ? _steps[f].Still : null)];
                if (!OperatorReach.Back(step.Node, k, step.Varies, still, wanted, reads)) assumed.Add(step.Node.Op.Name);
                Deliver(step.From[k], reads);
            }
        }

        void Deliver(int to, Marks reads)
        {
            if (to >= 0 && _steps[to].Still is { } still) reads = reads.Without(still);
            if (reads.Count == 0 || to == Constant) return;
            if (to == Hidden)
            {
                assumed.Add(_unsteady ?? "a value computed outside of operators");
                _input.AddAll();
            }
            else if (to == TheInput)
            {
                foreach (int i in reads.Items) _input.Add(i);
            }
            else if (!marks.TryGetValue(to, out Marks? there))
            {
                marks.Add(to, reads);
                pending.Enqueue(to, -to); // the latest first: by then all that read it have said what they read
            }
            else
            {
                foreach (int i in reads.Items) there.Add(i);
            }
        }
    }

    private ReceptiveField Box(SortedSet<string> assumed)
    {
        int rank = _shape.Rank - 1;
        int[] start = new int[rank], end = new int[rank];
        if (_input.Count > 0) start = [.. _shape.Dims[1..]];
        foreach (int i in _input.Items)
        {
            int rest = i;
            for (int axis = rank - 1; axis >= 0; axis--)
            {
                (rest, int c) = Math.DivRem(rest, _shape[axis + 1]);
                if (c < start[axis]) start[axis] = c;
                if (c >= end[axis]) end[axis] = c + 1;
            }
        }
        return new ReceptiveField(start, end, assumed.Count == 0 ? null : string.Join(", ", assumed));
    }

    private (Shape Shape, int From) Result(string scope) => _results.TryGetValue(scope, out (Shape, int) result)
        ? result
        : throw new ArgumentException($"No module call is named {scope}. The network " +
            $"has {string.Join(", ", _results.Keys.Where(k => k.Length > 0).Take(40))}.", nameof(scope));

    private static void Mark(string scope, Shape shape, IReadOnlyList<int> position, int example, Marks marks)
    {
        if (shape.Rank <= position.Count) throw new ArgumentException($"The result of {scope} has shape {shape}: a unit of it has at most {shape.Rank - 1} " +
            $"coordinates.", nameof(position));
        int count = shape.Count, start = 0;
        for (int axis = 0; axis <= position.Count; axis++)
        {
            int at = axis == 0 ? example : position[axis - 1];
            if ((uint)at >= (uint)shape[axis]) throw new ArgumentException($"The result of {scope} has shape {shape}: there is no {at} on axis {axis}.",
                nameof(position));
            count /= shape[axis];
            start += at * count;
        }
        for (int i = 0; i < count; i++) marks.Add(start + i);
    }

    // The same shape and type, other numbers.
    private static Tensor Another(Tensor example)
    {
        if (example.DType == DType.Float32)
        {
            // As far apart as the values are large, so that rounding does not make the two alike.
            float[] values = example.ToArray();
            float size = Math.Max(1e-3f, values.Max(Math.Abs));
            var random = new RandomSource(1);
            return Tensor.From([.. values.Select(v => v + size * (0.5f + random.NextFloat()))], example.Shape);
        }
        if (example.DType != DType.Int64) throw new ArgumentException($"An input of type {example.DType} has no receptive fields.", nameof(example));
        // Any whole number might be none that the network knows; those that are there are.
        long[] tokens = example.Longs.ToArray();
        for (int shift = 1; shift < tokens.Length; shift++)
        {
            long[] turned = [.. tokens[shift..], .. tokens[..shift]];
            if (!turned.SequenceEqual(tokens)) return Tensor.From(turned, example.Shape);
        }
        throw new ArgumentException("The tokens of the example are all equal; what depends on them can be seen with an example of different ones.",
            nameof(example));
    }

    private static string? Difference(IReadOnlyList<Node> one, IReadOnlyList<Node> other)
    {
        const string unsteady = "a path through the network that depends on the input";
        if (one.Count != other.Count) return unsteady;
        for (int i = 0; i < one.Count; i++)
        {
            if (one[i].Op.GetType() != other[i].Op.GetType() || one[i].Output.Shape != other[i].Output.Shape
                || one[i].Inputs.Count != other[i].Inputs.Count) return unsteady;
            if (one[i].Op is SliceOp a && other[i].Op is SliceOp b && (a.Axis, a.Start, a.Step) != (b.Axis, b.Start, b.Step)) return unsteady;
        }
        return null;
    }

    private static bool Same(Tensor a, Tensor b)
    {
        if (a.Count != b.Count || a.DType != b.DType) return false;
        return a.DType switch
        {
            DType.Float32 => MemoryMarshal.AsBytes(a.Floats).SequenceEqual(MemoryMarshal.AsBytes(b.Floats)),
            DType.Int64 => a.Longs.SequenceEqual(b.Longs),
            _ => a.Bools.SequenceEqual(b.Bools),
        };
    }

    /// <summary>An operator that the input reaches, where its inputs come from, and what of its result is the same whatever the input.</summary>
    private sealed record Step(Node Node, int[] From, bool[]? Still)
    {
        public bool[] Varies { get; } = [.. From.Select(f => f != Constant)];
    }

    /// <summary>A recorded run: every module call's result, and all nodes behind them in the order they were made.</summary>
    private sealed record Pass(Tensor Input, IReadOnlyDictionary<string, Tensor> Taps, IReadOnlyList<Node> Nodes)
    {
        public static Pass Of(Module model, Tensor example)
        {
            Tensor input = example.DType == DType.Float32 ? example.Watch() : example;
            var run = new Run(recording: true, fused: false).Tap();
            model.Call(run, input);
            var seen = new HashSet<Node>(ReferenceEqualityComparer.Instance);
            var ways = new Stack<Node>();
            foreach (Tensor result in run.Taps.Values) Visit(result);
            while (ways.TryPop(out Node? node)) foreach (Tensor x in node.Inputs) Visit(x);
            return new Pass(input, run.Taps, [.. seen.OrderBy(n => n.Id)]);

            void Visit(Tensor tensor)
            {
                if (tensor.Source is { } source && seen.Add(source)) ways.Push(source);
            }
        }
    }
}
