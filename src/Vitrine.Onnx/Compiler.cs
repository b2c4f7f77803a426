using Vitrine.Onnx.Proto;

namespace Vitrine.Onnx;

/// <summary>Makes the graphs of a file ready to run.</summary>
internal sealed class Compiler
{
    private readonly OnnxOptions _options;
    private readonly TensorReader _reader;
    private readonly OperatorSets _sets;
    private readonly Weights _weights;
    private readonly Dictionary<TensorProto, Parameter> _parameters = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<string> _scopes = new(StringComparer.Ordinal);
    private readonly HashSet<string> _values = new(StringComparer.Ordinal);
    private int _number;

    public Compiler(GraphProto main, OperatorSets sets, string? folder, OnnxOptions options)
    {
        _sets = sets;
        _options = options;
        _reader = new TensorReader(folder, options.LargestTensor);
        Weigh(main, out _weights);
    }

    /// <summary>The parameters of the network: every initializer of floats, under its own name.</summary>
    public Weights Weights => _weights;

    /// <summary>Makes the main graph ready.</summary>
    public Graph Compile(GraphProto proto)
    {
        foreach (GraphProto graph in Protos.Graphs(proto))
        {
            foreach (NodeProto node in graph.Node) _values.UnionWith(node.Output);
            _values.UnionWith(graph.Input.Select(i => i.Name));
        }
        return Compile(proto, null);
    }

    /// <summary>What a name means inside a graph and those around it.</summary>
    private sealed class Names(Names? outer)
    {
        private readonly Dictionary<string, int> _slots = new(StringComparer.Ordinal);

        public List<string> All { get; } = [];

        public int Declare(string name, string graph)
        {
            if (!_slots.TryAdd(name, All.Count)) throw new OnnxException($"The graph {graph} gives the value {name} twice.");
            All.Add(name);
            return All.Count - 1;
        }

        public bool Has(string name) => _slots.ContainsKey(name);

        public int Own(string name) => _slots[name];

        public Place? Find(string name)
        {
            int depth = 0;
            for (Names? names = this; names is not null; names = names.Outer, depth++)
            {
                if (names._slots.TryGetValue(name, out int slot)) return new Place(depth, slot);
            }
            return null;
        }

        private Names? Outer => outer;
    }

    private Graph Compile(GraphProto proto, Names? outer)
    {
        var graph = new Graph(proto.Name.Length == 0 ? "main" : proto.Name);
        var names = new Names(outer);
        var template = new List<Value?>();
        var changing = new HashSet<int>();
        // An initializer may be listed among the inputs, as a default; callers never give one here.
        foreach (TensorProto tensor in proto.Initializer)
        {
            names.Declare(tensor.Name, graph.Name);
            bool isParameter = _parameters.TryGetValue(tensor, out Parameter? parameter);
            if (isParameter) changing.Add(template.Count);
            template.Add(isParameter ? Value.Of(parameter!.Value, (ElementType)tensor.DataType) : _reader.Read(tensor));
        }
        foreach (SparseTensorProto tensor in proto.SparseInitializer)
        {
            names.Declare(tensor.Values?.Name ?? "", graph.Name);
            template.Add(_reader.Read(tensor));
        }
        string[] inputs = [.. proto.Input.Select(i => i.Name).Where(n => !names.Has(n))];
        graph.Inputs = [.. inputs.Select(n => (n, names.Declare(n, graph.Name)))];
        foreach (NodeProto node in proto.Node)
        {
            foreach (string output in node.Output) if (output.Length > 0) names.Declare(output, graph.Name);
        }
        IReadOnlyList<NodeProto> nodes = Order(proto.Node, graph.Name);
        template.AddRange(Enumerable.Repeat<Value?>(null, names.All.Count - template.Count));
        graph.Nodes = [.. nodes.Select(n => Compile(n, names))];
        graph.Names = names.All;
        graph.Template = [.. template];
        graph.Outputs = [.. proto.Output.Select(
            o => (o.Name, names.Find(o.Name) ?? throw new OnnxException($"The graph {graph.Name} has the output {o.Name}, but nothing gives it.")))];
        if (outer is null) graph.Shortcut = Shortcut.Of(graph, [.. template.Select((v, i) => v is not null && !changing.Contains(i))], _options);
        return graph;
    }

    private OnnxNode Compile(NodeProto node, Names names)
    {
        int number = _number++;
        string scope = Scope(node, number);
        try
        {
            Definition definition = _sets.Find(node) ?? throw new OnnxException($"there is no operator {node.OpType}");
            Place[] inputs = [.. node.Input.Select(
                n => n.Length == 0 ? Place.None : names.Find(n) ?? throw new OnnxException($"its input {n} is given by nothing."))];
            int[] outputs = [.. node.Output.Select(n => n.Length == 0 ? -1 : names.Own(n))];
            Bound operation = definition.Bind(node, g => Compile(g, names), _reader);
            return new OnnxNode(_weights.In(scope), node.OpType, scope, operation, inputs, outputs, [.. node.Output]);
        }
        catch (OnnxException e)
        {
            throw new OnnxException($"Node {scope} ({node.OpType}): {e.Message}", e);
        }
    }

