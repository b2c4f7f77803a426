namespace Vitrine.Engine.Tests.Properties;

/// <summary>One instruction: an operator and numbers from which its operands and attributes are worked out; any numbers will do.</summary>
internal readonly record struct Instruction(int Kind, int A, int B, int P, int Q);

/// <summary>
/// A random graph as data: shapes of leaves and instructions. What an instruction cannot do with the shapes it finds it leaves out, so every program is valid,
/// and so is every program with something removed: that is what makes a failing one shrink.
/// </summary>
internal sealed class GraphProgram
{
    private readonly List<Step> _steps = [];
    private readonly List<int[]> _shapes;

    public GraphProgram(IReadOnlyList<int[]> leaves, IReadOnlyList<Instruction> instructions, int seed)
    {
        Leaves = leaves;
        Instructions = instructions;
        Seed = seed;
        _shapes = [.. leaves];
        foreach (Instruction instruction in instructions)
        {
            // The last value is the likeliest first operand: then most of a graph matters to its result, and it is deep.
            int a = Recent(Math.Max(0, instruction.A % 7 - 3)), b = Recent(instruction.B);
            if (Operators.Resolve(instruction, _shapes[a], _shapes[b]) is not { } operation) continue;
            _steps.Add(new Step(operation, a, b));
            _shapes.Add(operation.Shape);
        }
    }

    public IReadOnlyList<int[]> Leaves { get; }

    public IReadOnlyList<Instruction> Instructions { get; }

    public int Seed { get; }

    public int Steps => _steps.Count;

    public IEnumerable<string> Used => _steps.Select(s => s.Operation.Text.Split(' ')[0]);

    /// <summary>The elements of a leaf: normal numbers of three digits.</summary>
    public float[] Values(int leaf) =>
        [.. new RandomSource((ulong)Seed * 100 + (ulong)leaf).Normal(Shape.Create(Leaves[leaf])).ToArray().Select(v => MathF.Round(v, 3))];

    public Tensor Run(Tensor[] leaves)
    {
        List<Tensor> values = [.. leaves];
        foreach (Step step in _steps) values.Add(step.Operation.Engine(values[step.A], values[step.B]));
        return values[^1];
    }

    public Naive Run(Naive[] leaves)
    {
        List<Naive> values = [.. leaves];
        foreach (Step step in _steps) values.Add(step.Operation.Reference(values[step.A], values[step.B]));
        return values[^1];
    }

    public override string ToString()
    {
        var lines = new List<string> { $"seed {Seed}" };
        for (int i = 0; i < _shapes.Count; i++)
        {
            string what = i < Leaves.Count ? "leaf" : _steps[i - Leaves.Count] is var step && step.Operation.Binary
                ? $"{step.Operation.Text} of v{step.A}, v{step.B}"
                : $"{step.Operation.Text} of v{step.A}";
            lines.Add($"v{i} [{string.Join(", ", _shapes[i])}] = {what}");
        }
        return string.Join("\n", lines) + "\n";
    }

    private int Recent(int number) => _shapes.Count - 1 - number % Math.Min(_shapes.Count, 4);

    private readonly record struct Step(Operation Operation, int A, int B);
}

/// <summary>An operator with its attributes, in the engine and in the reference.</summary>
internal sealed record Operation(string Text, int[] Shape, bool Binary, Func<Tensor, Tensor, Tensor> Engine, Func<Naive, Naive, Naive> Reference);
