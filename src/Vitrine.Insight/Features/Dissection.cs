namespace Vitrine.Insight;

/// <summary>How well each unit of a layer agrees with each concept.</summary>
/// <param name="Scope">The module call.</param>
/// <param name="Thresholds">For each unit the activation that only the given share of all places exceeds.</param>
/// <param name="Agreement">[units][concepts]: the intersection over union of where the unit is active and where the concept is, over all examples; 0 to
/// 1.</param>
public sealed record DissectedLayer(string Scope, IReadOnlyList<float> Thresholds, IReadOnlyList<double[]> Agreement)
{
    /// <summary>The concept that a unit agrees with best; the first of equal ones.</summary>
    public int Best(int unit) => Array.IndexOf(Agreement[unit], Agreement[unit].Max());

    /// <summary>The units that detect a concept: whose best agreement exceeds a bound, 0.04 in the paper.</summary>
    public IReadOnlyList<int> Detectors(double bound = 0.04) => [.. Enumerable.Range(0, Agreement.Count).Where(u => Agreement[u].Max() > bound)];
}

/// <summary>
/// Network dissection (Bau, Zhou, Khosla, Oliva, Torralba 2017, "Network dissection: quantifying interpretability of deep visual representations"): a unit's
/// map, enlarged to the size of the picture, is cut at the activation that a small share of all places exceeds, and what is left is compared with the places
/// of each concept.
/// </summary>
public static class Dissection
{
    /// <summary>Compares every unit of some layers with every concept.</summary>
    /// <param name="model">The network.</param>
    /// <param name="inputs">Pictures [N, C, H, W].</param>
    /// <param name="concepts">[N, H, W], Int64: the number of the concept at each pixel, or -1 where there is none.</param>
    /// <param name="count">How many concepts there are.</param>
    /// <param name="scopes">The module calls whose results are feature maps [N, units, h, w].</param>
    /// <param name="share">The share of all places at which a unit counts as active.</param>
    /// <param name="batchSize">How many pictures are run at a time.</param>
    /// <param name="progress">Told the share of the work that is done, 0 to 1.</param>
    /// <param name="cancel">Stops between two batches.</param>
    /// <remarks>Two passes over the pictures: for the thresholds, which are exact, and for the agreement. Enlarging is linear, between the middles of
    /// pixels.</remarks>
    /// <exception cref="ArgumentException">The sizes do not belong together, a concept is none, or a layer has no feature maps.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static IReadOnlyList<DissectedLayer> Of(
        Module model, Tensor inputs, Tensor concepts, int count, IReadOnlyList<string> scopes, double share = 0.005, int batchSize = 64,
        IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(concepts);
        ArgumentNullException.ThrowIfNull(scopes);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        if (!(share is > 0 and < 1)) throw new ArgumentException($"A unit is active at a share of the places between 0 and 1, not {share}.", nameof(share));
        if (inputs.Rank != 4 || inputs.Count == 0 || concepts.DType != DType.Int64 || concepts.Rank != 3 || concepts.Shape[0] != inputs.Shape[0])
        {
            throw new ArgumentException($"Pictures {inputs.Shape} need a concept for each pixel, Int64 [N, H, W], not {concepts.DType} {concepts.Shape}.",
                nameof(concepts));
        }
        if (concepts.Longs.ContainsAnyExceptInRange(-1, count - 1)) throw new ArgumentException($"There are {count} concepts; a pixel names another.",
            nameof(concepts));
        int n = inputs.Shape[0];
        var layers = new Layer[scopes.Count];
        for (int pass = 0; pass < 2; pass++)
        {
            for (int start = 0; start < n; start += batchSize)
            {
                cancel.ThrowIfCancellationRequested();
                int end = Math.Min(n, start + batchSize);
                using var memory = MemoryScope.Open();
                IReadOnlyList<Tensor> maps = LayerMaps.Of(model, inputs.Slice(0, start, end), scopes);
                for (int s = 0; s < layers.Length; s++)
                {
                    if (maps[s].Rank != 4 || maps[s].Shape[0] != end - start)
                    {
                        throw new ArgumentException($"{scopes[s]} makes {maps[s].Shape} of {end - start} pictures; concepts have places in feature maps [N, " +
                            $"units, h, w].", nameof(scopes));
                    }
                    Layer layer = layers[s] ??= new Layer(maps[s].Shape, n, share, count);
                    if (pass == 0) layer.Collect(maps[s]);
                    else layer.Compare(maps[s], concepts, start);
                }
                progress?.Report((pass * (double)n + end) / (2.0 * n));
            }
            if (pass == 0) foreach (Layer layer in layers) layer.Decide();
        }
        long[] pixels = new long[count];
        foreach (long concept in concepts.Longs) if (concept >= 0) pixels[concept]++;
        return [.. layers.Select((layer, s) => layer.Result(scopes[s], pixels))];
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

        public Layer(Shape maps, int examples, double share, int concepts)
        {
            (_units, _area, _concepts) = (maps[1], maps[2] * maps[3], concepts);
            // One more than may exceed the threshold: the threshold itself.
            _kept = checked((int)Math.Floor(share * examples * _area)) + 1;
            _largest = [.. Enumerable.Range(0, _units).Select(_ => new float[2 * Math.Max(_kept, _area)])];
            _held = new int[_units];
            _active = new long[_units];
            _both = [.. Enumerable.Range(0, _units).Select(_ => new long[concepts])];
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

        public void Compare(Tensor maps, Tensor concepts, int first)
        {
            int height = concepts.Shape[1], width = concepts.Shape[2], pixels = height * width;
            Tensor enlarged = maps.Interpolate([height, width], Interpolation.Linear); // [B, units, H, W]
            Work.Split(_units, 1, (start, end) =>
            {
                for (int unit = start; unit < end; unit++)
                {
                    for (int n = 0; n < maps.Shape[0]; n++)
                    {
                        ReadOnlySpan<float> map = enlarged.Floats.Slice((n * _units + unit) * pixels, pixels);
                        ReadOnlySpan<long> truth = concepts.Longs.Slice((first + n) * pixels, pixels);
                        for (int i = 0; i < pixels; i++)
                        {
                            if (!(map[i] > Thresholds[unit])) continue;
                            _active[unit]++;
                            if (truth[i] >= 0) _both[unit][truth[i]]++;
                        }
                    }
                }
            });
        }

        public DissectedLayer Result(string scope, long[] pixels) => new(scope, Thresholds, [.. Enumerable.Range(0, _units).Select(unit =>
        {
            double[] agreement = new double[_concepts];
            for (int c = 0; c < _concepts; c++)
            {
                long union = _active[unit] + pixels[c] - _both[unit][c];
                agreement[c] = union == 0 ? 0 : (double)_both[unit][c] / union;
            }
            return agreement;
        })]);

        // The largest come first; what can no longer decide goes.
        private void Trim(int unit)
        {
            Span<float> held = _largest[unit].AsSpan(0, _held[unit]);
            held.Sort(static (a, b) => b.CompareTo(a));
            _held[unit] = Math.Min(_held[unit], _kept);
        }
    }
}
