namespace Vitrine.Onnx;

/// <summary>
/// A graph as it is run when nothing is asked for but the answer: what is constant is computed once, convolutions take in the batch normalisation and the ReLU
/// that follow, and a value's memory is given back after its last use. Whoever records, taps or edits sees the graph as it is written.
/// </summary>
internal sealed class Shortcut
{
    /// <summary>
    /// A constant of more elements, and than what it is computed from, is computed anew in every run; so are all when together they are several times larger
    /// than what the file holds: a few bytes of a file can ask for gigabytes.
    /// </summary>
    private const int LargestConstant = 1 << 20;

    private readonly Graph _graph;
    private readonly Value?[] _template;
    private readonly IReadOnlyList<Step> _steps;

    private Shortcut(Graph graph, Value?[] template, IReadOnlyList<Step> steps) => (_graph, _template, _steps) = (graph, template, steps);

    /// <summary>A node, or a convolution with what it has taken in; and the values nobody needs any more afterwards.</summary>
    private sealed record Step(OnnxNode Node, FusedConvolution? Fused, int[] Dead);

    /// <summary>How many steps there are.</summary>
    public int Steps => _steps.Count;

    /// <summary>Finds the short way through a graph.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="isFixed">Which values of the template never change; parameters do.</param>
    /// <param name="options">Limits.</param>
    public static Shortcut Of(Graph graph, bool[] isFixed, OnnxOptions options)
    {
        Value?[] template = (Value?[])graph.Template.Clone();
        List<OnnxNode> rest = Fold(graph, template, isFixed, options);
        List<(OnnxNode Node, FusedConvolution? Fused)> steps = Fuse(graph, rest, template);
        return new Shortcut(graph, template, WithDead(graph, steps, template));
    }

    /// <summary>The outputs on inputs.</summary>
    public Value[] Evaluate(Run run, ReadOnlySpan<Value> inputs, OnnxOptions options)
    {
        var frame = new Frame((Value?[])_template.Clone(), null);
        // Several values may share one buffer (a reshape copies nothing): it goes back with the last of them.
        var uses = new Dictionary<Storage, int>(ReferenceEqualityComparer.Instance);
        for (int i = 0; i < inputs.Length; i++)
        {
            frame.Values[_graph.Inputs[i].Slot] = inputs[i];
            Hold(uses, inputs[i]); // the caller's, once more than there are values
            Hold(uses, inputs[i]);
        }
        foreach (Step step in _steps)
        {
            using (run.Enter(step.Node))
            {
                if (step.Fused is not null)
                {
                    Value result = step.Fused.Compute(frame);
                    frame.Values[step.Fused.Output] = result;
                    Hold(uses, result);
                }
                else
                {
                    Value[] results = step.Node.Compute(run, frame, options);
                    for (int i = 0; i < step.Node.Outputs.Count; i++)
                    {
                        if (step.Node.Outputs[i] < 0) continue;
                        frame.Values[step.Node.Outputs[i]] = results[i];
                        Hold(uses, results[i]);
                    }
                }
            }
            foreach (int slot in step.Dead)
            {
                if (frame.Values[slot] is { IsTensor: true } value && --uses[value.Tensor.Storage] == 0) MemoryScope.Release(value.Tensor.Storage);
                frame.Values[slot] = null;
            }
        }
        return Interpreter.Results(_graph, frame);
    }

    private static void Hold(Dictionary<Storage, int> uses, Value value)
    {
        if (value.IsTensor) uses[value.Tensor.Storage] = uses.GetValueOrDefault(value.Tensor.Storage) + 1;
        // What a sequence holds stays until the run ends.
        foreach (Value item in value.Items ?? []) Hold(uses, item);
    }

