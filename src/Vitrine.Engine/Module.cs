namespace Vitrine;

/// <summary>
/// A part of a network: parameters that are named where they are created, and a forward pass. Override one of the two Forward methods, or
/// both where a module of several inputs or outputs also makes sense with one.
/// </summary>
public abstract class Module
{
    private readonly Weights _weights;

    /// <summary>Creates a module whose parameters live under a place in the weights.</summary>
    protected Module(Weights weights) => _weights = weights;

    /// <summary>Stands in another module's place.</summary>
    private protected Module(Module instead) => _weights = instead._weights;

    /// <summary>Where the module stands in the network: <c>features.3</c>; empty for the root.</summary>
    public string Path => _weights.Path;

    /// <summary>The trainable parameters of this module and everything inside it, in creation order.</summary>
    public IReadOnlyList<Parameter> Parameters => _weights.Under(buffers: false);

    /// <summary>What is saved with the parameters but not trained: running statistics.</summary>
    public IReadOnlyList<Parameter> Buffers => _weights.Under(buffers: true);

    /// <summary>Runs the module: enters its scope, computes, applies taps and edits of the run, leaves the scope.</summary>
    public Tensor Call(Run run, Tensor input)
    {
        using Run.Entered entered = run.Enter(this);
        return run.Result(Forward(run, input));
    }

    /// <summary>Runs a module of several inputs or outputs.</summary>
    public Tensor[] Call(Run run, params Tensor[] inputs)
    {
        using Run.Entered entered = run.Enter(this);
        Tensor[] outputs = Forward(run, inputs);
        for (int i = 0; i < outputs.Length; i++) outputs[i] = run.Result(outputs[i], i);
        return outputs;
    }

    /// <summary>The bare computation, for the module that stands in this one's place.</summary>
    internal Tensor[] Compute(Run run, Tensor[] inputs) => Forward(run, inputs);

    /// <summary>Runs the module once for its answer alone: not training, nothing recorded; intermediate buffers go back to the pool.</summary>
    public Tensor Predict(Tensor input)
    {
        using var scope = MemoryScope.Open();
        return scope.Keep(Call(new Run(), input));
    }

    /// <summary>Writes parameters and buffers to a safetensors file, atomically.</summary>
    public void Save(string path) => SafeTensors.Save(path, State());

    /// <summary>Parameters and buffers by name.</summary>
    public IReadOnlyDictionary<string, Tensor> State()
    {
        var state = new SortedDictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (Parameter parameter in Parameters.Concat(Buffers)) state.Add(parameter.Name, parameter.Value);
        return state;
    }

    /// <summary>Replaces the values of all parameters and buffers.</summary>
    /// <exception cref="ArgumentException">A name is missing, unknown, or has another shape; nothing was changed.</exception>
    public void Load(IReadOnlyDictionary<string, Tensor> state)
    {
        List<Parameter> all = [.. Parameters, .. Buffers];
        foreach (Parameter parameter in all)
        {
            if (!state.TryGetValue(parameter.Name, out Tensor? value))
                throw new ArgumentException($"There is no tensor named {parameter.Name} among {Weights.Some(state.Keys)}.");
            if (value.Shape != parameter.Value.Shape)
                throw new ArgumentException($"{parameter.Name} should have shape {parameter.Value.Shape}, not {value.Shape}.");
        }
        string[] unknown = [.. state.Keys.Except(all.Select(p => p.Name), StringComparer.Ordinal)];
        if (unknown.Length > 0) throw new ArgumentException($"The network has no parameter for {Weights.Some(unknown)}.");
        foreach (Parameter parameter in all) parameter.Assign(state[parameter.Name]);
    }

    /// <summary>The computation from one input to one output.</summary>
    protected virtual Tensor Forward(Run run, Tensor input) =>
        throw new NotSupportedException($"{GetType().Name} takes several inputs; call it with an array.");

    /// <summary>The computation from several inputs to several outputs; by default the one with a single input and output.</summary>
    protected virtual Tensor[] Forward(Run run, Tensor[] inputs) => inputs.Length == 1
        ? [Forward(run, inputs[0])]
        : throw new NotSupportedException($"{GetType().Name} takes one input, not {inputs.Length}.");
}
