using System.Runtime.InteropServices;

namespace Vitrine;

/// <summary>Gradients that <see cref="Autograd.Backward"/> found, in the order they were asked for.</summary>
public sealed class Gradients
{
    private readonly Tensor[] _wrt;
    private readonly Tensor?[] _grads;

    internal Gradients(Tensor[] wrt, Tensor?[] grads)
    {
        _wrt = wrt;
        _grads = grads;
    }

    /// <summary>The gradient with respect to the i-th tensor asked for; zeros of its shape when the root does not depend on it.</summary>
    public Tensor this[int i] => _grads[i] ??= Tensor.Zeros(_wrt[i].Shape);

    /// <summary>How many gradients were asked for.</summary>
    public int Count => _wrt.Length;

    /// <summary>The gradient with respect to a tensor that was asked for; zeros when the root does not depend on it.</summary>
    /// <exception cref="ArgumentException">The tensor was not among those asked for.</exception>
    public Tensor this[Tensor wrt] => this[Array.IndexOf(_wrt, wrt) is >= 0 and var i
        ? i
        : throw new ArgumentException("The gradient with respect to this tensor was not asked for; pass the very tensor (not a copy) in wrt.")];

    /// <summary>Whether the root depends on the i-th tensor asked for at all.</summary>
    public bool Reached(int i) => _grads[i] is not null;

    /// <summary>These gradients changed by a function of their number and value; those the root does not depend on stay as they are.</summary>
    internal Gradients Map(Func<int, Tensor, Tensor> change) => new(_wrt, [.. _grads.Select((grad, i) => grad is null ? null : change(i, grad))]);
}

/// <summary>The backward pass over a recorded graph, with rules in place of gradients where a rule set says so.</summary>
public static class Autograd
{
    private const int LargestKeptWalk = 1 << 16;

    [ThreadStatic]
    private static Walk? t_walk;

    /// <summary>Propagates a seed from the root back to the tensors asked for.</summary>
    /// <param name="root">Where to start: a recorded tensor.</param>
    /// <param name="seed">The gradient with respect to the root, of its shape; null for ones.</param>
    /// <param name="wrt">The tensors to reach: watched leaves, parameters, or results of operators in between.</param>
    /// <param name="rules">Chooses, node by node, what replaces an operator's own gradient; null for plain gradients.</param>
    /// <param name="reference">The same network run on a reference input: rules receive, beside each node, its counterpart in this graph, paired in creation
    /// order.</param>
    /// <param name="differentiable">Records the backward pass itself, so that gradients of gradients can be asked for.</param>
    /// <returns>A gradient for each tensor of <paramref name="wrt"/>, of its shape.</returns>
    /// <exception cref="ArgumentException">The seed has not the root's shape, or the root was not recorded.</exception>
    /// <exception cref="NotSupportedException">An operator on the way has no gradient or is refused by the rule set; the message names it and its
    /// scope.</exception>
    /// <exception cref="InvalidOperationException">The reference graph took another path than the root's.</exception>
    public static Gradients Backward(
        Tensor root, Tensor? seed, ReadOnlySpan<Tensor> wrt, RuleSet? rules = null, Tensor? reference = null, bool differentiable = false)
    {
        Tensor[] targets = wrt.ToArray();
        var found = new Tensor?[targets.Length];
        if (seed is not null && seed.Shape != root.Shape) throw new ArgumentException($"The seed has shape {seed.Shape}, the root {root.Shape}.", nameof(seed));
        if (!root.IsRecorded)
            throw new ArgumentException("The root was not recorded: watch an input (Tensor.Watch) and do not forbid recording on the Run.", nameof(root));

        Walk walk = t_walk ?? new Walk();
        t_walk = null; // A rule may itself ask for gradients on this thread.
        if (!differentiable) Recording.Suppress();
        try
        {
            walk.Run(root, seed ?? Tensor.Ones(root.Shape), targets, found, rules, reference is null ? null : Pair(root, reference));
        }
        finally
        {
            if (!differentiable) Recording.Resume();
            if (walk.Clear() <= LargestKeptWalk) t_walk = walk;
        }
        return new Gradients(targets, found);
    }

    /// <summary>Every node behind a tensor, in creation order.</summary>
    public static IReadOnlyList<Node> Ancestors(Tensor root)
    {
        var seen = new HashSet<Node>();
        var pending = new Stack<Node>();
        if (root.Source is { } source && seen.Add(source)) pending.Push(source);
        while (pending.TryPop(out Node? node))
        {
            foreach (Tensor input in node.Inputs)
            {
                if (input.Source is { } next && seen.Add(next)) pending.Push(next);
            }
        }
        var nodes = new List<Node>(seen);
        nodes.Sort(static (x, y) => x.Id.CompareTo(y.Id));
        return nodes;
    }

    private static Dictionary<Node, Node> Pair(Tensor root, Tensor reference)
    {
        IReadOnlyList<Node> main = Ancestors(root), other = Ancestors(reference);
        var pairs = new Dictionary<Node, Node>(main.Count);
        for (int i = 0; i < Math.Min(main.Count, other.Count); i++)
        {
            if (main[i].Op.GetType() != other[i].Op.GetType() || main[i].Output.Rank != other[i].Output.Rank)
            {
                throw new InvalidOperationException($"The reference took another path: node {i} is {main[i]} for the input and {other[i]} for the reference.");
            }
            pairs.Add(main[i], other[i]);
        }
        if (main.Count != other.Count)
        {
            throw new InvalidOperationException($"The reference took another path: {main.Count} operators for the input, {other.Count} for the reference.");
        }
        return pairs;
    }

