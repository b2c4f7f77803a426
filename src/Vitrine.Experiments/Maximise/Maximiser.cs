using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Vitrine.Data;
using Vitrine.Insight;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>
/// Shows what parts of a network look for: pictures that maximise units, each beside the best real example; dreams and caricatures of a picture. Writes a page,
/// the pictures and the results as JSON.
/// </summary>
public static class Maximiser
{
    /// <summary>The file of the results.</summary>
    public const string ResultsName = "results.json";

    private const string Whole = "";

    /// <summary>Makes the pictures.</summary>
    /// <param name="options">Which, and how.</param>
    /// <param name="progress">Hears what is being done, in words; or null.</param>
    /// <param name="cancel">Ends it between two steps; nothing but finished pictures is left.</param>
    /// <exception cref="DataException">The model or an option is not sound.</exception>
    /// <exception cref="ArgumentException">There is no such layer or unit; the message lists those there are.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="IOException">A file cannot be read or written.</exception>
    public static MaximiseResult Run(MaximiseOptions options, Action<string>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        string? from = options.From == MaximiseOptions.Noise ? null : options.From;
        if (new[] { from, options.Dream, options.Caricature }.Count(p => p is not null) > 1)
            throw new DataException("An ascent starts from one picture.", "Give one of --from, --dream and --caricature.");
        OutputFolder.Prepare(options.Output);
        progress?.Invoke("opening the model");
        var network = OpenedNetwork.Open(options.Model, options.Preprocess, options.Labels, progress);
        if (!network.TakesPictures) throw new DataException("The network takes no pictures.", "'vitrine open' shows what it takes.", options.Model);
        var work = new Ascents(options, network, progress, cancel);
        MaximiseResult result = options.Dream is { } dream ? work.Dream(dream)
            : options.Caricature is { } picture ? work.Caricature(picture)
            : work.Maximise();
        return work.Keep(result);
    }

    private sealed class Ascents
    {
        private readonly MaximiseOptions _options;
        private readonly OpenedNetwork _network;
        private readonly Action<string>? _progress;
        private readonly CancellationToken _cancel;
        private readonly Tensor _low;
        private readonly Tensor _high;
        private readonly int _channels;
        private readonly int _height;
        private readonly int _width;

        public Ascents(MaximiseOptions options, OpenedNetwork network, Action<string>? progress, CancellationToken cancel)
        {
            (_options, _network, _progress, _cancel) = (options, network, progress, cancel);
            (_low, _high) = network.Range;
            _channels = _low.Shape[1];
            int otherwise = network.Preprocess is { } p ? p.Crop ?? p.Resize ?? 224 : 28;
            _height = Extent(2, otherwise);
            _width = Extent(3, otherwise);
        }

        // Waves of fewer than four pixels are mostly noise; small pictures have no others to spare.
        private int Band => Math.Max(32, Math.Max(_height, _width) / 4);

        private string Layer => _options.Layer ?? Whole;

        private int Extent(int axis, int otherwise)
        {
            int? given = _network.Preprocess is null ? 28 : _network.Shape is { Count: 4 } shape ? shape[axis].Size : null;
            if (given is { } extent && _options.Size is { } size && size != extent)
                throw new DataException($"The network takes pictures of {extent} pixels only, not of {size}.", "Leave --size out.", _options.Model);
            return given ?? _options.Size ?? otherwise;
        }

