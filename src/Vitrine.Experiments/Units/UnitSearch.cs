using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Vitrine.Data;
using Vitrine.Insight;

namespace Vitrine.Experiments;

/// <summary>The pass over the data for the examples that excite each unit, saved every few seconds so that it can go on where it stopped.</summary>
internal static class UnitSearch
{
    private const string StateName = "search.safetensors";
    private const string Key = "vitrine.units";

    /// <summary>Looks at all examples.</summary>
    /// <param name="network">The network.</param>
    /// <param name="examples">The examples.</param>
    /// <param name="layers">The layers.</param>
    /// <param name="options">How many are kept, run at a time, and whether to resume.</param>
    /// <param name="progress">Hears how far it is.</param>
    /// <param name="cancel">Ends it between two batches; what was seen is saved.</param>
    /// <exception cref="DataException">What an earlier run left belongs to another search.</exception>
    public static TopExamples Run(
        OpenedNetwork network, ExampleSet examples, IReadOnlyList<string> layers, UnitsOptions options, Action<string>? progress, CancellationToken cancel)
    {
        string state = Path.Combine(options.Output, StateName), question = Question(network, examples, layers, options);
        var found = new TopExamples(layers, options.Top);
        if (options.Resume && File.Exists(state)) Resume(found, state, question);
        var told = Stopwatch.StartNew();
        var saved = Stopwatch.StartNew();
        try
        {
            found.Look(network.Module, examples.Count, examples.Batch, options.Batch, after: at =>
            {
                if (told.Elapsed.TotalSeconds >= 2)
                {
                    progress?.Invoke(string.Create(CultureInfo.InvariantCulture, $"{at.Seen:N0} of {examples.Count:N0} examples seen"));
                    told.Restart();
                }
                if (saved.Elapsed.TotalSeconds < 10) return;
                Save(at, state, question);
                saved.Restart();
            }, cancel: cancel);
        }
        catch (OperationCanceledException)
        {
            Save(found, state, question);
            throw;
        }
        Save(found, state, question);
        return found;
    }

    private static void Save(TopExamples found, string path, string question) =>
        SafeTensors.Save(path, found.State(), new Dictionary<string, string>(StringComparer.Ordinal) { [Key] = question });

    private static void Resume(TopExamples found, string path, string question)
    {
        IReadOnlyDictionary<string, Tensor> state = SafeTensors.Load(path, out IReadOnlyDictionary<string, string> metadata);
        if (metadata.GetValueOrDefault(Key) != question)
        {
            throw new DataException($"{path} belongs to another search: another model, data, layers, batch or number of examples.",
                "Leave out --resume to begin anew, or choose another --out.");
        }
        found.Load(state);
    }

    // Whatever decides the result, so that a resumed search never mixes two.
    private static string Question(OpenedNetwork network, ExampleSet examples, IReadOnlyList<string> layers, UnitsOptions options)
    {
        using FileStream file = File.OpenRead(network.FilePath);
        string model = Convert.ToHexString(SHA256.HashData(file));
        return string.Create(CultureInfo.InvariantCulture,
            $"model {model}; data {options.Data}; train {options.Train}; seed {options.Seed}; {examples.Count} examples; preprocess {options.Preprocess}; " +
            $"layers {string.Join(", ", layers)}; top {options.Top}; batch {options.Batch}");
    }
}