    /// <summary>
    /// The node's name, which its taps and edits go by. A name that several nodes have gets a number; one that another node's value has gets the operator's
    /// name, so that a name means one thing.
    /// </summary>
    private string Scope(NodeProto node, int number)
    {
        string scope = node.Name.Length == 0 ? $"{node.OpType}_{number}" : node.Name;
        if (_values.Contains(scope) && !node.Output.Contains(scope)) scope = $"{scope}/{node.OpType}";
        return _scopes.Add(scope) || _scopes.Add(scope = $"{scope}_{number}") ? scope : $"{scope}_{Guid.Empty}";
    }

    /// <summary>The nodes in an order in which they can run, that of the file where it is one.</summary>
    /// <exception cref="OnnxException">Nodes wait for each other.</exception>
    private static IReadOnlyList<NodeProto> Order(IReadOnlyList<NodeProto> nodes, string graph)
    {
        var makers = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < nodes.Count; i++)
        {
            foreach (string output in nodes[i].Output) if (output.Length > 0) makers.TryAdd(output, i);
        }
        int[] waits = new int[nodes.Count];
        var followers = new List<int>[nodes.Count];
        for (int i = 0; i < nodes.Count; i++)
        {
            foreach (int maker in Protos.Needs(nodes[i]).Where(makers.ContainsKey).Select(n => makers[n]).Distinct())
            {
                waits[i]++;
                (followers[maker] ??= []).Add(i);
            }
        }
        var ready = new PriorityQueue<int, int>();
        for (int i = 0; i < waits.Length; i++) if (waits[i] == 0) ready.Enqueue(i, i);
        var order = new List<NodeProto>(nodes.Count);
        while (ready.TryDequeue(out int next, out _))
        {
            order.Add(nodes[next]);
            foreach (int follower in followers[next] ?? []) if (--waits[follower] == 0) ready.Enqueue(follower, follower);
        }
        if (order.Count == nodes.Count) return order;
        string[] stuck = [.. Enumerable.Range(0, nodes.Count).Where(i => waits[i] > 0).Take(6).Select(i => $"{nodes[i].Name} ({nodes[i].OpType})")];
        throw new OnnxException(
            $"The nodes of the graph {graph} wait for each other in a circle: {string.Join(", ", stuck)}{(nodes.Count - order.Count > 6 ? ", ..." : "")}.");
    }

    /// <summary>Inputs of floats that say how an operator is to work and are nothing that is learned: scales, limits, thresholds.</summary>
    private static readonly Dictionary<string, int[]> Settings = new(StringComparer.Ordinal)
    {
        ["QuantizeLinear"] = [1],
        ["DequantizeLinear"] = [1],
        ["QLinearConv"] = [1, 4, 6],
        ["QLinearMatMul"] = [1, 4, 6],
        ["Resize"] = [1, 2],
        ["Upsample"] = [1],
        ["Clip"] = [1, 2],
        ["Pad"] = [2],
        ["Dropout"] = [1],
        ["OneHot"] = [2],
        ["Range"] = [0, 1, 2],
        ["NonMaxSuppression"] = [3, 4],
    };

    /// <summary>
    /// Makes parameters of the initializers that hold floats, but of those that only say how operators work. Statistics of batch normalisation are saved but
    /// not trained.
    /// </summary>
    private void Weigh(GraphProto main, out Weights weights)
    {
        var statistics = new HashSet<string>(StringComparer.Ordinal);
        HashSet<string> settings = [], learned = [];
        foreach (NodeProto node in Protos.Graphs(main).SelectMany(g => g.Node))
        {
            for (int i = 0; i < node.Input.Count; i++)
            {
                (Settings.TryGetValue(node.OpType, out int[]? at) && at.Contains(i) ? settings : learned).Add(node.Input[i]);
            }
        }
        settings.ExceptWith(learned);
        var state = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        var found = new List<(TensorProto Proto, string Name)>();
        foreach (GraphProto graph in Protos.Graphs(main))
        {
            foreach (NodeProto node in graph.Node) if (node.OpType == "BatchNormalization") statistics.UnionWith(node.Input.Skip(3));
            foreach (TensorProto tensor in graph.Initializer)
            {
                if (ElementTypes.DTypeOf((ElementType)tensor.DataType) != DType.Float32 || settings.Contains(tensor.Name)) continue;
                string name = tensor.Name;
                for (int i = 2; state.ContainsKey(name); i++) name = $"{tensor.Name}#{i}"; // in another graph
                state.Add(name, _reader.Read(tensor).Tensor);
                found.Add((tensor, name));
            }
        }
        weights = Weights.From(state);
        foreach ((TensorProto proto, string name) in found)
        {
            Shape shape = state[name].Shape;
            _parameters.Add(proto, statistics.Contains(proto.Name) ? weights.Buffer(name, shape, Init.Zeros) : weights.Parameter(name, shape, Init.Zeros));
            state[name] = Tensor.Scalar(0); // not twice in memory
        }
    }
}
