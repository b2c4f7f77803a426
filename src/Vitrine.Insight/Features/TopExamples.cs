namespace Vitrine.Insight;

/// <summary>An example that excites a unit.</summary>
/// <param name="Example">Its number, in the order in which examples were looked at, from 0.</param>
/// <param name="Value">The unit's largest activation on it.</param>
/// <param name="Position">Where in the layer's result that stands, without the batch axis: (channel, row, column) for a feature map. The first of equal
/// ones.</param>
public sealed record TopExample(int Example, float Value, IReadOnlyList<int> Position);

/// <summary>
/// The examples that excite each unit of some layers most, found in one pass over the data (Zeiler and Fergus 2014, "Visualizing and understanding
/// convolutional networks", figure 2).
/// </summary>
/// <remarks>
/// A unit is a channel of a feature map, at whatever place it is excited most, or a neuron of a dense layer: an index of axis 1 of the layer's result [N,
/// units, ...]. Of equal activations the one seen first stays in front. A unit's activation that is not a number counts for nothing. No more than the best of
/// each unit are held, however many examples there are; <see cref="State"/> is all there is to a pass, so one that goes on from it ends with the very same
/// bytes.
/// </remarks>
public sealed class TopExamples
{
    private readonly Layer?[] _layers;
    private readonly string[] _scopes;

    /// <summary>Begins with nothing seen.</summary>
    /// <param name="scopes">The module calls whose units are looked at, each once.</param>
    /// <param name="most">How many examples are kept of each unit.</param>
    /// <exception cref="ArgumentException">No layer, or one twice.</exception>
    public TopExamples(IReadOnlyList<string> scopes, int most = 9)
    {
        ArgumentNullException.ThrowIfNull(scopes);
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        if (scopes.Count == 0 || scopes.Distinct(StringComparer.Ordinal).Count() != scopes.Count)
        {
            throw new ArgumentException("Name at least one module call, and each only once.", nameof(scopes));
        }
        _scopes = [.. scopes];
        _layers = new Layer?[scopes.Count];
        Most = most;
    }

    /// <summary>The module calls that are looked at.</summary>
    public IReadOnlyList<string> Scopes => _scopes;

    /// <summary>How many examples are kept of each unit.</summary>
    public int Most { get; }

    /// <summary>How many examples have been looked at.</summary>
    public int Seen { get; private set; }

    /// <summary>How many units a layer has.</summary>
    /// <exception cref="ArgumentException">The layer is not looked at, or nothing has been seen yet.</exception>
    public int Units(string scope) => Of(scope).Units;

    /// <summary>The examples that excite a unit most, the most exciting first; fewer than were asked for where fewer have been seen.</summary>
    /// <exception cref="ArgumentException">The layer is not looked at, has no such unit, or nothing has been seen yet.</exception>
    public IReadOnlyList<TopExample> Of(string scope, int unit)
    {
        Layer layer = Of(scope);
        if ((uint)unit >= (uint)layer.Units) throw new ArgumentException($"{scope} has {layer.Units} units; there is no {unit}.", nameof(unit));
        var found = new List<TopExample>(Most);
        for (int at = unit * Most; at < (unit + 1) * Most && layer.Examples[at] >= 0; at++)
        {
            found.Add(new TopExample((int)layer.Examples[at], layer.Values[at], [unit, .. layer.Coordinates((int)layer.Places[at])]));
        }
        return found;
    }

