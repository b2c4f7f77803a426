namespace Vitrine.Insight;

/// <summary>A method that says how much each part of an input, or of a layer, has to do with an answer. Options are constructor parameters.</summary>
public interface IAttribution
{
    /// <summary>The method's name in its paper.</summary>
    string Name { get; }

    /// <summary>Explains the network's answers on a batch. Nothing about the network changes.</summary>
    /// <param name="model">The network.</param>
    /// <param name="input">[N, ...].</param>
    /// <param name="target">What about the answer is to be explained.</param>
    /// <param name="wrt">The module call whose result is to be attributed to (<c>conv2</c>); null for the input.</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1, by methods that take long.</param>
    /// <param name="cancel">Ends the work between two passes.</param>
    /// <returns>Values of the shape of what they are attributed to.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancel"/> was signalled.</exception>
    /// <exception cref="ArgumentException">There is no such class, neuron or module call.</exception>
    /// <exception cref="NotSupportedException">The method does not apply to an operator of this network; the message names it.</exception>
    Attribution Explain(Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default);
}

/// <summary>An explanation.</summary>
/// <param name="Method">The name of the method.</param>
/// <param name="Target">What was explained.</param>
/// <param name="Values">Of the shape of what is attributed to: the input or a layer's result. Maps of places alone have one channel.</param>
/// <param name="Of">What is attributed to: the input, or the layer's result.</param>
/// <param name="Score">The target's value for each example, [N].</param>
/// <param name="Output">The network's output.</param>
public sealed record Attribution(string Method, Target Target, Tensor Values, Tensor Of, Tensor Score, Tensor Output)
{
    /// <summary>Of methods that fit a model of their own near each example, such as LIME: how much of the answers' variance it explains (R2), one an
    /// example.</summary>
    public IReadOnlyList<double>? LocalFit { get; init; }
}

/// <summary>A recorded forward pass, ready to be asked.</summary>
internal sealed class Recorded
{
    private Recorded(Tensor input, Tensor wrt, Tensor output, Tensor score)
    {
        Input = input;
        Wrt = wrt;
        Output = output;
        Score = score;
    }

    /// <summary>The input as it was watched.</summary>
    public Tensor Input { get; }

    /// <summary>What is attributed to.</summary>
    public Tensor Wrt { get; }

    /// <summary>The network's output.</summary>
    public Tensor Output { get; }

    /// <summary>[N].</summary>
    public Tensor Score { get; }

    /// <summary>Runs the network and records it.</summary>
    /// <param name="model">The network.</param>
    /// <param name="input">[N, ...], or several copies of a batch, one after the other.</param>
    /// <param name="target">What about the answer is to be explained.</param>
    /// <param name="wrt">The module call to attribute to; null for the input.</param>
    /// <param name="copies">Of how many copies of the batch the input consists.</param>
    /// <param name="at">What takes the place of the result of <paramref name="wrt"/>; null to leave it.</param>
    /// <param name="plain">Whether <see cref="Back"/> will be asked without rules: modules may then join their functions, which is faster.</param>
    public static Recorded Of(Module model, Tensor input, Target target, string? wrt, int copies = 1, Tensor? at = null, bool plain = false)
    {
        bool differentiable = input.DType == DType.Float32;
        if (wrt is null && !differentiable)
        {
            throw new ArgumentException(
                $"An input of type {input.DType} has no gradient: name a layer to attribute to, the embedding for instance. {Network.Scopes(model, input)}");
        }
        string[] scopes = [.. new[] { wrt, target.Scope }.OfType<string>()];
        var run = new Run(recording: true, fused: plain) { PlainGradients = plain };
        if (scopes.Length > 0) run.Tap(scopes);
        if (wrt is not null) run.Edit(wrt, value => Placed(value, at, wrt));
        Tensor watched = differentiable ? input.Watch() : input;
        Tensor output = model.Call(run, watched);
        foreach (string scope in scopes)
        {
            if (!run.Taps.ContainsKey(scope)) throw new ArgumentException($"No module call is named {scope}. {Network.Scopes(model, input)}");
        }
        Tensor score = target.Score(target.Scope is null ? output : run.Taps[target.Scope], copies);
        return new Recorded(watched, wrt is null ? watched : run.Taps[wrt], output, score);
    }

    /// <summary>The backward pass from the score of every example at once: the examples of a batch do not touch each other.</summary>
    public Tensor Back(RuleSet? rules = null, Recorded? reference = null, Tensor? seed = null) =>
        Score.IsRecorded ? Autograd.Backward(Score, seed, [Wrt], rules, reference?.Score)[0] : Tensor.Zeros(Wrt.Shape);

    private static Tensor Placed(Tensor value, Tensor? at, string scope)
    {
        if (at is null) return value.IsRecorded ? value : value.Watch(); // behind whole numbers nothing is recorded yet
        return at.Shape == value.Shape
            ? at.Watch()
            : throw new ArgumentException($"The result of {scope} has shape {value.Shape}; what should take its place has {at.Shape}.");
    }
}