    /// <summary>The state of one backward pass; kept for the next one so that a training step allocates next to nothing.</summary>
    private sealed class Walk
    {
        private readonly Dictionary<Tensor, int> _targets = new(ReferenceEqualityComparer.Instance);
        private readonly Dictionary<Node, int> _places = new(ReferenceEqualityComparer.Instance);
        private readonly List<Step> _steps = [];
        private readonly Stack<(Node Node, int Next, bool Needed)> _path = new();
        private Tensor?[] _shares = new Tensor?[8];
        private bool[] _wanted = new bool[8];

        public void Run(Tensor root, Tensor seed, Tensor[] targets, Tensor?[] found, RuleSet? rules, Dictionary<Node, Node>? pairs)
        {
            for (int i = 0; i < targets.Length; i++) _targets.TryAdd(targets[i], i);
            if (root.Source is not null) Collect(root.Source);
            Deliver(root, seed, found);
            // Collect lists inputs before outputs, so the way back is simply the other way round.
            for (int i = _steps.Count - 1; i >= 0; i--)
            {
                Step step = _steps[i];
                if (step.Grad is null) continue;
                Propagate(step.Node, step.Grad, rules?.Invoke(step.Node), pairs is null ? null : pairs[step.Node], found);
                CollectionsMarshal.AsSpan(_steps)[i].Grad = null;
            }
            for (int i = 0; i < targets.Length; i++) found[i] ??= found[_targets[targets[i]]];
        }

        public int Clear()
        {
            int size = _places.Count;
            _targets.Clear();
            _places.Clear();
            _steps.Clear();
            _path.Clear();
            _shares.AsSpan().Clear(); // not empty after an exception
            return size;
        }

        /// <summary>Lists the nodes that lie between a target and the root, inputs before outputs; without recursion, so that depth is no limit.</summary>
        private void Collect(Node root)
        {
            const int notNeeded = -1;
            _path.Push((root, 0, false));
            while (_path.TryPop(out var visit))
            {
                (Node node, int next, bool needed) = visit;
                IReadOnlyList<Tensor> inputs = node.Inputs;
                bool descended = false;
                for (; next < inputs.Count; next++)
                {
                    Tensor input = inputs[next];
                    if (_targets.Count > 0 && _targets.ContainsKey(input)) needed = true;
                    if (input.Source is not { } source) continue;
                    if (_places.TryGetValue(source, out int place))
                    {
                        needed |= place != notNeeded;
                        continue;
                    }
                    // Come back to the same input: by then its node has a place, which says whether it is needed.
                    _path.Push((node, next, needed));
                    _path.Push((source, 0, false));
                    descended = true;
                    break;
                }
                if (descended) continue;
                if (needed) _steps.Add(new Step { Node = node });
                _places.TryAdd(node, needed ? _steps.Count - 1 : notNeeded);
            }
        }

        private void Propagate(Node node, Tensor grad, BackwardRule? rule, Node? reference, Tensor?[] found)
        {
            int count = node.Inputs.Count;
            if (_shares.Length < count) (_shares, _wanted) = (new Tensor?[count], new bool[count]);
            Span<Tensor?> shares = _shares.AsSpan(0, count);
            Span<bool> wanted = _wanted.AsSpan(0, count);
            for (int i = 0; i < count; i++)
            {
                Tensor input = node.Inputs[i];
                wanted[i] = _targets.ContainsKey(input) || (input.Source is { } source && _places.TryGetValue(source, out int place) && place >= 0);
            }
            try
            {
                if (rule is null) node.Op.BackwardAll(node, grad, wanted, shares);
                else for (int i = 0; i < count; i++) if (wanted[i]) shares[i] = rule(node, grad, i, reference);
            }
            catch (NotSupportedException e)
            {
                throw new NotSupportedException($"{node}: {e.Message}", e);
            }
            catch (NumericsException e)
            {
                throw new NumericsException($"Gradient of {node}: {e.Message}", e);
            }
            for (int i = 0; i < count; i++)
            {
                if (!wanted[i] || shares[i] is not { } share) continue;
                Tensor input = node.Inputs[i];
                if (share.Shape != input.Shape)
                    throw new InvalidOperationException($"{node}: the gradient of input {i} has shape {share.Shape}, the input {input.Shape}.");
                Deliver(input, share, found);
            }
            shares.Clear();
        }

        private void Deliver(Tensor tensor, Tensor share, Tensor?[] found)
        {
            if (_targets.TryGetValue(tensor, out int target)) found[target] = found[target] is { } sum ? sum + share : share;
            if (tensor.Source is { } source && _places.TryGetValue(source, out int place) && place >= 0)
            {
                ref Step step = ref CollectionsMarshal.AsSpan(_steps)[place];
                step.Grad = step.Grad is { } sum ? sum + share : share;
            }
        }

        private struct Step
        {
            public Node Node;
            public Tensor? Grad;
        }
    }
}
