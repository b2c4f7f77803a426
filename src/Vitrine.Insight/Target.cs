namespace Vitrine.Insight;

/// <summary>What an explanation asks about: one number for each example of the batch.</summary>
public readonly struct Target
{
    private readonly Func<Tensor, int, Tensor>? _score;
    private readonly string _name;
    private readonly string? _scope;

    private Target(string name, string? scope, Func<Tensor, int, Tensor> score)
    {
        _name = name;
        _scope = scope;
        _score = score;
    }

    /// <summary>The largest output of each example: the class the network chose.</summary>
    public static Target Top { get; } = new("top", null, (output, _) => Pick(output, Best(output)));

    /// <summary>Output number <paramref name="k"/> of every example.</summary>
    public static Target Class(int k) => new($"class {k}", null, (output, _) => Pick(output, Tensor.From(Repeat([k], output.Shape[0]), [output.Shape[0]])));

    /// <summary>Output number <c>classes[i]</c> of example i.</summary>
    public static Target Classes(IReadOnlyList<int> classes) => Picked("classes", [.. classes.Select(c => (long)c)]);

    /// <summary>A neuron in the middle of the network.</summary>
    /// <param name="scope">The module call whose result holds it: <c>conv2</c>, <c>relu#2</c>.</param>
    /// <param name="position">
    /// Its place without the batch axis: (channel, row, column) in a feature map. Fewer numbers mean the sum over the rest: a channel.
    /// </param>
    public static Target Neuron(string scope, params IReadOnlyList<int> position) => new(
        $"neuron {scope}[{string.Join(", ", position)}]", scope, (output, _) =>
        {
            if (position.Count >= output.Rank)
            {
                throw new ArgumentException(
                    $"The result of {scope} has shape {output.Shape}: a neuron in it has at most {output.Rank - 1} coordinates, not {position.Count}.");
            }
            Tensor part = output;
            for (int i = 0; i < position.Count; i++)
            {
                if ((uint)position[i] >= (uint)output.Shape[i + 1])
                {
                    throw new ArgumentException($"The result of {scope} has shape {output.Shape}: there is no {position[i]} on axis {i + 1}.");
                }
                part = part.Slice(i + 1, position[i], position[i] + 1);
            }
            return part.Flatten().Sum([1]);
        });

    /// <summary>Any function of the output [N, ...] to one number for each example [N].</summary>
    public static Target Of(string name, Func<Tensor, Tensor> score) => new(name, null, (output, copies) =>
    {
        if (copies == 1) return score(output);
        int n = output.Shape[0] / copies;
        return TensorOps.Concat(0, [.. Enumerable.Range(0, copies).Select(i => score(output.Slice(0, i * n, (i + 1) * n)))]);
    });

    /// <summary>The module call the target reads, or null for the network's output.</summary>
    internal string? Scope => _scope;

    /// <summary>The target's value for each example, [N].</summary>
    /// <param name="output">Of the batch, or of several copies of it, one after the other.</param>
    /// <param name="copies">How many.</param>
    /// <exception cref="ArgumentException">The output has no such class or neuron, or the function did not give [N].</exception>
    internal Tensor Score(Tensor output, int copies = 1)
    {
        if (output.Rank < 2 && _score is null) throw new ArgumentException($"An output of shape {output.Shape} has no classes; it should be [N, classes].");
        Tensor score = (_score ?? Top._score!)(output, copies);
        return score.Rank == 1 && score.Shape[0] == output.Shape[0]
            ? score
            : throw new ArgumentException($"Target {_name} gave shape {score.Shape} for an output of shape {output.Shape}; it should be [{output.Shape[0]}].");
    }

    /// <summary>This target with the choice of a class made: where the input then changes, the same class is asked about.</summary>
    internal Target ChosenAt(Tensor output) => _score is null || ReferenceEquals(_score, Top._score) ? Picked("top", Best(output).Longs.ToArray()) : this;

    /// <inheritdoc/>
    public override string ToString() => _name ?? "top";

    private static Target Picked(string name, long[] classes) =>
        new(name, null, (output, copies) => Pick(output, Tensor.From(Repeat(classes, copies), [classes.Length * copies])));

    private static Tensor Best(Tensor output) => output.Detach().Flatten().ArgMax(1);

    private static long[] Repeat(long[] classes, int copies) => [.. Enumerable.Repeat(classes, copies).SelectMany(c => c)];

    private static Tensor Pick(Tensor output, Tensor index)
    {
        if (output.Rank < 2) throw new ArgumentException($"An output of shape {output.Shape} has no classes; it should be [N, classes].");
        Tensor rows = output.Flatten();
        foreach (long k in index.Longs)
        {
            if ((ulong)k >= (ulong)rows.Shape[1])
            {
                throw new ArgumentException($"There is no class {k}: the output of shape {output.Shape} has {rows.Shape[1]}.");
            }
        }
        return rows.Gather(1, index.Unsqueeze(1)).Squeeze(1);
    }
}
