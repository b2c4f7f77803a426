namespace Vitrine.Insight;

/// <summary>What the layers of a network make of inputs.</summary>
public static class LayerMaps
{
    /// <summary>The results of module calls.</summary>
    /// <param name="model">The network.</param>
    /// <param name="input">[N, ...].</param>
    /// <param name="scopes">The module calls.</param>
    /// <returns>Their results, in the order asked for: [N, C, H, W] for feature maps.</returns>
    /// <exception cref="ArgumentException">There is no such module call.</exception>
    public static IReadOnlyList<Tensor> Of(Module model, Tensor input, params IReadOnlyList<string> scopes)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(scopes);
        using var memory = MemoryScope.Open();
        var run = new Run(fused: false).Tap([.. scopes]);
        model.Call(run, input.Detach());
        return
        [
            .. scopes.Select(s => run.Taps.TryGetValue(s, out Tensor? result)
                ? memory.Keep(result)
                : throw new ArgumentException($"There is no module call {s}. {Network.Scopes(model, input)}", nameof(scopes))),
        ];
    }
}
