namespace Vitrine.Insight;

/// <summary>
/// A method's explanation of tokens [N, T], one number each: what a method of answers alone says of the tokens themselves, or the sum over each token's
/// embedding of what a method of gradients says of it.
/// </summary>
/// <param name="inner">The method.</param>
/// <param name="embedding">The layer whose result has a vector for each token, [N, T, ...].</param>
/// <param name="direct">Whether the method is asked about the tokens and not about the embedding.</param>
internal sealed class ByToken(IAttribution inner, string embedding, bool direct) : IAttribution
{
    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <summary>The method.</summary>
    public IAttribution Inner => inner;

    /// <summary>Whether it is asked about the tokens and not about the embedding.</summary>
    public bool Direct => direct;

    /// <inheritdoc/>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        Attribution found = inner.Explain(model, input, target, direct ? null : embedding, progress, cancel);
        return found with { Values = Summed(found.Values, input.Shape), Of = input };
    }

    /// <summary>Values of tokens, what each has of its own summed.</summary>
    /// <exception cref="ArgumentException">The values are not one or more numbers a token.</exception>
    public static Tensor Summed(Tensor values, Shape tokens)
    {
        Tensor sum = values;
        while (sum.Rank > tokens.Rank) sum = sum.Sum([-1]);
        return sum.Shape == tokens ? sum : throw new ArgumentException($"Values of shape {values.Shape} are not one vector for each token of {tokens}.");
    }
}

/// <summary>The length of each token's embedding in place of an explanation: the edges of a text, for it knows nothing of what the network does with
/// it.</summary>
/// <param name="embedding">The layer whose result has a vector for each token, [N, T, ...].</param>
internal sealed class TokenNorms(string embedding) : IAttribution
{
    /// <inheritdoc/>
    public string Name => "lengths of embeddings";

    /// <inheritdoc/>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        Probes probes = Probes.On(model, input, target, embedding, progress, cancel);
        return new Attribution(Name, target, ByToken.Summed(probes.Of.Square(), input.Shape).Sqrt(), input, probes.Score, probes.Output);
    }
}