        public MaximiseResult Maximise()
        {
            MaximiseObjective kind = _options.Objective ?? (_options.Direction is not null ? MaximiseObjective.Direction
                : _options.Layer is null ? MaximiseObjective.Logit : MaximiseObjective.Channel);
            if (kind == MaximiseObjective.Direction != _options.Direction is not null) throw new DataException("A direction is one number for each unit.",
                "Give its file with --direction, and --objective direction or none.");
            if (_options.Layer is not null && kind == MaximiseObjective.Logit) throw new DataException("Logits are the network's output.",
                "Leave --layer out.");
            if (_options.Layer is null && kind is MaximiseObjective.Layer) throw new DataException("The objective layer needs a layer.",
                "Name one with --layer.");
            UnitValue value = kind == MaximiseObjective.Neuron ? UnitValue.Middle : UnitValue.Mean;
            int[] units = kind is MaximiseObjective.Layer or MaximiseObjective.Direction ? [] : Units();
            List<(string Name, int? Unit, Func<IReadOnlyList<int>, Objective> Raise, Objective Read)> asked = kind switch
            {
                MaximiseObjective.Direction => [($"the direction in {Path.GetFileName(_options.Direction)}", null, _ => Direction(), Direction())],
                MaximiseObjective.Layer => [(Layer, null, _ => Objective.Layer(Layer), Objective.Layer(Layer))],
                MaximiseObjective.Difference => units is [var a, var b]
                    ? [($"{Named(a)} minus {Named(b)}", null, _ => Apart(a, b), Apart(a, b))]
                    : throw new DataException("A difference is that of two units.", "Name both: --units 3,7."),
                MaximiseObjective.Diversity => units is [var one]
                    ? [.. Enumerable.Range(1, 4).Select(i =>
                        ($"{Named(one)}, {i}", (int?)one, (Func<IReadOnlyList<int>, Objective>)(u => Diverse(u)), Objective.Channel(Layer, one)))]
                    : throw new DataException("Several pictures are made of one unit.", "Name one: --units 3."),
                _ => [.. units.Select(u =>
                    (Named(u), (int?)u, (Func<IReadOnlyList<int>, Objective>)(us => Objective.Channels(Layer, us, value)),
                        Objective.Channel(Layer, u, value)))],
            };
            int together = kind == MaximiseObjective.Diversity ? asked.Count : Math.Max(1, _options.Batch);
            if (kind == MaximiseObjective.Diversity && _options.Layer is null) throw new DataException("Pictures differ in a layer.", "Name one with --layer.");

            // Before the minutes of the ascent, so that a folder that cannot be read costs none.
            (ExampleSet Set, Real[] Best)[] real = [.. _options.Data.Select(d => Look(d, kind, value, asked.ConvertAll(a => (a.Unit, a.Read))))];

            var clock = Stopwatch.StartNew();
            Parameterisation written = Written(_options.From == MaximiseOptions.Noise ? null : _options.From);
            Dictionary<string, MaximisedPicture> before = Before(Question(kind));
            var made = new MaximisedPicture?[asked.Count];
            var shown = new Picture?[asked.Count];
            int[] missing = [.. Enumerable.Range(0, asked.Count).Where(i => !before.ContainsKey(asked[i].Name))];
            foreach (int i in Enumerable.Range(0, asked.Count).Except(missing))
            {
                MaximisedPicture known = before[asked[i].Name];
                shown[i] = Picture.Load(Path.Combine(_options.Output, known.File));
                made[i] = Compared(known, i);
            }
            foreach (int[] part in missing.Chunk(together))
            {
                string done = asked.Count == 1 ? asked[0].Name
                    : string.Create(CultureInfo.InvariantCulture, $"{asked[part[0]].Name}, {made.Count(m => m is not null)} of {asked.Count} done");
                Objective objective = asked[part[0]].Raise([.. part.Select(i => asked[i].Unit ?? 0)]);
                Maximised found = new ActivationMaximisation(Ascent()).Run(_network.Module, objective, written, part.Length, Steps(done), _cancel);
                Tensor pixels = Rounded(found.Inputs);
                for (int j = 0; j < part.Length; j++)
                {
                    (int i, Tensor one) = (part[j], pixels.Slice(0, j, j + 1));
                    string file = FileName(asked[i].Name);
                    shown[i] = _network.Shown(one);
                    shown[i]!.Save(Path.Combine(_options.Output, file));
                    float start = asked[i].Read.Measure(_network.Module, Rounded(written.Make(Tensor.Zeros([1, .. written.Parameters.Dims])))).Item();
                    made[i] = Compared(new MaximisedPicture(asked[i].Name, asked[i].Unit, file, start, asked[i].Read.Measure(_network.Module, one).Item()), i);
                }
                // After every batch, so that an interrupted run can be resumed.
                Keep(Result());
            }
            MaximiseResult result = Result();
            MaximisePage.Grid(result, shown!).Save(Path.Combine(_options.Output, "grid.png"));
            var page = new MaximisePage(result, written.Name, _options);
            page.Units(shown!, real.Length == 0 ? [] : [.. asked.Select((_, i) => Best(i)!.Show())]);
            page.Save();
            return result;

            Real? Best(int i) => real.Length == 0 ? null : real.Select(r => r.Best[i]).MaxBy(r => r.Value);

            MaximisedPicture Compared(MaximisedPicture p, int i) => Best(i) is { } best
                ? p with { Real = best.Value, Example = best.Name, Ratio = best.Value > 0 ? p.Reached / best.Value : null }
                : p with { Real = null, Example = null, Ratio = null };

            MaximiseResult Result()
            {
                MaximisedPicture[] there = [.. made.OfType<MaximisedPicture>()];
                int Twice(Real[] best) => made.Where((p, i) => p is not null && (best[i].Value > 0 ? p.Reached >= 2 * best[i].Value : p.Reached > 0)).Count();
                return new MaximiseResult(_options.Model, Question(kind), Layer, InWords(kind), there,
                    [.. real.Select(r => new MaximiseData(r.Set.Title, Math.Min(r.Set.Count, _options.Examples), Twice(r.Best)))],
                    there.Count(p => p.Real <= 0), Math.Round(clock.Elapsed.TotalSeconds, 1), _options.Seed);
            }
        }

