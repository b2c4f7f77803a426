namespace Vitrine.Conformance;

/// <summary>Runs operator cases, forward and backward.</summary>
internal static class OpRunner
{
    public enum Outcome
    {
        Passed,
        Failed,
        Skipped,
    }

    /// <summary>Runs one file. Whatever goes wrong in it is a failure of that case, described in the findings.</summary>
    public static (Outcome Outcome, IReadOnlyList<string> Findings) Run(string path)
    {
        var findings = new List<string>();
        // As in a training step, buffers are reused from case to case: a kernel that expects fresh memory is found out.
        using var scope = MemoryScope.Open();
        try
        {
            if (Skipped.Reason(path) is { } reason) return (Outcome.Skipped, [reason]);
            var test = OpCase.Load(path);
            if (test.Op == "optimizer") Optimizers.Check(test, findings);
            else if (Operators.Table.TryGetValue(test.Op, out Operators.Function? function)) Check(test, function, findings);
            else findings.Add($"the operator {test.Op} is not known");
            string[] unread = [.. test.Attributes.Unread];
            if (findings.Count == 0 && unread.Length > 0) findings.Add($"attribute {string.Join(", ", unread)} is not understood");
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            findings.Add($"{e.GetType().Name}: {e.Message}");
        }
        return (findings.Count == 0 ? Outcome.Passed : Outcome.Failed, findings);
    }

    /// <summary>Compares one tensor of a case and notes what differs.</summary>
    public static void Compare(OpCase test, string name, Tensor actual, Tensor expected, List<string> findings)
    {
        // The README's tolerances; the case named "large" has huge logits, whose float32 rounding alone is that big.
        double relative = test.Name.EndsWith("__large", StringComparison.Ordinal) ? 2e-3 : 1e-4;
        if (Comparison.Difference(actual, expected, 1e-5, relative) is { } difference) findings.Add($"{name}: {difference}");
    }

    private static void Check(OpCase test, Operators.Function function, List<string> findings)
    {
        var inputs = new Inputs(test);
        Tensor[] outputs = function(inputs, test.Attributes);
        int expected = 0;
        while (test.Find($"out.{expected}") is not null) expected++;
        if (expected == 0) throw new MalformedCaseException("there is no tensor out.0");
        if (outputs.Length < expected) throw new MalformedCaseException($"the case has {expected} outputs, the operator {outputs.Length}");
        Tensor? root = null;
        var differentiable = new List<(Tensor Output, Tensor Seed)>();
        for (int i = 0; i < expected; i++)
        {
            Compare(test, $"out.{i}", outputs[i], test[$"out.{i}"], findings);
            if (test.Find($"gout.{i}") is not { } seed) continue;
            if (seed.Count != outputs[i].Count) throw new MalformedCaseException($"gout.{i} has shape {seed.Shape}, the output {outputs[i].Shape}");
            if (outputs[i].IsRecorded && outputs[i].DType == DType.Float32) differentiable.Add((outputs[i], seed.Reshape(outputs[i].Shape)));
        }
        string[] wanted = [.. test.TensorNames.Where(n => n.StartsWith("gin.", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        Tensor[] wrt = [.. wanted.Select(n => inputs[n["gin.".Length..]])];
        if (differentiable is [var only])
        {
            Gradients gradients = Autograd.Backward(only.Output, only.Seed, wrt);
            for (int i = 0; i < wrt.Length; i++) Compare(test, wanted[i], gradients[i], test[wanted[i]], findings);
            return;
        }
        // Several outputs are seeded at once by a common root: the sum of each output times its seed.
        foreach ((Tensor output, Tensor seed) in differentiable) root = root is null ? (output * seed).Sum() : root + (output * seed).Sum();
        for (int i = 0; i < wrt.Length; i++)
        {
            Tensor gradient = root is null ? Tensor.Zeros(wrt[i].Shape) : Autograd.Backward(root, null, [wrt[i]])[0];
            Compare(test, wanted[i], gradient, test[wanted[i]], findings);
        }
    }
}

/// <summary>The inputs of a case by name; those whose gradient is asked for are watched.</summary>
internal sealed class Inputs
{
    private readonly Dictionary<string, Tensor> _tensors = new(StringComparer.Ordinal);
    private readonly IReadOnlyList<string> _names;

    public Inputs(OpCase test)
    {
        _names = test.InputNames;
        foreach (string name in _names) _tensors[name] = test.Find($"gin.{name}") is null ? test[$"in.{name}"] : test[$"in.{name}"].Watch();
    }

    public int Count => _names.Count;

    public IReadOnlyDictionary<string, Tensor> ByName => _tensors;

    /// <summary>An input by position.</summary>
    public Tensor this[int i] =>
        i < _names.Count ? _tensors[_names[i]] : throw new MalformedCaseException($"there are {_names.Count} inputs; {i + 1} are needed");

    /// <summary>An input by name.</summary>
    public Tensor this[string name] => _tensors.TryGetValue(name, out Tensor? tensor) ? tensor : throw new MalformedCaseException($"input {name} is missing");

    /// <summary>The first of these names that is an input, or null.</summary>
    public Tensor? Maybe(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (_tensors.TryGetValue(name, out Tensor? tensor)) return tensor;
        }
        return null;
    }

    public Tensor[] All() => [.. _names.Select(n => _tensors[n])];
}
