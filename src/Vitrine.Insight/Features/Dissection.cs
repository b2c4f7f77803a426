namespace Vitrine.Insight;

/// <summary>How well each unit of a layer agrees with each concept.</summary>
/// <param name="Scope">The module call.</param>
/// <param name="Thresholds">For each unit the activation that only the given share of all places exceeds.</param>
/// <param name="Agreement">[units][concepts]: the intersection over union of where the unit is active and where the concept is, over all examples; 0 to
/// 1.</param>
/// <param name="Chance">[units][concepts]: the same with the concepts of another picture in the place of each picture's own. What a unit agrees with by chance,
/// or because both like the middle of pictures, is in both numbers.</param>
public sealed record DissectedLayer(
    string Scope, IReadOnlyList<float> Thresholds, IReadOnlyList<double[]> Agreement, IReadOnlyList<double[]> Chance)
{
    /// <summary>The concept that a unit agrees with best; the first of equal ones.</summary>
    public int Best(int unit) => Array.IndexOf(Agreement[unit], Agreement[unit].Max());

    /// <summary>The units that detect a concept: whose best agreement exceeds a bound, 0.04 in the paper.</summary>
    public IReadOnlyList<int> Detectors(double bound = 0.04) => [.. Enumerable.Range(0, Agreement.Count).Where(u => Agreement[u].Max() > bound)];

    /// <summary>The units that would count as detectors of what is in other pictures: as many would be found by chance.</summary>
    public IReadOnlyList<int> DetectorsByChance(double bound = 0.04) => [.. Enumerable.Range(0, Chance.Count).Where(u => Chance[u].Max() > bound)];
}

/// <summary>
/// Network dissection (Bau, Zhou, Khosla, Oliva, Torralba 2017, "Network dissection: quantifying interpretability of deep visual representations"): a unit's
/// map, enlarged to the size of the picture, is cut at the activation that a small share of all places exceeds, and what is left is compared with the places
/// of each concept.
/// </summary>
public static class Dissection
{
    /// <summary>The share of all places at which a unit counts as active in the paper.</summary>
    public const double Share = 0.005;

    /// <summary>Compares every unit of some layers with concepts of which a pixel has one at most.</summary>
    /// <param name="model">The network.</param>
    /// <param name="inputs">Pictures [N, C, H, W], N at least 2.</param>
    /// <param name="concepts">[N, H, W], Int64: the number of the concept at each pixel, or -1 where there is none.</param>
    /// <param name="count">How many concepts there are.</param>
    /// <param name="scopes">The module calls whose results are feature maps [N, units, h, w].</param>
    /// <param name="share">The share of all places at which a unit counts as active.</param>
    /// <param name="batchSize">How many pictures are run at a time.</param>
    /// <param name="seed">Of the order in which pictures lend their concepts to others, for <see cref="DissectedLayer.Chance"/>.</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1.</param>
    /// <param name="cancel">Stops between two batches.</param>
    /// <exception cref="ArgumentException">The sizes do not belong together, a concept is none, or a layer has no feature maps.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static IReadOnlyList<DissectedLayer> Of(
        Module model, Tensor inputs, Tensor concepts, int count, IReadOnlyList<string> scopes, double share = Share, int batchSize = 64, ulong seed = 0,
        IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(concepts);
        if (inputs.Rank != 4 || inputs.Count == 0 || concepts.DType != DType.Int64 || concepts.Rank != 3 || concepts.Shape[0] != inputs.Shape[0])
        {
            throw new ArgumentException($"Pictures {inputs.Shape} need a concept for each pixel, Int64 [N, H, W], not {concepts.DType} {concepts.Shape}.",
                nameof(concepts));
        }
        if (concepts.Longs.ContainsAnyExceptInRange(-1, count - 1)) throw new ArgumentException($"There are {count} concepts; a pixel names another.",
            nameof(concepts));
        int height = concepts.Shape[1], width = concepts.Shape[2], pixels = height * width;
        return Of(model, inputs.Shape[0], (start, batch) => inputs.Slice(0, start, start + batch), Masks, scopes, share, batchSize, seed, progress, cancel);

