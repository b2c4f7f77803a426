using System.Text.Json;

namespace Vitrine;

/// <summary>
/// The file from which a training continues: the network, the optimizer's state, the average and the best weights as tensors, the trainer's own state as JSON.
/// </summary>
internal sealed class TrainerCheckpoint(string path, Module network, Optimizer optimizer, WeightAverage? average)
{
    public void Save(TrainerState state, Dictionary<string, Tensor>? best)
    {
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        Add("network.", network.State());
        Add("optimizer.", optimizer.State());
        if (average is not null) Add("average.", average.State());
        if (best is not null) Add("best.", best);
        state.Frozen = [.. network.Parameters.Where(p => p.IsFrozen).Select(p => p.Name)];
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["vitrine.training"] = JsonSerializer.Serialize(state, TrainerJson.Default.TrainerState),
            ["vitrine.optimizer"] = optimizer.GetType().Name,
        };
        SafeTensors.Save(path, tensors, metadata);

        void Add(string prefix, IReadOnlyDictionary<string, Tensor> part)
        {
            foreach ((string name, Tensor value) in part) tensors.Add(prefix + name, value);
        }
    }

    /// <summary>Gives everything the values it had, and returns the state of training and the best weights, if they are kept.</summary>
    /// <param name="fresh">The state at the start of the training that wants to continue.</param>
    /// <exception cref="ArgumentException">The file is that of another training.</exception>
    public (TrainerState State, Dictionary<string, Tensor>? Best) Load(TrainerState fresh)
    {
        IReadOnlyDictionary<string, Tensor> tensors = SafeTensors.Load(path, out IReadOnlyDictionary<string, string> metadata);
        if (!metadata.TryGetValue("vitrine.training", out string? json))
            throw new ArgumentException($"{path} is not a training checkpoint: it holds weights alone.");
        TrainerState state;
        try
        {
            state = JsonSerializer.Deserialize(json, TrainerJson.Default.TrainerState) ?? throw new JsonException("it is empty");
        }
        catch (JsonException e)
        {
            throw new ArgumentException($"The state of training in {path} is damaged: {e.Message}", e);
        }
        if (metadata.GetValueOrDefault("vitrine.optimizer") is { } kind && kind != optimizer.GetType().Name)
            throw new ArgumentException($"{path} was made with {kind}, not {optimizer.GetType().Name}.");
        if (state.Seed != fresh.Seed || state.BatchSize != fresh.BatchSize || state.Examples != fresh.Examples)
        {
            throw new ArgumentException(
                $"{path} was made with seed {state.Seed}, batches of {state.BatchSize} and {state.Examples} examples; " +
                $"this training has {fresh.Seed}, {fresh.BatchSize} and {fresh.Examples}. It can only be continued as it was started.");
        }
        Dictionary<string, Tensor> averaged = Part("average."), best = Part("best.");
        if (averaged.Count > 0 != average is not null)
        {
            (string there, string here) = average is null ? ("with", "without") : ("without", "with");
            throw new ArgumentException($"{path} was made {there} an average of the weights, this training is {here} one.");
        }
        network.Load(Part("network."));
        optimizer.Load(Part("optimizer."), network.Parameters);
        average?.Load(averaged);
        var frozen = new HashSet<string>(state.Frozen, StringComparer.Ordinal);
        foreach (Parameter parameter in network.Parameters) parameter.IsFrozen = frozen.Contains(parameter.Name);
        return (state, best.Count == 0 ? null : best);

        Dictionary<string, Tensor> Part(string prefix) => tensors.Where(t => t.Key.StartsWith(prefix, StringComparison.Ordinal))
            .ToDictionary(t => t.Key[prefix.Length..], t => t.Value, StringComparer.Ordinal);
    }
}