    /// <summary>Computes what depends on nothing that changes; returns the other nodes.</summary>
    private static List<OnnxNode> Fold(Graph graph, Value?[] template, bool[] isFixed, OnnxOptions options)
    {
        bool[] known = [.. isFixed];
        var rest = new List<OnnxNode>();
        var run = new Run();
        var frame = new Frame(template, null);
        long room = 4L * (LargestConstant + template.Sum(Elements));
        foreach (OnnxNode node in graph.Nodes)
        {
            bool constant = room > 0 && !node.Operation.IsVolatile && node.Inputs.All(p => p.Slot < 0 || known[p.Slot]);
            if (!constant || Try(node) is not { } results)
            {
                rest.Add(node);
                continue;
            }
            for (int i = 0; i < node.Outputs.Count; i++)
            {
                if (node.Outputs[i] < 0) continue;
                template[node.Outputs[i]] = results[i];
                known[node.Outputs[i]] = true;
                room -= Elements(results[i]);
            }
        }
        return rest;

        // What fails here fails again in a run, and is told then.
        Value[]? Try(OnnxNode node)
        {
            long largest = Math.Min(options.LargestTensor, Math.Max(LargestConstant, node.Inputs.Select(p => Elements(frame[p])).DefaultIfEmpty().Max()));
            int before = MemoryScope.Limit((int)largest);
            try
            {
                return run.With(() => node.Compute(run, frame, options with { LargestTensor = (int)largest }));
            }
            catch (OnnxException)
            {
                return null;
            }
            finally
            {
                MemoryScope.Limit(before);
            }
        }
    }

    private static long Elements(Value? value) => value is null ? 0 : value.IsTensor ? value.Tensor.Count : (value.Items ?? []).Sum(Elements);

    private static List<(OnnxNode Node, FusedConvolution? Fused)> Fuse(Graph graph, List<OnnxNode> nodes, Value?[] template)
    {
        int[] uses = new int[template.Length];
        var reader = new OnnxNode?[template.Length];
        foreach (OnnxNode node in nodes)
        {
            foreach (int slot in Reads(node))
            {
                uses[slot]++;
                reader[slot] = node;
            }
        }
        foreach ((_, Place place) in graph.Outputs) uses[place.Slot] += 2; // never only of the next node
        var steps = new List<(OnnxNode, FusedConvolution?)>();
        var taken = new HashSet<OnnxNode>(ReferenceEqualityComparer.Instance);
        foreach (OnnxNode node in nodes)
        {
            if (taken.Contains(node)) continue;
            OnnxNode? norm = null, relu = null;
            if (node.Type == "Conv" && node.Operation.IsOwn)
            {
                OnnxNode last = node;
                if (Next(last) is { Type: "BatchNormalization" } n && FusedConvolution.CanFold(node, n, template)) taken.Add(last = norm = n);
                if (Next(last) is { Type: "Relu" } r) taken.Add(relu = r);
            }
            steps.Add((node, norm is null && relu is null ? null : new FusedConvolution(node, norm, relu)));
        }
        return steps;

        // The one node that reads the one result of another, as its first input.
        OnnxNode? Next(OnnxNode node)
        {
            int slot = node.Outputs[0];
            return slot >= 0 && uses[slot] == 1 && reader[slot] is { } next && next.Inputs[0] == new Place(0, slot) ? next : null;
        }
    }

    private static Step[] WithDead(Graph graph, List<(OnnxNode Node, FusedConvolution? Fused)> steps, Value?[] template)
    {
        int[] last = new int[template.Length];
        Array.Fill(last, -1);
        for (int i = 0; i < steps.Count; i++)
        {
            (OnnxNode node, FusedConvolution? fused) = steps[i];
            foreach (int slot in node.Outputs) if (slot >= 0) last[slot] = i;
            if (fused is not null) last[fused.Output] = i;
            foreach (int slot in Reads(node)) last[slot] = i;
        }
        foreach ((_, Place place) in graph.Outputs) last[place.Slot] = -1;
        ILookup<int, int> dead = Enumerable.Range(0, last.Length).Where(s => template[s] is null && last[s] >= 0).ToLookup(s => last[s]);
        return [.. steps.Select((s, i) => new Step(s.Node, s.Fused, [.. dead[i]]))];
    }

    /// <summary>The values of the main graph that a node reads, itself or in the graphs inside it.</summary>
    private static IEnumerable<int> Reads(OnnxNode node, int depth = 0) => node.Inputs.Where(p => p.Slot >= 0 && p.Depth == depth).Select(p => p.Slot)
        .Concat(node.Operation.Graphs.SelectMany(g => g.Nodes.SelectMany(n => Reads(n,
            depth + 1)).Concat(g.Outputs.Where(o => o.Place.Depth == depth + 1).Select(o => o.Place.Slot))));
}
