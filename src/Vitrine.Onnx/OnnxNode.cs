namespace Vitrine.Onnx;

/// <summary>One node of a graph: an operator, its attributes, and where its inputs come from. Its scope is its name in the file.</summary>
internal sealed class OnnxNode : Module
{
    private readonly Bound _operation;

    public OnnxNode(Weights weights, string type, string name, Bound operation, Place[] inputs, int[] outputs, string[] names)
        : base(weights)
    {
        (Type, Name, _operation, Inputs, Outputs, Names) = (type, name, operation, inputs, outputs, names);
        NamedLikeValue = names.Contains(Path, StringComparer.Ordinal);
    }

    /// <summary>The operator: <c>Conv</c>.</summary>
    public string Type { get; }

    /// <summary>How errors call the node.</summary>
    public string Name { get; }

    public Bound Operation => _operation;

    public IReadOnlyList<Place> Inputs { get; }

    /// <summary>Where the outputs go; -1 for one that is left out.</summary>
    public IReadOnlyList<int> Outputs { get; }

    /// <summary>The names of the outputs, empty for one that is left out.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Whether an output has the node's own name, so that its taps and edits are those of the value.</summary>
    private bool NamedLikeValue { get; }

    /// <summary>Runs the node on the values of a frame and leaves its results there.</summary>
    public void Execute(Run run, Frame frame, OnnxOptions options)
    {
        using Run.Entered entered = run.Enter(this);
        Value[] results = Compute(run, frame, options);
        for (int i = 0; i < Outputs.Count; i++)
        {
            if (Outputs[i] < 0) continue;
            Value value = results[i];
            // Taps and edits know the value by its name in the file and by the node that made it; integers and truth values too.
            if (value.IsTensor)
            {
                Tensor tensor = value.Tensor, flows = NamedLikeValue ? tensor : run.Result(tensor, i);
                flows = run.Value(Names[i], flows);
                if (!ReferenceEquals(flows, tensor)) value = value.With(flows);
            }
            frame.Values[Outputs[i]] = value;
        }
    }

    /// <summary>The bare computation.</summary>
    public Value[] Compute(Run run, Frame frame, OnnxOptions options) => Told(frame, () =>
    {
        Value[] results = _operation.Invoke(new Call(run, this, frame, options));
        return results.Length >= Outputs.Count
            ? results
            : throw new ArgumentException($"it has {Outputs.Count} outputs, but the operator gives {results.Length}");
    });

    /// <summary>Whatever does not fit is an error that names the node.</summary>
    public T Told<T>(Frame frame, Func<T> compute)
    {
        try
        {
            return compute();
        }
        catch (Exception e) when (e is not (OnnxException or NumericsException or OperationCanceledException or OutOfMemoryException))
        {
            string inputs = string.Join(", ", Inputs.Select(p => frame[p]?.ToString() ?? "nothing"));
            throw new OnnxException($"{Name} ({Type}) on {inputs}: {e.Message}", e);
        }
    }
}

/// <summary>What an operator may ask about the run it is part of.</summary>
internal sealed class Call(Run run, OnnxNode node, Frame frame, OnnxOptions options)
{
    public Run Run => run;

    /// <summary>How many outputs the node lists.</summary>
    public int Outputs => node.Outputs.Count;

    /// <summary>How many inputs the node lists.</summary>
    public int Inputs => node.Inputs.Count;

    public Value? Input(int i) => i < node.Inputs.Count ? frame[node.Inputs[i]] : null;

    /// <summary>Whether an output is read by anyone.</summary>
    public bool Wants(int output) => output < node.Outputs.Count && node.Outputs[output] >= 0;

    /// <summary>Runs a graph inside of this one.</summary>
    public Value[] Evaluate(Graph graph, params ReadOnlySpan<Value> inputs) => Interpreter.Evaluate(graph, run, inputs, frame, options);

    /// <summary>Runs the body of a loop once more.</summary>
    public Value[] Iterate(Graph body, params ReadOnlySpan<Value> inputs)
    {
        if (frame.Iterate() > options.MostIterations)
        {
            throw new ArgumentException(
                $"loops have run {options.MostIterations} times; allow more with {nameof(OnnxOptions)}.{nameof(OnnxOptions.MostIterations)}");
        }
        return Evaluate(body, inputs);
    }

    /// <summary>Refuses results that are larger than what is allowed, before anything is made.</summary>
    public int Room(params ReadOnlySpan<long> extents)
    {
        long count = 1;
        foreach (long extent in extents)
        {
            if (extent < 0) throw new ArgumentException($"an extent of {extent} is negative");
            if (extent > 0 && count > options.LargestTensor / extent)
            {
                throw new ArgumentException(
                    $"a result of [{string.Join(", ", extents.ToArray())}] has more than {options.LargestTensor} elements; allow more with " +
                    $"{nameof(OnnxOptions)}.{nameof(OnnxOptions.LargestTensor)}");
            }
            count *= extent;
        }
        return (int)count;
    }
}