        Tensor Masks(int example)
        {
            bool[] masks = new bool[count * pixels];
            ReadOnlySpan<long> own = concepts.Longs.Slice(example * pixels, pixels);
            for (int i = 0; i < pixels; i++) if (own[i] >= 0) masks[own[i] * pixels + i] = true;
            return Tensor.From(masks, [count, height, width]);
        }
    }

    /// <summary>Compares every unit of some layers with every concept. No more than a batch of pictures is held.</summary>
    /// <param name="model">The network.</param>
    /// <param name="examples">N: how many pictures there are, at least 2.</param>
    /// <param name="inputs">The pictures from a number on, so many: [count, C, H, W]. Asked twice for each.</param>
    /// <param name="masks">Where the concepts are in a picture: [concepts, H, W], Bool. They may overlap; the sizes are those of the pictures' places.</param>
    /// <param name="scopes">The module calls whose results are feature maps [N, units, h, w].</param>
    /// <param name="share">The share of all places at which a unit counts as active.</param>
    /// <param name="batchSize">How many pictures are run at a time.</param>
    /// <param name="seed">Of the order in which pictures lend their concepts to others, for <see cref="DissectedLayer.Chance"/>.</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1.</param>
    /// <param name="cancel">Stops between two batches.</param>
    /// <remarks>Two passes over the pictures: for the thresholds, which are exact, and for the agreement. Enlarging is linear, between the middles of
    /// pixels.</remarks>
    /// <exception cref="ArgumentException">The sizes do not belong together, or a layer has no feature maps.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static IReadOnlyList<DissectedLayer> Of(
        Module model, int examples, Func<int, int, Tensor> inputs, Func<int, Tensor> masks, IReadOnlyList<string> scopes, double share = Share,
        int batchSize = 64, ulong seed = 0, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(masks);
        ArgumentNullException.ThrowIfNull(scopes);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        if (!(share is > 0 and < 1)) throw new ArgumentException($"A unit is active at a share of the places between 0 and 1, not {share}.", nameof(share));
        if (examples < 2) throw new ArgumentException("Concepts are compared with those of other pictures: two or more are needed.", nameof(examples));
        Shape concepts = masks(0).Shape;
        int[] lender = Others(examples, seed);
        long[] sizes = new long[concepts[0]];
        var layers = new Layer[scopes.Count];
        for (int pass = 0; pass < 2; pass++)
        {
            for (int start = 0; start < examples; start += batchSize)
            {
                cancel.ThrowIfCancellationRequested();
                int count = Math.Min(examples - start, batchSize);
                using var memory = MemoryScope.Open();
                IReadOnlyList<Tensor> maps = LayerMaps.Of(model, inputs(start, count), scopes);
                for (int s = 0; s < layers.Length; s++)
                {
                    if (maps[s].Rank != 4 || maps[s].Shape[0] != count)
                    {
                        throw new ArgumentException($"{scopes[s]} makes {maps[s].Shape} of {count} pictures; concepts have places in feature maps [N, " +
                            $"units, h, w].", nameof(scopes));
                    }
                    layers[s] ??= new Layer(maps[s].Shape, examples, share, concepts[0]);
                    if (pass == 0) layers[s].Collect(maps[s]);
                }
                if (pass == 1) Compare(maps, start, count);
                progress?.Report((pass * (double)examples + start + count) / (2.0 * examples));
            }
            if (pass == 0) foreach (Layer layer in layers) layer.Decide();
        }
        return [.. layers.Select((layer, s) => layer.Result(scopes[s], sizes))];

        void Compare(IReadOnlyList<Tensor> maps, int start, int count)
        {
            for (int n = 0; n < count; n++)
            {
                Tensor own = Checked(masks(start + n)), lent = Checked(masks(lender[start + n]));
                int pixels = concepts[1] * concepts[2];
                for (int c = 0; c < sizes.Length; c++) sizes[c] += own.Bools.Slice(c * pixels, pixels).Count(true);
                for (int s = 0; s < layers.Length; s++) layers[s].Compare(maps[s].Slice(0, n, n + 1), own, lent);
            }
        }

        Tensor Checked(Tensor mask) => mask.DType == DType.Bool && mask.Rank == 3 && mask.Shape == concepts ? mask
            : throw new ArgumentException($"The concepts of a picture are {mask.DType} {mask.Shape}; they should be Bool [concepts, H, W], all alike.",
                nameof(masks));
    }

    // A permutation of one cycle (Sattolo 1986), so that every picture lends its concepts once and none keeps its own.
    private static int[] Others(int count, ulong seed)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        var random = new RandomSource(seed);
        for (int i = count - 1; i > 0; i--)
        {
            int j = random.NextInt(i);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }

    private sealed class Layer
    {
        private readonly int _units;
        private readonly int _area;
        private readonly int _kept;
        private readonly int _concepts;
        private readonly float[][] _largest;
        private readonly int[] _held;
        private readonly long[] _active;
        private readonly long[][] _both;
        private readonly long[][] _chance;

        public Layer(Shape maps, int examples, double share, int concepts)
        {
            (_units, _area, _concepts) = (maps[1], maps[2] * maps[3], concepts);
            // One more than may exceed the threshold: the threshold itself.
            _kept = checked((int)Math.Floor(share * examples * _area)) + 1;
            _largest = [.. Enumerable.Range(0, _units).Select(_ => new float[2 * Math.Max(_kept, _area)])];
            _held = new int[_units];
            _active = new long[_units];
            _both = [.. Enumerable.Range(0, _units).Select(_ => new long[concepts])];
            _chance = [.. Enumerable.Range(0, _units).Select(_ => new long[concepts])];
            Thresholds = new float[_units];
        }

        public float[] Thresholds { get; }

        /// <summary>Keeps the largest activations of each unit, no more than twice as many as decide.</summary>
        public void Collect(Tensor maps) => Work.Split(_units, 1, (start, end) =>
        {
            for (int unit = start; unit < end; unit++)
            {
                for (int n = 0; n < maps.Shape[0]; n++)
                {
                    if (_held[unit] + _area > _largest[unit].Length) Trim(unit);
                    maps.Floats.Slice((n * _units + unit) * _area, _area).CopyTo(_largest[unit].AsSpan(_held[unit]));
                    _held[unit] += _area;
                }
            }
        });

        public void Decide()
        {
            for (int unit = 0; unit < _units; unit++)
            {
                Trim(unit);
                Thresholds[unit] = _largest[unit][_held[unit] - 1];
                _largest[unit] = [];
            }
        }

        /// <summary>Counts where the units are active on one picture, and which concepts are there: its own and those of another.</summary>
        public void Compare(Tensor maps, Tensor own, Tensor lent)
        {
            int pixels = own.Shape[1] * own.Shape[2];
            Tensor enlarged = maps.Interpolate([own.Shape[1], own.Shape[2]], Interpolation.Linear); // [1, units, H, W]
            Work.Split(_units, 1, (start, end) =>
            {
                for (int unit = start; unit < end; unit++)
                {
                    ReadOnlySpan<float> map = enlarged.Floats.Slice(unit * pixels, pixels);
                    for (int i = 0; i < pixels; i++)
                    {
                        if (!(map[i] > Thresholds[unit])) continue;
                        _active[unit]++;
                        for (int c = 0; c < _concepts; c++)
                        {
                            if (own.Bools[c * pixels + i]) _both[unit][c]++;
                            if (lent.Bools[c * pixels + i]) _chance[unit][c]++;
                        }
                    }
                }
            });
        }

        public DissectedLayer Result(string scope, long[] sizes)
        {
            return new(scope, Thresholds, Shares(_both), Shares(_chance));

            IReadOnlyList<double[]> Shares(long[][] both) => [.. Enumerable.Range(0, _units).Select(unit =>
            {
                double[] agreement = new double[_concepts];
                for (int c = 0; c < _concepts; c++)
                {
                    long union = _active[unit] + sizes[c] - both[unit][c];
                    agreement[c] = union == 0 ? 0 : (double)both[unit][c] / union;
                }
                return agreement;
            })];
        }

        // The largest come first; what can no longer decide goes.
        private void Trim(int unit)
        {
            Span<float> held = _largest[unit].AsSpan(0, _held[unit]);
            held.Sort(static (a, b) => b.CompareTo(a));
            _held[unit] = Math.Min(_held[unit], _kept);
        }
    }
}
