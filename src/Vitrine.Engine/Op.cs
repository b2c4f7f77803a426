namespace Vitrine;

/// <summary>What a rule or an analysis may assume about an operator.</summary>
[Flags]
public enum OpTraits
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Every output element depends on the input elements at its own place (after broadcasting).</summary>
    Elementwise = 1,

    /// <summary>Linear in its first input (convolution, affine normalisation, average pooling, sum).</summary>
    Linear = 2,

    /// <summary>Linear in each of two inputs (product of two activations, matrix product).</summary>
    Bilinear = 4,

    /// <summary>Every output element is a copy of one chosen input element (maximum, gather).</summary>
    Routing = 8,

    /// <summary>Only the arrangement changes (reshape, permute, slice, concatenation, padding).</summary>
    Reshaping = 16,
}

/// <summary>
/// An operator: a pure function of tensors with the gradient of each input. Attributes are constructor fields; weights are ordinary inputs.
/// </summary>
public abstract class Op
{
    /// <summary>The operator's name as errors and tables show it: the class name without its ending.</summary>
    public virtual string Name => GetType().Name is var name && name.EndsWith("Op", StringComparison.Ordinal) ? name[..^2] : GetType().Name;

    /// <summary>What rules may assume.</summary>
    public virtual OpTraits Traits => OpTraits.None;

    /// <summary>
    /// Computes the result, a new tensor, without recording anything. Pure: a rule may run it again on modified inputs.
    /// </summary>
    /// <exception cref="ArgumentException">The shapes or types do not fit the operator; the message names them.</exception>
    public abstract Tensor Forward(ReadOnlySpan<Tensor> inputs);

    /// <summary>
    /// The gradient with respect to ONE input, given the gradient with respect to the output; null when nothing flows there (integers, blocked).
    /// Written with operators, so that it can itself be recorded and differentiated.
    /// </summary>
    public abstract Tensor? Backward(Node node, Tensor grad, int input);

    /// <summary>
    /// The gradients of all inputs that are wanted; for operators that find several in less time than one after the other.
    /// </summary>
    /// <param name="node">The application of this operator.</param>
    /// <param name="grad">The gradient with respect to its output.</param>
    /// <param name="wanted">For each input, whether its gradient is asked for.</param>
    /// <param name="grads">Receives the gradients that are wanted; null where nothing flows.</param>
    public virtual void BackwardAll(Node node, Tensor grad, ReadOnlySpan<bool> wanted, Span<Tensor?> grads)
    {
        for (int i = 0; i < wanted.Length; i++)
        {
            if (wanted[i]) grads[i] = Backward(node, grad, i);
        }
    }

    /// <summary>Applies the operator, and records a node when an input is recorded and the active run does not forbid it.</summary>
    public Tensor Apply(params ReadOnlySpan<Tensor> inputs)
    {
        Tensor output;
        try
        {
            output = Forward(inputs);
        }
        catch (ArgumentException e) when (e is not OperatorException)
        {
            throw new OperatorException(this, inputs, e.Message, e);
        }
        Run? run = Run.Active;
        if (!Recording.Suppressed && (run is null || run.Recording))
        {
            foreach (Tensor input in inputs)
            {
                if (!input.IsRecorded) continue;
                output.Source = new Node(this, inputs.ToArray(), output, run?.Scope);
                break;
            }
        }
        run?.Observe(this, output);
        return output;
    }
}

/// <summary>An operator was applied to tensors that do not fit it; the message names the operator, its scope and the shapes.</summary>
public sealed class OperatorException : ArgumentException
{
    internal OperatorException(Op op, ReadOnlySpan<Tensor> inputs, string message, Exception inner)
        : base($"{op.Name}{(Run.Active?.Scope is { } scope ? $" in {scope}" : "")} on {Describe(inputs)}: {message}", inner)
    {
    }

    private static string Describe(ReadOnlySpan<Tensor> inputs)
    {
        var parts = new List<string>();
        foreach (Tensor input in inputs) parts.Add($"{input.DType} {input.Shape}");
        return string.Join(", ", parts);
    }
}

/// <summary>Whether operators on this thread are recorded.</summary>
internal static class Recording
{
    [ThreadStatic]
    private static int t_suppressed;

    public static bool Suppressed => t_suppressed > 0;

    /// <summary>Whether nothing is recorded now: it is switched off here, or the active run forbids it.</summary>
    public static bool Off => Suppressed || Run.Active is { Recording: false };

    /// <summary>Switches recording off on this thread until <see cref="Resume"/>; nests.</summary>
    public static void Suppress() => t_suppressed++;

    /// <summary>Takes one <see cref="Suppress"/> back.</summary>
    public static void Resume() => t_suppressed--;

    /// <summary>Records on this thread whatever was suppressed; give the answer back to <see cref="Restore"/>.</summary>
    public static int Lift()
    {
        int suppressed = t_suppressed;
        t_suppressed = 0;
        return suppressed;
    }

    /// <summary>Ends a <see cref="Lift"/>.</summary>
    public static void Restore(int suppressed) => t_suppressed = suppressed;
}
