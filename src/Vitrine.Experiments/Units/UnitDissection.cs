using Vitrine.Data;
using Vitrine.Insight;

namespace Vitrine.Experiments;

/// <summary>A unit and the concept it agrees with best.</summary>
/// <param name="Unit">Its number.</param>
/// <param name="Concept">The concept.</param>
/// <param name="Iou">The intersection over union of where the unit is most active and where the concept is, 0 to 1.</param>
/// <param name="Chance">The best it reaches with the concepts of other pictures in the place of each picture's own.</param>
/// <param name="Threshold">The activation above which it counts as active.</param>
public sealed record DissectedUnit(int Unit, string Concept, double Iou, double Chance, double Threshold);

/// <summary>How the units of a layer agree with concepts (Bau et al. 2017).</summary>
/// <param name="Layer">The scope.</param>
/// <param name="Units">All units.</param>
/// <param name="Detectors">How many agree with a concept by more than 0.04.</param>
/// <param name="ByChance">How many would, of the concepts of other pictures.</param>
/// <param name="Shuffled">How many do when the numbers of every weight of the network have changed places.</param>
/// <param name="MeanIou">The mean over the units of the best agreement.</param>
/// <param name="MeanChance">The same with the concepts of other pictures.</param>
/// <param name="MeanShuffled">The same with shuffled weights.</param>
/// <param name="ShuffledUnits">The units with shuffled weights.</param>
public sealed record LayerDissection(
    string Layer, IReadOnlyList<DissectedUnit> Units, int Detectors, int ByChance, int Shuffled, double MeanIou, double MeanChance, double MeanShuffled,
    IReadOnlyList<DissectedUnit> ShuffledUnits);

/// <summary>Network dissection of the layers that have feature maps, beside two controls: concepts of other pictures, and shuffled weights.</summary>
internal static class UnitDissection
{
    /// <summary>The agreement from which a unit is said to detect a concept; the paper's.</summary>
    public const double Bound = 0.04;

    /// <summary>Compares all units of some layers with all concepts.</summary>
    /// <param name="network">The network.</param>
    /// <param name="examples">The pictures.</param>
    /// <param name="masks">Where the concepts are in them.</param>
    /// <param name="layers">The layers; all have feature maps.</param>
    /// <param name="options">The model's file, the batch and the seed.</param>
    /// <param name="progress">Hears what is being done.</param>
    /// <param name="cancel">Ends it between two batches.</param>
    public static IReadOnlyList<LayerDissection> Run(
        OpenedNetwork network, ExampleSet examples, ExampleMasks masks, IReadOnlyList<string> layers, UnitsOptions options, Action<string>? progress,
        CancellationToken cancel)
    {
        Shape input = examples.Batch(0, 1).Shape;
        progress?.Invoke("dissection");
        IReadOnlyList<DissectedLayer> own = Compare(network.Module);
        progress?.Invoke("dissection with shuffled weights");
        // Opened anew, so that what follows still meets the network as it is.
        var forgetful = OpenedNetwork.Open(options.Model, options.Preprocess, options.Labels);
        Randomisation.Shuffle(forgetful.Module, options.Seed);
        IReadOnlyList<DissectedLayer> shuffled = Compare(forgetful.Module);
        return [.. own.Zip(shuffled, (o, s) => new LayerDissection(o.Scope, Units(o), o.Detectors(Bound).Count, o.DetectorsByChance(Bound).Count,
            s.Detectors(Bound).Count, Mean(o.Agreement), Mean(o.Chance), Mean(s.Agreement), Units(s)))];

        IReadOnlyList<DissectedLayer> Compare(Module module) => Dissection.Of(module, examples.Count, examples.Batch,
            i => masks.Of(i, input[2], input[3]), layers, batchSize: options.Batch, seed: options.Seed, cancel: cancel);

        IReadOnlyList<DissectedUnit> Units(DissectedLayer layer) => [.. Enumerable.Range(0, layer.Agreement.Count).Select(u => new DissectedUnit(
            u, masks.Concepts[layer.Best(u)], Math.Round(layer.Agreement[u].Max(), 5), Math.Round(layer.Chance[u].Max(), 5), layer.Thresholds[u]))];
    }

    /// <summary>The concepts for a search: those of the data, or those in a folder.</summary>
    /// <exception cref="DataException">There are none, or there is one picture only.</exception>
    public static ExampleMasks Masks(OpenedNetwork network, ExampleSet examples, UnitsOptions options)
    {
        if (examples.Count < 2)
            throw new DataException("Concepts are compared with those of other pictures, and there is one picture.", "Give two or more.");
        if (options.Masks is { } folder)
        {
            return Directory.Exists(options.Data) ? ExampleMasks.OfFolder(network, folder, examples, options.Data)
                : throw new DataException($"The examples of {examples.Title} are no files, so none of the masks in {folder} is theirs.",
                    "Use --masks with a folder of pictures.");
        }
        return examples.Masks ?? throw new DataException($"Nobody says where things are in the examples of {examples.Title}.",
            "Use --data shapes, or give a folder of pictures and their masks with --masks.");
    }

    private static double Mean(IReadOnlyList<double[]> agreement) => Math.Round(agreement.Average(a => a.Max()), 5);
}
