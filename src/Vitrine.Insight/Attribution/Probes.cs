namespace Vitrine.Insight;

/// <summary>Writes a modified copy of an example's values, which arrive as they are.</summary>
internal delegate void Modify(int probe, int example, Span<float> values);

/// <summary>
/// Questions of the form "what would the answer be if the input, or a layer's result, were this instead?", put many at a time and answered by inference alone:
/// any function will do. A probe modifies every example of the batch, each in its own way.
/// </summary>
internal sealed class Probes
{
    // Rows of one inference. What it takes is a multiple of the input's size, so both numbers are small; neither depends on the machine.
    private const int MostRows = 128;
    private const int MostElements = 1 << 20;

    private readonly Module _model;
    private readonly Tensor _input;
    private readonly Target _target;
    private readonly Target _fixed;
    private readonly string? _wrt;
    private readonly IProgress<double>? _progress;
    private readonly CancellationToken _cancel;

    private Probes(Module model, Tensor input, Target target, string? wrt, IProgress<double>? progress, CancellationToken cancel)
    {
        _model = model;
        _input = input.Detach();
        _target = target;
        _wrt = wrt;
        _progress = progress;
        _cancel = cancel;
        cancel.ThrowIfCancellationRequested();
        if (input.Rank < 2 || input.Count == 0)
        {
            throw new ArgumentException($"An input of shape {input.Shape} is no batch of examples; it should be [N, ...].", nameof(input));
        }

        using var scope = MemoryScope.Open();
        string[] scopes = [.. new[] { wrt, target.Scope }.OfType<string>()];
        var run = new Run();
        if (scopes.Length > 0) run.Tap(scopes);
        Tensor output = model.Call(run, _input);
        foreach (string name in scopes)
        {
            if (!run.Taps.ContainsKey(name)) throw new ArgumentException($"No module call is named {name}. {Network.Scopes(model, _input)}");
        }
        Tensor of = wrt is null ? _input : run.Taps[wrt];
        if (of.Rank < 2 || of.Shape[0] != input.Shape[0])
        {
            throw new ArgumentException(
                $"The result of {wrt} has shape {of.Shape}: its first axis does not hold the {input.Shape[0]} examples.");
        }
        _fixed = target.ChosenAt(output);
        Of = scope.Keep(of.DType == DType.Float32 ? of : of.Cast(DType.Float32));
        Output = scope.Keep(output);
        Score = scope.Keep(_fixed.Score(target.Scope is null ? output : run.Taps[target.Scope]));
    }

    /// <summary>What is modified, [N, ...]; tokens as numbers.</summary>
    public Tensor Of { get; }

    /// <summary>The network's output for the input as it is.</summary>
    public Tensor Output { get; }

    /// <summary>The target's value for each example as it is, [N].</summary>
    public Tensor Score { get; }

    /// <summary>N.</summary>
    public int Examples => Of.Shape[0];

    /// <summary>How many numbers an example has.</summary>
    public int Size => Of.Count / Examples;

    /// <summary>The values of one example.</summary>
    public ReadOnlySpan<float> Example(int n) => Of.Floats.Slice(n * Size, Size);

    /// <summary>Looks at the network once and is then ready to ask.</summary>
    /// <exception cref="ArgumentException">There is no such class, neuron or module call, or a layer's first axis is not the batch.</exception>
    public static Probes On(Module model, Tensor input, Target target, string? wrt, IProgress<double>? progress, CancellationToken cancel) =>
        new(model, input, target, wrt, progress, cancel);

    /// <summary>
    /// The target's values under <paramref name="count"/> modifications, [probe * N + example]. The classes asked about are those of the input as it is.
    /// </summary>
    public float[] Ask(int count, Modify modify)
    {
        int examples = Examples, size = Size, rows = Math.Clamp(MostElements / size, 1, MostRows), together = Math.Max(1, rows / examples);
        float[] answers = new float[checked(count * examples)], values = new float[(long)Math.Min(together, count) * Of.Count];
        for (int start = 0; start < count; start += together)
        {
            _cancel.ThrowIfCancellationRequested();
            int probes = Math.Min(together, count - start);
            for (int p = 0; p < probes; p++)
            {
                Span<float> copy = values.AsSpan(p * Of.Count, Of.Count);
                Of.Floats.CopyTo(copy);
                for (int n = 0; n < examples; n++) modify(start + p, n, copy.Slice(n * size, size));
            }
            Answer(values, probes, rows, answers.AsSpan(start * examples));
            _progress?.Report((double)(start + probes) / count);
        }
        return answers;
    }

    /// <summary>The explanation: values of the shape of what was modified.</summary>
    public Attribution Attribution(string method, ReadOnlySpan<float> values) => new(method, _target, Tensor.From(values, Of.Shape), Of, Score, Output);

    private void Answer(float[] values, int probes, int most, Span<float> answers)
    {
        using var scope = MemoryScope.Open();
        int rows = probes * Examples;
        var parts = new List<Tensor>();
        for (int from = 0; from < rows; from += most) parts.Add(Read(values, from, Math.Min(rows, from + most)));
        Tensor read = parts.Count == 1 ? parts[0] : TensorOps.Concat(0, [.. parts]);
        _fixed.Score(read, copies: probes).Floats.CopyTo(answers);
    }

    /// <summary>What the target reads, for some rows of the modified values.</summary>
    private Tensor Read(float[] values, int from, int to)
    {
        Tensor modified = Tensor.From(values.AsSpan(from * Size, (to - from) * Size), Of.Shape.With(0, to - from));
        var run = new Run();
        if (_target.Scope is { } asked) run.Tap(asked);
        Tensor input = modified;
        if (_wrt is not null)
        {
            run.Edit(_wrt, _ => modified);
            input = _input.IndexSelect(0, Tensor.From([.. Enumerable.Range(from, to - from).Select(row => (long)(row % Examples))], [to - from]));
        }
        else if (_input.DType != DType.Float32)
        {
            input = modified.Cast(_input.DType);
        }
        Tensor output = _model.Call(run, input);
        Tensor read = _target.Scope is null ? output : run.Taps[_target.Scope];
        return read.Rank > 0 && read.Shape[0] == to - from
            ? read
            : throw new ArgumentException(
                $"The network answered {to - from} examples with shape {read.Shape}; its first axis should hold the examples.");
    }
}
