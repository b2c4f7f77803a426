using System.Globalization;
using System.Text.Json.Serialization;
using Vitrine.Models;

namespace Vitrine.Experiments;

/// <summary>Where the first layers of a network come from and whether they go on learning. The paper's names: A3B+ has three layers of A, fine-tuned.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TransferCondition>))]
public enum TransferCondition
{
    /// <summary>The whole network learns A.</summary>
    BaseA,

    /// <summary>The whole network learns B.</summary>
    BaseB,

    /// <summary>BnB: the first layers are those of base B and stay as they are; the rest starts anew and learns B.</summary>
    Selffer,

    /// <summary>BnB+: the same, and the first layers learn on.</summary>
    SelfferTuned,

    /// <summary>AnB: the first layers are those of base A and stay as they are; the rest starts anew and learns B.</summary>
    Transfer,

    /// <summary>AnB+: the same, and the first layers learn on.</summary>
    TransferTuned,

    /// <summary>The first layers are random and stay so; the rest learns B.</summary>
    Random,
}

/// <summary>One network of the experiment.</summary>
/// <param name="Seed">The seed: which halves, which examples, which draws.</param>
/// <param name="Condition">Where the first layers come from.</param>
/// <param name="Layers">How many they are: n, from 1 to one less than the network has; 0 for a whole network.</param>
/// <param name="PerClass">Training examples of each class.</param>
/// <param name="Reduced">Whether this is the experiment with fewer examples.</param>
public sealed record TransferJob(ulong Seed, TransferCondition Condition, int Layers, int PerClass, bool Reduced = false)
{
    /// <summary>The paper's name: <c>baseB</c>, <c>B3B</c>, <c>A3B+</c>; <c>R3B</c> for random filters. With fewer examples their number stands behind
    /// it.</summary>
    [JsonIgnore]
    public string Name
    {
        get
        {
            string name = Condition switch
            {
                TransferCondition.BaseA => "baseA",
                TransferCondition.BaseB => "baseB",
                TransferCondition.Selffer => $"B{Layers}B",
                TransferCondition.SelfferTuned => $"B{Layers}B+",
                TransferCondition.Transfer => $"A{Layers}B",
                TransferCondition.TransferTuned => $"A{Layers}B+",
                _ => $"R{Layers}B",
            };
            return Reduced ? $"{name}@{PerClass.ToString(CultureInfo.InvariantCulture)}" : name;
        }
    }

    /// <summary>The name of its files, without an ending.</summary>
    [JsonIgnore]
    internal string File => $"{Seed}-{Name.Replace("+", "plus").Replace('@', '-')}";

    /// <summary>Whether the copied layers stay as they are.</summary>
    [JsonIgnore]
    internal bool Frozen => Condition is TransferCondition.Selffer or TransferCondition.Transfer or TransferCondition.Random;

    /// <summary>What it takes, in the time a whole network takes: for the estimate of the time that is left.</summary>
    internal double Cost(IReadOnlyList<double> shares) => Frozen ? 0.02 + shares.Skip(Layers).Sum() : 1;

    /// <summary>All jobs in the order in which they are done: bases first, for the others copy from them.</summary>
    internal static IReadOnlyList<TransferJob> All(TransferOptions options)
    {
        List<TransferJob> jobs = [];
        for (int s = 0; s < options.Seeds; s++)
        {
            ulong seed = options.Seed + (ulong)s;
            jobs.Add(new(seed, TransferCondition.BaseA, 0, options.PerClass));
            jobs.Add(new(seed, TransferCondition.BaseB, 0, options.PerClass));
            // B0B: nothing is copied, the base is trained again from other weights. What two trainings differ by is what a difference has to be compared with.
            jobs.Add(new(seed, TransferCondition.SelfferTuned, 0, options.PerClass));
            for (int n = 1; n < SmallAlexNet.Depth; n++)
            {
                jobs.Add(new(seed, TransferCondition.Selffer, n, options.PerClass));
                jobs.Add(new(seed, TransferCondition.SelfferTuned, n, options.PerClass));
                jobs.Add(new(seed, TransferCondition.Transfer, n, options.PerClass));
                jobs.Add(new(seed, TransferCondition.TransferTuned, n, options.PerClass));
                if (options.RandomFilters) jobs.Add(new(seed, TransferCondition.Random, n, options.PerClass));
            }
            foreach (int fewer in options.Reduced)
            {
                jobs.Add(new(seed, TransferCondition.BaseB, 0, fewer, Reduced: true));
                jobs.Add(new(seed, TransferCondition.Transfer, TransferExperiment.ReducedLayers, fewer, Reduced: true));
                jobs.Add(new(seed, TransferCondition.TransferTuned, TransferExperiment.ReducedLayers, fewer, Reduced: true));
            }
        }
        return jobs;
    }
}

/// <summary>What came of a job.</summary>
/// <param name="Job">The job.</param>
/// <param name="Classes">The classes it tells apart.</param>
/// <param name="Accuracy">The part of the examples to be judged by that were named rightly, in [0, 1].</param>
/// <param name="Loss">Their mean cross-entropy, in nats.</param>
/// <param name="TrainingAccuracy">The part of the training examples named rightly, over the last pass.</param>
public sealed record TransferOutcome(TransferJob Job, IReadOnlyList<string> Classes, double Accuracy, double Loss, double TrainingAccuracy);