        private Dictionary<string, MaximisedPicture> Before(string question)
        {
            string path = Path.Combine(_options.Output, ResultsName);
            if (!_options.Resume || !File.Exists(path)) return [];
            try
            {
                MaximiseResult? result = JsonSerializer.Deserialize(File.ReadAllText(path), MaximiseJson.Default.MaximiseResult);
                if (result is null || result.Model != _options.Model || result.Question != question) return [];
                return result.Pictures.Where(p => File.Exists(Path.Combine(_options.Output, p.File))).ToDictionary(p => p.Name, StringComparer.Ordinal);
            }
            catch (JsonException)
            {
                return []; // not ours, or damaged: everything is made again
            }
        }

        public MaximiseResult Keep(MaximiseResult result)
        {
            OutputFolder.Write(Path.Combine(_options.Output, ResultsName), result.ToJson(indented: true) + "\n");
            return result;
        }

        public MaximiseResult Dream(string file)
        {
            if (_options.Layer is null) throw new DataException("A dream is that of a layer.", "Name it with --layer.");
            (Tensor input, Picture before) = _network.Read(file);
            Objective objective = _options.Objective is MaximiseObjective.Channel or MaximiseObjective.Neuron && _options.Units is not null
                ? Objective.Channels(Layer, [Units()[0]]) : Objective.Layer(Layer);
            var clock = Stopwatch.StartNew();
            int octaves = Math.Min(_height, _width) >= 96 ? 4 : 2;
            int steps = Math.Max(1, _options.StepCount / 8);
            Tensor dream = new DeepDream(octaves, steps: steps, seed: _options.Seed).Run(_network.Module, objective, input, _low, _high, Steps("dreaming"),
                _cancel);
            var made = new MaximisedPicture($"DeepDream of {Path.GetFileName(file)}", null, "dream.png", objective.Measure(_network.Module, input).Item(),
                objective.Measure(_network.Module, Reduced(dream)).Item());
            return Pair(before, _network.Shown(dream), clock, objective, made, string.Create(CultureInfo.InvariantCulture,
                $"DeepDream of {Layer}: {octaves} octaves of {steps} steps, seed {_options.Seed}"));
        }

        public MaximiseResult Caricature(string file)
        {
            if (_options.Layer is null) throw new DataException("A caricature is that of a layer's activations.", "Name it with --layer.");
            (Tensor input, Picture before) = _network.Read(file);
            Tensor reference = ActivationRows.Of(_network.Module, input, [Layer], cancel: _cancel)[0];
            var objective = Objective.Caricature(Layer, reference);
            bool noise = _options.From == MaximiseOptions.Noise;
            Parameterisation written = Written(noise ? null : file);
            // The activations are compared place by place: a picture that is turned and scaled by much would be compared with another part of the original.
            int move = Math.Max(1, Math.Min(_height, _width) / 112);
            AscentOptions ascent = Ascent() with
            {
                Transformations = _options.Robust ? [Transformations.Pad(move, Padding.Replicate), Transformations.Jitter(2 * move)] : [],
            };
            var clock = Stopwatch.StartNew();
            Maximised found = new ActivationMaximisation(ascent).Run(_network.Module, objective, written, 1, Steps("drawing"), _cancel);
            Tensor pixels = Rounded(found.Inputs);
            double own = objective.Measure(_network.Module, input).Item(), reached = objective.Measure(_network.Module, pixels).Item();
            double along = Objective.Caricature(Layer, reference, power: 0).Measure(_network.Module, pixels).Item();
            string moved = _options.Robust ? $"moved by up to {move} pixels in every step" : "not moved";
            var made = new MaximisedPicture($"Caricature of {Path.GetFileName(file)}", null, "caricature.png", found.Start.Item(), reached, own,
                Path.GetFileName(file), reached / own, Math.Sqrt(Math.Max(0, reached / along)));
            return Pair(before, _network.Shown(pixels), clock, objective, made, string.Create(CultureInfo.InvariantCulture,
                $"caricature in {Layer}, from {(noise ? "noise" : "the picture")}: {How(moved)}"));
        }