    /// <summary>Looks at the next examples.</summary>
    /// <param name="model">The network, the same for all batches.</param>
    /// <param name="batch">[B, ...].</param>
    /// <exception cref="ArgumentException">There is no such module call, its result has no units, or another shape than in earlier batches.</exception>
    public void Look(Module model, Tensor batch)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(batch);
        using var scope = MemoryScope.Open();
        Tensor detached = batch.Detach();
        var run = new Run(fused: false).Tap([.. _scopes]);
        model.Call(run, detached);
        // Everything is checked before anything is kept: a batch counts for all layers or for none.
        Tensor[] results = [.. _scopes.Select(s => Result(s, run, model, detached))];
        for (int i = 0; i < results.Length; i++)
        {
            Layer layer = _layers[i] ??= Start(_scopes[i], results[i].Shape);
            if (layer.Shape != results[i].Shape.Without(0))
            {
                throw new ArgumentException($"{_scopes[i]} made {layer.Shape} of an earlier example and {results[i].Shape.Without(0)} of this one; units " +
                    $"need one shape.", nameof(batch));
            }
        }
        for (int i = 0; i < results.Length; i++) _layers[i]!.Offer(results[i], Seen);
        Seen += batch.Shape[0];
    }

    /// <summary>Looks at many examples, batch by batch, from the first that has not been seen.</summary>
    /// <param name="model">The network.</param>
    /// <param name="count">How many examples there are.</param>
    /// <param name="batch">The examples from a number on, so many, as the network takes them.</param>
    /// <param name="batchSize">How many are run at a time. Rounding may depend on it, so a pass that is to repeat another takes the same.</param>
    /// <param name="progress">Told the share of the examples that are seen, 0 to 1.</param>
    /// <param name="after">Called after each batch, to save the state for instance; or null.</param>
    /// <param name="cancel">Stops between two batches; what has been seen stays seen.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public void Look(
        Module model, int count, Func<int, int, Tensor> batch, int batchSize = 128, IProgress<double>? progress = null, Action<TopExamples>? after = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        while (Seen < count)
        {
            cancel.ThrowIfCancellationRequested();
            Look(model, batch(Seen, Math.Min(batchSize, count - Seen)));
            progress?.Report((double)Seen / count);
            after?.Invoke(this);
        }
    }

    /// <summary>All that has been found, as tensors by name; to be saved and given to <see cref="Load"/>.</summary>
    public IReadOnlyDictionary<string, Tensor> State()
    {
        var state = new SortedDictionary<string, Tensor>(StringComparer.Ordinal) { ["seen"] = Tensor.From([(long)Seen], Shape.Scalar) };
        for (int i = 0; i < _layers.Length; i++)
        {
            if (_layers[i] is not { } layer) continue;
            Shape kept = [layer.Units, Most];
            state.Add($"{_scopes[i]}.shape", Tensor.From([.. layer.Shape.Dims.ToArray().Select(d => (long)d)], [layer.Shape.Rank]));
            state.Add($"{_scopes[i]}.values", Tensor.From(layer.Values, kept));
            state.Add($"{_scopes[i]}.examples", Tensor.From(layer.Examples, kept));
            state.Add($"{_scopes[i]}.places", Tensor.From(layer.Places, kept));
        }
        return state;
    }

    /// <summary>Goes on from a state.</summary>
    /// <param name="state">What <see cref="State"/> gave, of the same layers and as many examples a unit.</param>
    /// <exception cref="ArgumentException">It is none, or one of other layers or another number of examples; nothing was changed.</exception>
    public void Load(IReadOnlyDictionary<string, Tensor> state)
    {
        ArgumentNullException.ThrowIfNull(state);
        long seen = Read("seen", DType.Int64).Longs is [>= 0 and <= int.MaxValue and var s] ? s
            : throw new ArgumentException("The state says not how many examples were seen.");
        var layers = new Layer?[_scopes.Length];
        for (int i = 0; i < layers.Length && seen > 0; i++)
        {
            ReadOnlySpan<long> dims = Read($"{_scopes[i]}.shape", DType.Int64).Longs;
            if (dims.Length == 0 || dims.ContainsAnyExceptInRange(1, int.MaxValue)) throw new ArgumentException($"The state has no shape of {_scopes[i]}.");
            var layer = new Layer([.. dims.ToArray().Select(d => (int)d)], Most);
            Kept("values", DType.Float32).Floats.CopyTo(layer.Values);
            Kept("examples", DType.Int64).Longs.CopyTo(layer.Examples);
            Kept("places", DType.Int64).Longs.CopyTo(layer.Places);
            if (layer.Examples.Any(e => e < -1 || e >= seen) || layer.Places.Any(p => p < 0 || p >= layer.Area))
            {
                throw new ArgumentException($"The state names examples or places of {_scopes[i]} that there are not.");
            }
            layers[i] = layer;

            Tensor Kept(string what, DType type)
            {
                Tensor kept = Read($"{_scopes[i]}.{what}", type);
                return kept.Shape == Vitrine.Shape.Create(layer.Units, Most)
                    ? kept
                    : throw new ArgumentException($"The state holds {kept.Shape} {what} of {_scopes[i]}; {Most} of {layer.Units} units are asked for.");
            }
        }
        layers.CopyTo(_layers, 0);
        Seen = (int)seen;

        Tensor Read(string name, DType type) => state.TryGetValue(name, out Tensor? tensor) && tensor.DType == type
            ? tensor
            : throw new ArgumentException($"The state holds no {name}: it is one of other layers.");
    }

    private static Tensor Result(string scope, Run run, Module model, Tensor batch)
    {
        if (!run.Taps.TryGetValue(scope, out Tensor? result)) throw new ArgumentException($"There is no module " +
            $"call {scope}. {Network.Scopes(model, batch.Slice(0, 0, 1))}");
        return result.Rank >= 2 && result.Shape[0] == batch.Shape[0] && result.DType == DType.Float32 && (result.Count > 0 || batch.Shape[0] == 0)
            ? result
            : throw new ArgumentException($"{scope} makes {result.DType} {result.Shape} of {batch.Shape[0]} examples; units are those of floats [N, units, " +
                $"...].");
    }

    private Layer Start(string scope, Shape result)
    {
        Shape shape = result.Without(0);
        return (long)shape[0] * Most <= Array.MaxLength ? new Layer(shape, Most)
            : throw new ArgumentException($"{Most} examples of {shape[0]} units of {scope} are too many.");
    }

    private Layer Of(string scope)
    {
        int i = Array.IndexOf(_scopes, scope);
        if (i < 0) throw new ArgumentException($"{scope} is not looked at; {string.Join(", ", _scopes)} are.", nameof(scope));
        return _layers[i] ?? throw new ArgumentException("No example has been looked at.", nameof(scope));
    }

    /// <summary>The best of every unit of a layer: [units, most], each unit's in falling order.</summary>
    private sealed class Layer
    {
        private readonly int _most;

        public Layer(Shape shape, int most)
        {
            Shape = shape;
            Units = shape[0];
            Area = shape.Count / Math.Max(1, Units);
            _most = most;
            Values = new float[Units * most];
            Examples = new long[Units * most];
            Places = new long[Units * most];
            Examples.AsSpan().Fill(-1);
        }

        /// <summary>Of one example: [units, ...].</summary>
        public Shape Shape { get; }

        public int Units { get; }

        public int Area { get; }

        public float[] Values { get; }

        /// <summary>The number of the example, or -1 where there is none.</summary>
        public long[] Examples { get; }

        /// <summary>The place within the unit's map.</summary>
        public long[] Places { get; }

        // A chunk is some units of the whole batch, whose lists nobody else writes, and goes through the examples in their order.
        public void Offer(Tensor result, int first)
        {
            int examples = result.Shape[0];
            if (examples == 0) return;
            Work.Split(Units, Math.Max(1, (1 << 15) / (examples * Area)), (start, end) =>
            {
                ReadOnlySpan<float> values = result.Floats;
                for (int n = 0; n < examples; n++)
                {
                    for (int unit = start; unit < end; unit++) Offer(unit, first + n, values.Slice((n * Units + unit) * Area, Area));
                }
            });
        }

        public int[] Coordinates(int place)
        {
            int[] at = new int[Shape.Rank - 1];
            for (int axis = at.Length; axis > 0; axis--) (place, at[axis - 1]) = Math.DivRem(place, Shape[axis]);
            return at;
        }

        private void Offer(int unit, int example, ReadOnlySpan<float> map)
        {
            int end = (unit + 1) * _most, last = end - 1;
            float best = System.Numerics.Tensors.TensorPrimitives.Max(map);
            if (float.IsNaN(best)) best = Largest(map);
            if (float.IsNaN(best) || (Examples[last] >= 0 && best <= Values[last])) return;
            int at = last;
            // Only what is smaller makes room: an equal one was seen before.
            for (; at > unit * _most && (Examples[at - 1] < 0 || Values[at - 1] < best); at--)
            {
                (Values[at], Examples[at], Places[at]) = (Values[at - 1], Examples[at - 1], Places[at - 1]);
            }
            (Values[at], Examples[at], Places[at]) = (best, example, map.IndexOf(best));
        }

        // The largest number, where some are none.
        private static float Largest(ReadOnlySpan<float> map)
        {
            float best = float.NaN;
            foreach (float value in map) if (!float.IsNaN(value) && !(value <= best)) best = value;
            return best;
        }
    }
}
