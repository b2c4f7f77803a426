using System.Diagnostics;
using System.Text.Json;
using Vitrine.Data;
using Vitrine.Models;

namespace Vitrine.Experiments;

/// <summary>Where the experiment is.</summary>
/// <param name="Done">How many networks are trained, those of earlier runs included.</param>
/// <param name="Total">How many there will be.</param>
/// <param name="Job">The one that is being trained: <c>seed 2: A3B+</c>.</param>
/// <param name="Remaining">An estimate of the time left; null before the first network of this run is done.</param>
public sealed record TransferProgress(int Done, int Total, string Job, TimeSpan? Remaining);

/// <summary>
/// How transferable the features of each layer are (Yosinski, Clune, Bengio, Lipson 2014, "How transferable are features in deep neural networks?"): the
/// classes of a data set are divided into two halves A and B; networks for B take over their first n layers from a network that learned A, from one that
/// learned B, or from none.
/// </summary>
public static class TransferExperiment
{
    /// <summary>How many layers are taken over in the experiment with fewer examples: half of them, fixed beforehand.</summary>
    public const int ReducedLayers = SmallAlexNet.Depth / 2;

    private const string SetupFile = "experiment.json", JobFolder = "jobs";

    /// <summary>Trains every network that is not there yet, and writes results and page.</summary>
    /// <param name="options">What to train.</param>
    /// <param name="progress">Hears, before every network, how it goes; or null.</param>
    /// <param name="cancel">Ends it; finished networks are kept.</param>
    /// <exception cref="DataException">The data is missing or damaged, or too small for what is asked.</exception>
    /// <exception cref="ArgumentException">An option is unsound.</exception>
    /// <exception cref="TrainingCancelledException">It was cancelled; it can be resumed.</exception>
    /// <exception cref="ArithmeticException">A training diverged; the message says which.</exception>
    /// <exception cref="IOException">The folder cannot be written to, or holds another experiment, or one that is to be resumed.</exception>
    public static TransferResult Run(TransferOptions options, Action<TransferProgress>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        string jobs = Path.Combine(options.Output, JobFolder);
        OutputFolder.Prepare(options.Output);
        Claim(options, jobs);
        OutputFolder.Prepare(jobs);

        IReadOnlyList<TransferJob> all = TransferJob.All(options);
        TransferOutcome?[] outcomes = [.. all.Select(job => Known(jobs, job))];
        int done = outcomes.Count(o => o is not null);
        if (done < all.Count)
        {
            var laboratory = new Laboratory(options, jobs);
            IReadOnlyList<double> shares = laboratory.Shares;
            var clock = Stopwatch.StartNew();
            double spent = 0, ahead = all.Where((_, i) => outcomes[i] is null).Sum(j => j.Cost(shares));
            for (int i = 0; i < all.Count; i++)
            {
                if (outcomes[i] is not null) continue;
                TransferJob job = all[i];
                if (cancel.IsCancellationRequested) throw new TrainingCancelledException(options.Output);
                progress?.Invoke(new TransferProgress(done, all.Count, $"seed {job.Seed}: {job.Name}", spent == 0 ? null : clock.Elapsed / spent * ahead));
                try
                {
                    outcomes[i] = laboratory.Do(job, cancel);
                }
                catch (OperationCanceledException)
                {
                    throw new TrainingCancelledException(options.Output);
                }
                catch (ArithmeticException e)
                {
                    throw new ArithmeticException($"Training {job.Name} with seed {job.Seed} failed. {e.Message}", e);
                }
                OutputFolder.Write(Path.Combine(jobs, job.File + ".json"), JsonSerializer.Serialize(outcomes[i]!, ResultJson.Indented.TransferOutcome) + "\n");
                done++;
                spent += job.Cost(shares);
                ahead -= job.Cost(shares);
            }
        }
        TransferResult result = TransferResult.Of(options, [.. outcomes.OfType<TransferOutcome>()]);
        OutputFolder.Write(Path.Combine(options.Output, "results.json"), result.ToJson(indented: true) + "\n");
        TransferPage.Compose(result).Save(Path.Combine(options.Output, "index.html"));
        return result;
    }

    // What is there must have been made as this is; otherwise figures of two experiments would stand side by side in one table.
    private static void Claim(TransferOptions options, string jobs)
    {
        string path = Path.Combine(options.Output, SetupFile);
        string setup = JsonSerializer.Serialize(
            new TransferSetup(
                options.Data, options.PerClass, options.JudgedPerClass, options.Epochs, options.BatchSize, options.LearningRate),
            ResultJson.Indented.TransferSetup) + "\n";
        int finished = Directory.Exists(jobs) ? Directory.GetFiles(jobs, "*.json").Length : 0;
        if (finished > 0)
        {
            if (!options.Resume)
                throw new IOException($"{options.Output} holds {finished} trained networks already. Go on with --resume, or choose another folder with --out.");
            if (!File.Exists(path) || File.ReadAllText(path) != setup)
            {
                throw new IOException(
                    $"{options.Output} holds an experiment with other settings (see {path}). Resume it as it was started, or choose another folder with "
                        + $"--out.");
            }
        }
        OutputFolder.Write(path, setup);
    }

