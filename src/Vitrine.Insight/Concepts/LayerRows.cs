namespace Vitrine.Insight;

/// <summary>The results of a module call for many inputs, as rows of numbers.</summary>
internal static class LayerRows
{
    private const int Together = 64;

    /// <summary>A row for each input [N, ...]; of the inputs themselves where no layer is named.</summary>
    /// <exception cref="ArgumentException">There is no such module call, or its first axis is not the batch.</exception>
    public static float[][] Of(Module model, Tensor inputs, string? layer, CancellationToken cancel)
    {
        var rows = new List<float[]>(inputs.Shape[0]);
        for (int from = 0; from < inputs.Shape[0]; from += Together)
        {
            cancel.ThrowIfCancellationRequested();
            using var scope = MemoryScope.Open();
            Tensor part = inputs.Detach().Slice(0, from, Math.Min(inputs.Shape[0], from + Together)), result = part;
            if (layer is not null)
            {
                var run = new Run().Tap(layer);
                model.Call(run, part);
                result = run.Taps.TryGetValue(layer, out Tensor? tapped)
                    ? tapped
                    : throw new ArgumentException($"No module call is named {layer}. {Network.Scopes(model, part)}");
            }
            if (result.Rank == 0 || result.Shape[0] != part.Shape[0])
            {
                throw new ArgumentException($"The result of {layer} has shape {result.Shape}: its first axis does not hold the {part.Shape[0]} examples.");
            }
            rows.AddRange(result.ToArray().Chunk(Math.Max(1, result.Count / part.Shape[0])));
        }
        return [.. rows];
    }
}
