namespace Vitrine.Insight;

/// <summary>The activations of layers over many inputs as rows of numbers, the form projections take.</summary>
public static class ActivationRows
{
    /// <summary>The results of module calls over many inputs.</summary>
    /// <param name="model">The network.</param>
    /// <param name="inputs">[N, ...], N at least 1.</param>
    /// <param name="scopes">The module calls (<c>fc1</c>), each once.</param>
    /// <param name="batchSize">How many inputs are run at a time; the memory of a run grows with it.</param>
    /// <param name="cancel">Stops between two batches.</param>
    /// <returns>[N, D] for each module call, in the order asked for; D is all of what one input makes there.</returns>
    /// <exception cref="ArgumentException">There is no such module call, or its result has no row for each input.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static IReadOnlyList<Tensor> Of(Module model, Tensor inputs, IReadOnlyList<string> scopes, int batchSize = 256, CancellationToken cancel = default)
    {
        float[]?[] all = new float[scopes.Count][];
        int at = 0;
        foreach (IReadOnlyList<Tensor> batch in Stream(model, inputs, scopes, batchSize, cancel))
        {
            for (int s = 0; s < scopes.Count; s++)
            {
                int width = batch[s].Shape[1];
                float[] rows = all[s] ??= new float[checked(inputs.Shape[0] * width)];
                batch[s].Floats.CopyTo(rows.AsSpan(at * width));
            }
            at += batch.Count == 0 ? 0 : batch[0].Shape[0];
        }
        return [.. all.Select(rows => Tensor.From(rows!, [inputs.Shape[0], rows!.Length / inputs.Shape[0]]))];
    }

    /// <summary>The same batch by batch, [B, D] for each module call: no more than one batch is held, however many inputs there are.</summary>
    /// <param name="model">The network.</param>
    /// <param name="inputs">[N, ...], N at least 1.</param>
    /// <param name="scopes">The module calls, each once.</param>
    /// <param name="batchSize">How many inputs are run at a time.</param>
    /// <param name="cancel">Stops between two batches.</param>
    /// <exception cref="ArgumentException">There is no such module call, or its result has no row for each input.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static IEnumerable<IReadOnlyList<Tensor>> Stream(
        Module model, Tensor inputs, IReadOnlyList<string> scopes, int batchSize = 256, CancellationToken cancel = default)
    {
        if (inputs.Rank < 1 || inputs.Shape[0] == 0)
        {
            throw new ArgumentException($"Activations are those of at least one input; this is {inputs.Shape}.", nameof(inputs));
        }
        if (batchSize < 1) throw new ArgumentException($"A batch has at least one input, not {batchSize}.", nameof(batchSize));
        if (scopes.Count == 0) throw new ArgumentException("Name at least one module call. " + Network.Scopes(model, inputs.Slice(0, 0, 1)), nameof(scopes));
        return Batches();

        IEnumerable<IReadOnlyList<Tensor>> Batches()
        {
            for (int start = 0; start < inputs.Shape[0]; start += batchSize)
            {
                cancel.ThrowIfCancellationRequested();
                yield return Batch(model, inputs, start, Math.Min(inputs.Shape[0], start + batchSize), scopes);
            }
        }
    }

    private static Tensor[] Batch(Module model, Tensor inputs, int start, int end, IReadOnlyList<string> scopes)
    {
        using var scope = MemoryScope.Open();
        var run = new Run(fused: false).Tap([.. scopes]);
        model.Call(run, inputs.Slice(0, start, end));
        var rows = new Tensor[scopes.Count];
        for (int s = 0; s < rows.Length; s++)
        {
            if (!run.Taps.TryGetValue(scopes[s], out Tensor? result))
            {
                throw new ArgumentException($"There is no module call {scopes[s]}. {Network.Scopes(model, inputs.Slice(0, 0, 1))}", nameof(scopes));
            }
            if (result.Rank < 1 || result.Shape[0] != end - start || result.Count == 0)
            {
                throw new ArgumentException($"{scopes[s]} makes {result.Shape} of {end - start} inputs; rows need the inputs along its first axis.");
            }
            rows[s] = scope.Keep(result.Reshape(Shape.Create(end - start, result.Count / (end - start))));
        }
        return rows;
    }
}