    private static TransferOutcome? Known(string folder, TransferJob job)
    {
        string path = Path.Combine(folder, job.File + ".json");
        if (!File.Exists(path)) return null;
        try
        {
            TransferOutcome? outcome = JsonSerializer.Deserialize(File.ReadAllText(path), ResultJson.Default.TransferOutcome);
            // A base is worth nothing without its weights, from which others copy.
            return outcome?.Job == job && (!Laboratory.IsSource(job) || File.Exists(Laboratory.WeightsFile(folder, job))) ? outcome : null;
        }
        catch (JsonException)
        {
            return null; // not written by us: the job is done again
        }
    }

    /// <summary>Does jobs; keeps in memory what the jobs of one seed share.</summary>
    private sealed class Laboratory
    {
        private readonly TransferOptions _options;
        private readonly string _folder;
        private readonly TransferHalves _halves;
        private readonly TransferNetworks _networks;
        private readonly Dictionary<(bool OfA, int PerClass), TransferHalf> _data = [];
        private readonly Dictionary<TransferCondition, IReadOnlyDictionary<string, Tensor>> _bases = [];
        private ulong? _seed;

        public Laboratory(TransferOptions options, string folder)
        {
            (_options, _folder) = (options, folder);
            _halves = new TransferHalves(Load(options));
            _networks = new TransferNetworks(options, _halves.Channels, _halves.Side);
        }

        public IReadOnlyList<double> Shares => _networks.Shares(_halves.ClassNames.Count / 2);

        /// <summary>Whether others copy from the network.</summary>
        public static bool IsSource(TransferJob job) => job is { Condition: TransferCondition.BaseA or TransferCondition.BaseB, Reduced: false };

        public static string WeightsFile(string folder, TransferJob job) => Path.Combine(folder, job.File + ".safetensors");

        public TransferOutcome Do(TransferJob job, CancellationToken cancel)
        {
            if (_seed != job.Seed)
            {
                _data.Clear();
                _bases.Clear();
                _seed = job.Seed;
            }
            bool ofA = job.Condition == TransferCondition.BaseA;
            TransferHalf half = Half(ofA, job);
            int classes = half.Classes.Count;
            // All networks with n layers from elsewhere draw the same rest and see the examples in the same order: they differ in those layers alone.
            ulong own = new RandomSource(job.Seed).Derive(job.Condition switch
            {
                TransferCondition.BaseA => "base A",
                TransferCondition.BaseB => "base B",
                _ => $"from layer {job.Layers}",
            });
            IReadOnlyDictionary<string, Tensor> first = job.Condition switch
            {
                TransferCondition.BaseA or TransferCondition.BaseB => new Dictionary<string, Tensor>(),
                TransferCondition.Random => SmallAlexNet.Draw(new RandomSource(job.Seed).Derive("random filters"), _halves.Channels, _halves.Side, classes),
                TransferCondition.Transfer or TransferCondition.TransferTuned => Base(TransferCondition.BaseA),
                _ => Base(TransferCondition.BaseB),
            };
            Dictionary<string, Tensor> state = _networks.Joined(first, job.Layers, own, classes);
            SmallAlexNet network;
            double training;
            Dataset judge = half.Judge;
            if (job.Frozen)
            {
                Dataset train = _networks.Features(state, half.Train, job.Layers, cancel);
                judge = _networks.Features(state, half.Judge, job.Layers, cancel);
                (network, training) = _networks.TrainBehind(state, train, job.PerClass, own, job.Layers, cancel);
            }
            else
            {
                (network, training) = _networks.Train(state, half.Train, job.PerClass, own, frozen: 0, cancel);
            }
            var evaluation = Evaluation.Of(network, judge, cancel: cancel);
            if (IsSource(job)) network.Save(WeightsFile(_folder, job));
            return new TransferOutcome(job, half.Train.Classes, evaluation.Accuracy, evaluation.Loss, training);
        }

        private TransferHalf Half(bool ofA, TransferJob job)
        {
            if (_data.TryGetValue((ofA, job.PerClass), out TransferHalf? half)) return half;
            (int[] a, int[] b) = TransferHalves.Divide(_halves.ClassNames.Count, job.Seed);
            half = _halves.Half(ofA ? a : b, job.Seed, job.PerClass, _options.PerClass, _options.JudgedPerClass);
            _data.Add((ofA, job.PerClass), half);
            return half;
        }

        private IReadOnlyDictionary<string, Tensor> Base(TransferCondition condition)
        {
            if (_bases.TryGetValue(condition, out IReadOnlyDictionary<string, Tensor>? state)) return state;
            state = SafeTensors.Load(WeightsFile(_folder, new TransferJob(_seed!.Value, condition, 0, _options.PerClass)));
            _bases.Add(condition, state);
            return state;
        }

        private static DataSplit Load(TransferOptions options)
        {
            int enough = 10 * (options.PerClass + options.JudgedPerClass);
            return options.Data switch
            {
                "cifar10" => Cifar10.Load(options.DataRoot),
                "fashion-mnist" => Mnist.LoadFashion(options.DataRoot),
                "mnist" => Mnist.Load(options.DataRoot),
                _ => Digits.Generate(enough + enough / 4, 10, 1),
            };
        }
    }
}

/// <summary>What decides the result of a job, beside the job: two runs may share a folder when this is the same.</summary>
internal sealed record TransferSetup(string Data, int PerClass, int JudgedPerClass, int Epochs, int BatchSize, double LearningRate);