        private MaximiseResult Pair(Picture before, Picture after, Stopwatch clock, Objective objective, MaximisedPicture made, string question)
        {
            after.Save(Path.Combine(_options.Output, made.File));
            var result = new MaximiseResult(_options.Model, question, Layer, objective.Name, [made], [], 0, Math.Round(clock.Elapsed.TotalSeconds, 1),
                _options.Seed);
            var page = new MaximisePage(result, made.Name, _options);
            page.BeforeAndAfter(before, after);
            page.Save();
            return result;
        }

        // The best real example of each thing that is asked for, over one data set.
        private (ExampleSet Set, Real[] Best) Look(string data, MaximiseObjective kind, UnitValue value, List<(int? Unit, Objective Read)> asked)
        {
            const int batch = 16;
            _progress?.Invoke($"looking through {data}");
            ExampleSet set = ExampleSet.Load(_network, data, _options.DataRoot, most: _options.Examples, seed: _options.Seed, warn: _progress);
            int count = Math.Min(set.Count, _options.Examples);
            IEnumerable<Tensor> Batches()
            {
                for (int start = 0; start < count; start += batch) yield return set.Batch(start, Math.Min(batch, count - start));
            }
            if (kind is MaximiseObjective.Layer or MaximiseObjective.Difference or MaximiseObjective.Direction)
            {
                Real best = new(float.NegativeInfinity, 0, set);
                int seen = 0;
                foreach (Tensor inputs in Batches())
                {
                    _cancel.ThrowIfCancellationRequested();
                    foreach (float score in asked[0].Read.Measure(_network.Module, inputs).ToArray())
                    {
                        if (score > best.Value) best = new Real(score, seen, set);
                        seen++;
                    }
                }
                return (set, [best]);
            }
            var found = BestExamples.Of(_network.Module, Layer, Batches(), value, _cancel);
            foreach ((int? unit, _) in asked)
            {
                if (unit >= found.Values.Count) throw new DataException($"There is no unit {unit}: {Name()} has {found.Values.Count}.",
                    "Choose others with --units.");
            }
            return (set, [.. asked.Select(a => new Real(found.Values[a.Unit!.Value], found.Examples[a.Unit!.Value], set))]);
        }

        private Parameterisation Written(string? from)
        {
            bool fourier = _options.Writing == MaximiseWriting.Fourier;
            Parameterisation written = fourier ? Parameterisation.Fourier(_channels, _height, _width, band: Band)
                : Parameterisation.Pixels(_channels, _height, _width);
            if (fourier && _channels == 3)
                written = written.Decorrelated(_network.Preprocess is { Order: ChannelOrder.Bgr } ? ColourBasis.ImageNet.InOrder(2, 1, 0)
                    : ColourBasis.ImageNet);
            written = from is null ? written.Bounded() : written.BoundedFrom((_network.Read(from).Input - _low) / (_high - _low));
            return written.Between(_low, _high);
        }

        private AscentOptions Ascent() => new()
        {
            Steps = _options.StepCount,
            Rate = _options.StepSize,
            Seed = _options.Seed,
            Transformations = _options.Robust ? Transformations.Robust(_height, _width, Math.Min(_height, _width) / 28) : [],
            Constraints = _options.Writing == MaximiseWriting.Pixels ? [Constraints.Blur(0.5), Constraints.CropContribution(0.05, every: 4)] : [],
        };

        // What a file can hold: whole numbers from 0 to 255.
        private Tensor Rounded(Tensor inputs)
        {
            Tensor span = _high - _low;
            return _low + span * ((((inputs - _low) / span).Clamp(0, 1) * 255).Round() / 255);
        }

        private Tensor Reduced(Tensor picture) => Rounded(picture.Interpolate([_height, _width], Interpolation.Area));

