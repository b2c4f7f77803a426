namespace Vitrine.Insight;

/// <summary>A place in a network: the input, or the result of a module call; a single neuron of it, or all.</summary>
/// <param name="Scope">The module call (<c>conv2</c>), or null for the input.</param>
/// <param name="Position">Coordinates without the batch axis; none for the whole result.</param>
public sealed record Place(string? Scope, params IReadOnlyList<int> Position)
{
    /// <summary>The whole input, or one element of it.</summary>
    public static Place Input(params IReadOnlyList<int> position) => new(null, position);

    /// <inheritdoc/>
    public override string ToString() => $"{Scope ?? "input"}{(Position.Count == 0 ? "" : $"[{string.Join(", ", Position)}]")}";
}

/// <summary>How much one place in a network moves another: the derivative of a neuron with respect to a neuron.</summary>
public static class Influence
{
    /// <summary>The derivative of a neuron with respect to every neuron of another place.</summary>
    /// <param name="model">The network.</param>
    /// <param name="input">[N, ...].</param>
    /// <param name="from">The place that moves; its position is not used.</param>
    /// <param name="to">The neuron that is moved; without a position, the sum over the place.</param>
    /// <returns>Of the shape of <paramref name="from"/>'s result; zeros where nothing depends on it.</returns>
    /// <exception cref="ArgumentException">There is no such place.</exception>
    public static Tensor Map(Module model, Tensor input, Place from, Place to)
    {
        if (to.Scope is null) throw new ArgumentException("Nothing influences the input; name a module call as the place that is moved.", nameof(to));
        return new Gradient().Explain(model, input, Target.Neuron(to.Scope, to.Position), from.Scope).Values;
    }

    /// <summary>The derivative of a neuron with respect to a neuron, for each example of the batch.</summary>
    /// <exception cref="ArgumentException">There is no such place.</exception>
    public static float[] Between(Module model, Tensor input, Place from, Place to)
    {
        Tensor map = Map(model, input, from, to);
        if (from.Position.Count != map.Rank - 1)
            throw new ArgumentException($"{from} names {from.Position.Count} coordinates; a neuron of shape {map.Shape} has {map.Rank - 1}.", nameof(from));
        float[] values = new float[map.Shape[0]];
        for (int n = 0; n < values.Length; n++) values[n] = map[[n, .. from.Position]];
        return values;
    }
}
