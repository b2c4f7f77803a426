using Vitrine.Models;

namespace Vitrine.Experiments;

/// <summary>How every network of the transfer experiment is trained; the only thing that differs is where its first layers come from.</summary>
internal sealed class TransferNetworks(TransferOptions options, int channels, int side)
{
    private const float Momentum = 0.9f, WeightDecay = 5e-4f;
    private const int Batch = 256;

    /// <summary>A whole network, trained from the state it is given.</summary>
    /// <param name="state">Its parameters before training.</param>
    /// <param name="data">What it learns from.</param>
    /// <param name="perClass">Training examples of each class: with fewer there are more passes, so that all networks make as many steps.</param>
    /// <param name="seed">Where shuffling starts.</param>
    /// <param name="frozen">How many of the first layers stay as they are.</param>
    /// <param name="cancel">Ends it.</param>
    public (SmallAlexNet Network, double TrainingAccuracy) Train(
        IReadOnlyDictionary<string, Tensor> state, Dataset data, int perClass, ulong seed, int frozen, CancellationToken cancel)
    {
        var network = new SmallAlexNet(Weights.From(state), channels, side, data.Classes.Count);
        foreach (Parameter parameter in network.Parameters) parameter.IsFrozen = SmallAlexNet.LayerOf(parameter.Name) <= frozen;
        return (network, Fit(network, data, perClass, seed, cancel));
    }

    /// <summary>
    /// What <see cref="Train"/> gives for frozen layers, for less: as they never change, they are run once, and the layers behind them are trained on what
    /// they gave.
    /// </summary>
    /// <returns>The part behind the frozen layers, and its training accuracy over the last pass.</returns>
    public (SmallAlexNet Network, double TrainingAccuracy) TrainBehind(
        IReadOnlyDictionary<string, Tensor> state, Dataset features, int perClass, ulong seed, int frozen, CancellationToken cancel)
    {
        var network = new SmallAlexNet(Weights.From(state), channels, side, features.Classes.Count, from: frozen);
        return (network, Fit(network, features, perClass, seed, cancel));
    }

    /// <summary>What the first layers of a network make of a data set.</summary>
    public Dataset Features(IReadOnlyDictionary<string, Tensor> state, Dataset data, int layers, CancellationToken cancel)
    {
        var first = new SmallAlexNet(Weights.From(state), channels, side, data.Classes.Count, until: layers);
        float[] all = [];
        Shape shape = default;
        for (int start = 0, at = 0; start < data.Count; start += Batch)
        {
            cancel.ThrowIfCancellationRequested();
            using var scope = MemoryScope.Open();
            Tensor values = first.Call(new Run(), data.Inputs.Slice(0, start, Math.Min(start + Batch, data.Count)));
            if (start == 0)
            {
                shape = values.Shape.With(0, data.Count);
                all = new float[shape.Count];
            }
            values.Floats.CopyTo(all.AsSpan(at));
            at += values.Count;
        }
        return new Dataset(Tensor.From(all, shape), data.Labels, data.Classes);
    }

    /// <summary>Fresh weights, with those of the first layers from elsewhere.</summary>
    public Dictionary<string, Tensor> Joined(IReadOnlyDictionary<string, Tensor> first, int layers, ulong seed, int classes)
    {
        Dictionary<string, Tensor> state = SmallAlexNet.Draw(seed, channels, side, classes);
        foreach (string name in state.Keys.ToArray())
        {
            if (SmallAlexNet.LayerOf(name) <= layers) state[name] = first[name];
        }
        return state;
    }

    /// <summary>The share of each layer in the work of a whole network, by multiplications: the first counts twice a third, for nothing goes back through
    /// it.</summary>
    public IReadOnlyList<double> Shares(int classes)
    {
        int half = (side + 1) / 2, quarter = half / 2, eighth = quarter / 2;
        var network = new SmallAlexNet(Weights.Random(0), channels, side, classes);
        double[] work =
        [
            .. SmallAlexNet.LayerNames.Select((name, k) => network.Parameters.First(p => p.Name == $"{name}.weight").Value.Count
                * (k switch { 0 => half * half * 2 / 3.0, 1 => quarter * quarter, < 5 => eighth * eighth, _ => 1 })),
        ];
        return [.. work.Select(w => w / work.Sum())];
    }

    private double Fit(SmallAlexNet network, Dataset data, int perClass, ulong seed, CancellationToken cancel)
    {
        var trainer = new Trainer(network, new Sgd((float)options.LearningRate, Momentum, WeightDecay))
        {
            BatchSize = options.BatchSize,
            Schedule = Schedules.Cosine(),
            Seed = seed,
        };
        int epochs = (int)Math.Round(options.Epochs * (double)options.PerClass / perClass);
        TrainingLog log = trainer.Fit(data, epochs, cancel: cancel);
        cancel.ThrowIfCancellationRequested();
        return log.Epochs[^1].Accuracy;
    }
}