        private int[] Units()
        {
            if (_options.Class is { } name)
            {
                if (_options.Units is not null) throw new DataException("A class is a unit of the output.", "Give --class or --units, not both.");
                if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int number)) return [number];
                for (int i = 0; _network.Labels is { } labels && i < labels.Count; i++)
                {
                    if (labels[i].Equals(name, StringComparison.OrdinalIgnoreCase)) return [i];
                }
                throw new DataException($"No class is called '{name}'.", "Give its number, or the labels with --labels.");
            }
            if (_options.Units is null && _options.Layer is null) throw new DataException("Nothing is said of what to maximise.",
                "Give --class, --units or --layer.");
            int count = Insight.Units.Count(_network.Module, Layer, Rounded(_low.Expand([1, _channels, _height, _width])));
            return UnitNumbers.Parse(_options.Units ?? "all", count, Name());
        }

        private Objective Direction()
        {
            float[] direction = DirectionFile.Read(_options.Direction!);
            int count = Insight.Units.Count(_network.Module, Layer, Rounded(_low.Expand([1, _channels, _height, _width])));
            return direction.Length == count ? Objective.Direction(Layer, direction)
                : throw new DataException($"{_options.Direction} holds {direction.Length} numbers; {Name()} has {count} units.",
                    "Give one number for each unit.");
        }

        private Objective Apart(int a, int b) => Objective.Channel(Layer, a) - Objective.Channel(Layer, b);

        // The logarithm, because diversity is of the order of 1 and an activation of any: a doubling of the unit is worth the same wherever it is.
        private Objective Diverse(IReadOnlyList<int> units) =>
            Objective.Of($"log of {Layer}[{units[0]}]", Layer, a => (Insight.Units.Of(a).Slice(1, units[0], units[0] + 1).Squeeze(1).Relu() + 1e-2f).Log()) +
                Objective.Diversity(Layer);

        private Action<string>? Hear(string what) => _progress is null ? null : text => _progress($"{what}: {text}");

        private StepWords? Steps(string what) => _progress is null ? null : new StepWords(_options.StepCount, Hear(what)!);

        private string Named(int unit) => _options.Layer is null
            ? _network.Labels is { } labels && unit < labels.Count ? labels[unit] : $"class {unit}"
            : $"unit {unit}";

        private string Name() => _options.Layer ?? "the output";

        private static string InWords(MaximiseObjective kind) => kind switch
        {
            MaximiseObjective.Neuron => "the neuron in the middle of the channel",
            MaximiseObjective.Logit => "the logit",
            MaximiseObjective.Layer => "the mean square of the layer",
            MaximiseObjective.Difference => "the difference of the two channels' means",
            MaximiseObjective.Direction => "the share along the direction, the mean over all positions",
            _ => "the mean of the channel over all positions",
        };

        private string How(string? moved = null) => string.Create(CultureInfo.InvariantCulture,
            $"{_options.StepCount} steps of Adam at {_options.StepSize}, in {(_options.Writing == MaximiseWriting.Fourier ? "frequencies" : "pixels")}, " +
            $"{moved ?? (_options.Robust ? "moved, turned and scaled in every step" : "without transformations")}, seed {_options.Seed}");

        private string Question(MaximiseObjective kind) =>
            $"{InWords(kind)} of {Name()}{(_options.Direction is { } file ? $" ({Path.GetFileName(file)})" : "")}, " +
            $"from {(_options.From is { } from ? Path.GetFileName(from) : "noise")}, " +
            $"{_width} x {_height}, preprocessing {_options.Preprocess ?? "of the network"}: {How()}";

        private static string FileName(string name) =>
            string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' ? char.ToLowerInvariant(c) : '-')) + ".png";
    }

    /// <summary>The best real example of one thing.</summary>
    private sealed record Real(float Value, int Number, ExampleSet Set)
    {
        public string Name => Set.Name(Number);

        public Picture Show() => Set.Picture(Number);
    }

    // Says at most every sixteenth of the way how far it is; at once, in the order of the steps.
    private sealed class StepWords(int steps, Action<string> say) : IProgress<double>
    {
        private int _said;

        public void Report(double value)
        {
            int sixteenth = (int)(value * 16);
            if (sixteenth == _said) return;
            _said = sixteenth;
            say(string.Create(CultureInfo.InvariantCulture, $"step {(int)Math.Round(value * steps)} of {steps}"));
        }
    }
}
