namespace Vitrine.Insight;

/// <summary>A forward pass that goes no further than the layers that are asked for: what comes after them is never computed.</summary>
internal static class PartialPass
{
    /// <summary>Stands for the network's output among the names of layers.</summary>
    public const string Output = "";

    /// <summary>The results of layers on an input, by name.</summary>
    /// <param name="model">The network, not training.</param>
    /// <param name="input">[N, ...]; recorded where it is watched and <paramref name="recording"/> is set.</param>
    /// <param name="layers">Module calls or named values; <see cref="Output"/> for the network's output.</param>
    /// <param name="recording">Whether a backward pass will follow.</param>
    /// <exception cref="ArgumentException">There is no such layer; the message lists those there are.</exception>
    public static IReadOnlyDictionary<string, Tensor> Of(Module model, Tensor input, IReadOnlyList<string> layers, bool recording)
    {
        var found = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        bool whole = layers.Contains(Output);
        var run = new Run(recording: recording, fused: false);
        foreach (string layer in layers.Where(l => l != Output))
        {
            run.Edit(layer, value =>
            {
                found[layer] = value;
                return whole || found.Count < layers.Count ? value : throw new Arrived();
            });
        }
        try
        {
            Tensor output = model.Call(run, input);
            if (whole) found[Output] = output;
        }
        catch (Arrived)
        {
            return found;
        }
        string? missing = layers.FirstOrDefault(l => !found.ContainsKey(l));
        return missing is null ? found : throw new ArgumentException($"There is no layer {missing}. {Network.Scopes(model, input.Detach())}", nameof(layers));
    }

    /// <summary>
    /// Calls the rest of a pass off. A cancellation, because networks hand cancellations on as they are, whereas errors get the name of the operator.
    /// </summary>
    private sealed class Arrived : OperationCanceledException;
}
