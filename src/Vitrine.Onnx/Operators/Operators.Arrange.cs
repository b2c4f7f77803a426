namespace Vitrine.Onnx;

/// <content>Shapes, and operators that only move elements.</content>
internal static partial class Operators
{
    [Onnx(1)]
    private static Value Identity(Value input) => input;

    [Onnx(1)]
    private static Value Constant(
        Stored? value = null, float valueFloat = float.NaN, float[]? valueFloats = null, long valueInt = long.MinValue, long[]? valueInts = null,
        string? valueString = null, string[]? valueStrings = null)
    {
        if (value is not null) return value.Value;
        if (valueFloats is not null) return Value.Of(Tensor.From(valueFloats));
        if (valueInts is not null) return Value.Of(Tensor.From(valueInts, [valueInts.Length]));
        if (valueInt != long.MinValue) return Value.Of(Tensor.From([valueInt], Vitrine.Shape.Scalar));
        if (valueString is not null || valueStrings is not null) throw new NotSupportedException("Vitrine has no tensors of texts");
        return Value.Of(Tensor.Scalar(valueFloat));
    }

    [Onnx(9)]
    private static Value ConstantOfShape(Call call, Tensor input, Stored? value = null)
    {
        call.Room(input.Longs);
        Shape shape = Vitrine.Shape.Create(Integers.Ints(input));
        Value single = value?.Value ?? Value.Of(Tensor.Scalar(0));
        if (single.Tensor.Count != 1) throw new ArgumentException($"the value is one element, not {single.Tensor.Shape}");
        return single.With(single.Tensor.Reshape(Vitrine.Shape.Scalar).Expand(shape));
    }

    [Onnx(1, Name = "Shape")]
    private static Value ShapeOf(Value data, int start = 0, int end = int.MaxValue)
    {
        int rank = data.Tensor.Rank;
        int from = Limit(start), to = Math.Max(from, Limit(end));
        long[] extents = [.. data.Tensor.Shape.Dims[from..to].ToArray().Select(e => (long)e)];
        return Value.Of(Tensor.From(extents, [extents.Length]));

        int Limit(int at) => Math.Clamp(at < 0 ? at + rank : at, 0, rank);
    }

    [Onnx(1)]
    private static Value Size(Value data) => Value.Of(Tensor.From([(long)data.Tensor.Count], Vitrine.Shape.Scalar));

    [Onnx(5)]
    private static Value Reshape(Value data, Tensor shape, int allowzero = 0)
    {
        int[] dims = Integers.Ints(shape);
        for (int i = 0; i < dims.Length; i++)
        {
            if (dims[i] != 0 || allowzero != 0) continue;
            if (i >= data.Tensor.Rank) throw new ArgumentException($"the shape [{string.Join(", ", dims)}] keeps axis {i}, which the data lacks");
            dims[i] = data.Tensor.Shape[i];
        }
        return data.With(data.Tensor.Reshape(dims));
    }

    [Onnx(1)]
    private static Value Flatten(Value input, int axis = 1)
    {
        Shape shape = input.Tensor.Shape;
        if (axis < -shape.Rank || axis > shape.Rank) throw new ArgumentException($"there is no axis {axis}");
        if (axis < 0) axis += shape.Rank;
        return input.With(input.Tensor.Reshape(Product(shape.Dims[..axis]), Product(shape.Dims[axis..])));
    }

    [Onnx(1, Name = "Squeeze")]
    private static Value SqueezeByAttribute(Value data, int[]? axes = null) => Squeeze(data, axes);

    [Onnx(13)]
    private static Value Squeeze(Value data, Tensor? axes = null) => Squeeze(data, axes is null ? null : Integers.Ints(axes));

    [Onnx(1, Name = "Unsqueeze")]
    private static Value UnsqueezeByAttribute(Value data, int[] axes) => Unsqueeze(data, axes);

    [Onnx(13)]
    private static Value Unsqueeze(Value data, Tensor axes) => Unsqueeze(data, Integers.Ints(axes));

    [Onnx(1)]
    private static Value Transpose(Value data, int[]? perm = null) =>
        data.With(data.Tensor.Permute(perm ?? [.. Enumerable.Range(0, data.Tensor.Rank).Reverse()]));

    [Onnx(8)]
    private static Value Expand(Call call, Value input, Tensor shape)
    {
        call.Room(shape.Longs);
        return input.With(input.Tensor.Expand(Vitrine.Shape.Broadcast(input.Tensor.Shape, Vitrine.Shape.Create(Integers.Ints(shape)))));
    }

    [Onnx(6)]
    private static Value Tile(Call call, Value input, Tensor repeats)
    {
        Tensor x = input.Tensor;
        int[] times = Integers.Ints(repeats);
        if (times.Length != x.Rank) throw new ArgumentException($"{times.Length} repeats do not fit {x.Shape}");
        call.Room([.. times.Select((t, i) => (long)t * x.Shape[i])]);
        // Every axis with one in front that is stretched.
        int[] split = [.. x.Shape.Dims.ToArray().SelectMany(e => new[] { 1, e })];
        int[] stretched = [.. times.SelectMany((t, i) => new[] { t, x.Shape[i] })];
        return input.With(
            x.Reshape(Vitrine.Shape.Create(split)).Expand(Vitrine.Shape.Create(stretched))
                .Reshape(Vitrine.Shape.Create([.. times.Select((t, i) => t * x.Shape[i])])));
    }

    [Onnx(4)]
    private static Value Concat(int axis, params Value?[] inputs)
    {
        Value[] parts = [.. inputs.OfType<Value>()];
        return parts[0].With(TensorOps.Concat(axis, [.. parts.Select(p => p.Tensor)]));
    }

    [Onnx(2, Name = "Split")]
    private static Value[] SplitByAttribute(Call call, Value input, int axis = 0, int[]? split = null) => Split(call, input, axis, split);

    [Onnx(13)]
    private static Value[] Split(Call call, Value input, Tensor? split = null, int axis = 0, int numOutputs = 0)
    {
        _ = numOutputs; // is the number of outputs
        return Split(call, input, axis, split is null ? null : Integers.Ints(split));
    }

    [Onnx(1, Name = "Slice")]
    private static Value SliceByAttributes(Value data, long[] starts, long[] ends, int[]? axes = null) => Slice(data, starts, ends, axes, null);

    [Onnx(10)]
    private static Value Slice(Value data, Tensor starts, Tensor ends, Tensor? axes = null, Tensor? steps = null) =>
        Slice(data, starts.Longs.ToArray(), ends.Longs.ToArray(), axes is null ? null : Integers.Ints(axes), steps?.Longs.ToArray());

    [Onnx(1)]
    private static Value Gather(Value data, Tensor indices, int axis = 0)
    {
        axis = data.Tensor.Shape.Axis(axis);
        return data.With(data.Tensor.IndexSelect(axis, Integers.Positions(indices, data.Tensor.Shape[axis])));
    }

    [Onnx(11)]
    private static Value GatherElements(Value data, Tensor indices, int axis = 0)
    {
        Tensor x = data.Tensor;
        axis = x.Shape.Axis(axis);
        return data.With(Take(x, Integers.Positions(indices, x.Shape[axis]), axis));
    }

    [Onnx(11, Name = "GatherND")]
    private static Value GatherPlaces(Value data, Tensor indices, int batchDims = 0)
    {
        Tensor x = data.Tensor;
        int depth = indices.Shape[-1], batch = Product(x.Shape.Dims[..batchDims]);
        if (batchDims + depth > x.Rank || batchDims >= indices.Rank)
        {
            throw new ArgumentException($"indices {indices.Shape} do not address {x.Shape} after {batchDims} batch axes");
        }
        Shape addressed = [.. x.Shape.Dims[batchDims..(batchDims + depth)]], rest = [.. x.Shape.Dims[(batchDims + depth)..]];
        Tensor places = Linear(indices, addressed, batch);
        Tensor rows = x.Reshape(batch * addressed.Count, rest.Count).IndexSelect(0, places);
        return data.With(rows.Reshape(Vitrine.Shape.Create([.. indices.Shape.Dims[..^1], .. rest.Dims])));
    }

    [Onnx(9)]
    [Onnx(11, Name = "ScatterElements")]
    private static Value Scatter(Value data, Tensor indices, Value updates, int axis = 0, string reduction = "none")
    {
        Tensor x = data.Tensor;
        axis = x.Shape.Axis(axis);
        if (indices.Shape != updates.Tensor.Shape || indices.Rank != x.Rank)
        {
            throw new ArgumentException("indices and updates have one shape, of as many axes as the data");
        }
        // Each update's place among all elements.
        indices = Integers.Positions(indices, x.Shape[axis]);
        int[] strides = new int[x.Rank], index = new int[x.Rank];
        x.Shape.Strides(strides);
        long[] places = new long[indices.Count];
        for (int i = 0; i < places.Length; i++)
        {
            for (int a = 0; a < x.Rank; a++)
            {
                if (a != axis && index[a] >= x.Shape[a]) throw new ArgumentException($"indices {indices.Shape} are larger than the data {x.Shape}");
                places[i] += strides[a] * (a == axis ? indices.Longs[i] : index[a]);
            }
            for (int a = x.Rank - 1; a >= 0 && ++index[a] == indices.Shape[a]; a--) index[a] = 0;
        }
        return data.With(Scatter(data.With(x.Reshape(x.Count, 1)), places, updates.With(updates.Tensor.Reshape(places.Length, 1)), reduction).Reshape(x.Shape));
    }

    [Onnx(11, Name = "ScatterND")]
    private static Value ScatterPlaces(Value data, Tensor indices, Value updates, string reduction = "none")
    {
        Tensor x = data.Tensor;
        int depth = indices.Shape[-1];
        if (depth > x.Rank) throw new ArgumentException($"indices {indices.Shape} do not address {x.Shape}");
        Shape addressed = [.. x.Shape.Dims[..depth]], rest = [.. x.Shape.Dims[depth..]];
        long[] places = Linear(indices, addressed, 1).Longs.ToArray();
        Value rows = data.With(x.Reshape(addressed.Count, rest.Count)), news = updates.With(updates.Tensor.Reshape(places.Length, rest.Count));
        return data.With(Scatter(rows, places, news, reduction).Reshape(x.Shape));
    }

    [Onnx(9)]
    private static Value Compress(Value input, Tensor condition, int axis = int.MinValue)
    {
        Tensor x = axis == int.MinValue ? input.Tensor.Reshape(input.Tensor.Count) : input.Tensor;
        int along = axis == int.MinValue ? 0 : x.Shape.Axis(axis);
        bool[] chosen = condition.Bools.ToArray();
        if (chosen.Length > x.Shape[along] && chosen.AsSpan(x.Shape[along]).Contains(true))
        {
            throw new ArgumentException($"the condition of {chosen.Length} reaches beyond {x.Shape}");
        }
        long[] places = [.. Enumerable.Range(0, chosen.Length).Where(i => chosen[i]).Select(i => (long)i)];
        return input.With(x.IndexSelect(along, Tensor.From(places, [places.Length])));
    }

    [Onnx(9)]
    private static Value NonZero(Value x)
    {
        Tensor t = x.Tensor;
        bool[] there = t.DType == DType.Bool
            ? t.Bools.ToArray()
            : t.DType == DType.Int64 ? [.. t.Longs.ToArray().Select(v => v != 0)] : [.. t.ToArray().Select(v => v != 0)];
        int[] places = [.. Enumerable.Range(0, there.Length).Where(i => there[i])];
        int rank = Math.Max(t.Rank, 1);
        long[] result = new long[rank * places.Length];
        for (int i = 0; i < places.Length; i++)
        {
            int at = places[i];
            for (int a = rank - 1; a >= 0; a--)
            {
                int extent = t.Rank == 0 ? 1 : t.Shape[a];
                result[a * places.Length + i] = at % extent;
                at /= extent;
            }
        }
        return Value.Of(Tensor.From(result, [rank, places.Length]));
    }

    [Onnx(9)]
    private static Value OneHot(Call call, Value indices, Value depth, Value values, int axis = -1)
    {
        int classes = (int)Integers.Single(depth.Tensor.Cast(DType.Int64));
        if (classes < 1) throw new ArgumentException($"the depth {classes} is not positive");
        call.Room(indices.Tensor.Count, classes);
        Tensor at = indices.Tensor.Cast(DType.Int64);
        int along = axis < 0 ? axis + at.Rank + 1 : axis;
        // An index outside of the classes is nowhere.
        Tensor inside = Integers.Map(at, i => i < -classes || i >= classes ? classes : i < 0 ? i + classes : i);
        Tensor hot = inside.OneHot(classes + 1).Slice(-1, 0, classes); // [..., classes]
        int[] order = [.. Enumerable.Range(0, along), at.Rank, .. Enumerable.Range(along, at.Rank - along)];
        hot = hot.Permute(order);
        Tensor pair = values.Tensor.Cast(DType.Float32);
        Tensor off = pair.Slice(0, 0, 1), on = pair.Slice(0, 1, 2);
        return values.With((hot * (on - off) + off).Cast(values.Tensor.DType));
    }

    [Onnx(9)]
    private static Value EyeLike(Value input, int dtype = 0, int k = 0)
    {
        if (input.Tensor.Rank != 2) throw new ArgumentException("the input has two axes");
        int rows = input.Tensor.Shape[0], columns = input.Tensor.Shape[1];
        float[] eye = new float[rows * columns];
        for (int i = 0; i < rows; i++) if ((uint)(i + k) < (uint)columns) eye[i * columns + i + k] = 1;
        return As(Value.Of(Tensor.From(eye, input.Tensor.Shape)), dtype == 0 ? input.Type : (ElementType)dtype);
    }

    [Onnx(14)]
    private static Value Trilu(Value input, Tensor? k = null, int upper = 1)
    {
        Tensor x = input.Tensor;
        int offset = k is null ? 0 : (int)Math.Clamp(Integers.Single(k), -x.Count - 1, x.Count + 1), rows = x.Shape[-2], columns = x.Shape[-1];
        bool[] kept = new bool[rows * columns];
        for (int i = 0; i < kept.Length; i++)
        {
            int distance = i % columns - i / columns;
            kept[i] = upper != 0 ? distance >= offset : distance <= offset;
        }
        return Where(Tensor.From(kept, [rows, columns]), input, As(Value.Of(Tensor.Scalar(0)), input.Type));
    }

    [Onnx(11)]
    private static Value Range(Call call, Value start, Value limit, Value delta)
    {
        if (start.Tensor.DType == DType.Int64)
        {
            long from = Integers.Single(start.Tensor), to = Integers.Single(limit.Tensor), step = Integers.Single(delta.Tensor);
            if (step == 0) throw new ArgumentException("the step is 0");
            int count = call.Room((long)Math.Max(0, Math.Ceiling(((double)to - from) / step)));
            long[] values = new long[count];
            for (int i = 0; i < count; i++) values[i] = from + i * step;
            return start.With(Tensor.From(values, [count]));
        }
        double first = start.Tensor.Item(), last = limit.Tensor.Item(), by = delta.Tensor.Item(), number = Math.Ceiling((last - first) / by);
        if (!double.IsFinite(number)) throw new ArgumentException($"there is no range from {first} to {last} by {by}");
        float[] floats = new float[call.Room((long)Math.Clamp(number, 0, long.MaxValue))];
        for (int i = 0; i < floats.Length; i++) floats[i] = (float)(first + i * by);
        return start.With(Tensor.From(floats));
    }

    [Onnx(2, Name = "Pad")]
    private static Value PadByAttributes(Value data, int[] pads, string mode = "constant", float value = 0) =>
        Pad(data, pads, null, mode, Value.Of(Tensor.Scalar(value)));

    [Onnx(11)]
    private static Value Pad(Value data, Tensor pads, Value? constantValue = null, Tensor? axes = null, string mode = "constant") =>
        Pad(data, Integers.Ints(pads), axes is null ? null : Integers.Ints(axes), mode, constantValue);

    [Onnx(18)]
    private static Value CenterCropPad(Value inputData, Tensor shape, int[]? axes = null)
    {
        Tensor x = inputData.Tensor;
        int[] sizes = Integers.Ints(shape), along = axes ?? [.. Enumerable.Range(0, x.Rank)];
        var pads = new (int Before, int After)[x.Rank];
        for (int i = 0; i < along.Length; i++)
        {
            int axis = x.Shape.Axis(along[i]), more = sizes[i] - x.Shape[axis];
            // What is odd goes to the end, whether added or cut.
            int before = more >= 0 ? more / 2 : -(-more / 2);
            pads[axis] = (before, more - before);
        }
        return inputData.With(Padded(x, pads, 0));
    }

    [Onnx(1, Name = "DepthToSpace")]
    private static Tensor DepthToSpace(Tensor input, int blocksize, string mode = "DCR")
    {
        if (mode == "CRD") return input.PixelShuffle(blocksize);
        int b = blocksize, n = input.Shape[0], c = input.Shape[1], h = input.Shape[2], w = input.Shape[3];
        if (b < 1 || c % (b * b) != 0) throw new ArgumentException($"{c} channels do not divide into blocks of {b} x {b}");
        return input.Reshape(n, b, b, c / (b * b), h, w).Permute(0, 3, 4, 1, 5, 2).Reshape(n, c / (b * b), h * b, w * b);
    }

    [Onnx(1)]
    private static Tensor SpaceToDepth(Tensor input, int blocksize)
    {
        int b = blocksize, n = input.Shape[0], c = input.Shape[1], h = input.Shape[2], w = input.Shape[3];
        if (b < 1 || h % b != 0 || w % b != 0) throw new ArgumentException($"{h} x {w} does not divide into blocks of {b}");
        return input.Reshape(n, c, h / b, b, w / b, b).Permute(0, 3, 5, 1, 2, 4).Reshape(n, c * b * b, h / b, w / b);
    }

    [Onnx(10)]
    private static Value ReverseSequence(Value input, Tensor sequenceLens, int batchAxis = 1, int timeAxis = 0)
    {
        Tensor x = input.Tensor;
        int batch = x.Shape.Axis(batchAxis), time = x.Shape.Axis(timeAxis), steps = x.Shape[time];
        if (sequenceLens.Count != x.Shape[batch]) throw new ArgumentException($"{sequenceLens.Count} lengths do not fit {x.Shape}");
        int[] index = new int[x.Rank];
        long[] places = new long[x.Count];
        for (int i = 0; i < places.Length; i++)
        {
            long length = sequenceLens.Longs[index[batch]], at = index[time];
            if (length < 0 || length > steps) throw new ArgumentException($"a length of {length} is outside of {steps} steps");
            places[i] = at < length ? length - 1 - at : at;
            for (int a = x.Rank - 1; a >= 0 && ++index[a] == x.Shape[a]; a--) index[a] = 0;
        }
        return input.With(Take(x, Tensor.From(places, x.Shape), time));
    }

    private static Value Squeeze(Value data, int[]? axes)
    {
        Shape shape = data.Tensor.Shape;
        int[] dropped = axes is null ? [.. Enumerable.Range(0, shape.Rank).Where(i => shape[i] == 1)] : [.. axes.Select(shape.Axis)];
        foreach (int axis in dropped) if (shape[axis] != 1) throw new ArgumentException($"axis {axis} of {shape} has more than one position");
        int[] kept = [.. Enumerable.Range(0, shape.Rank).Where(i => !dropped.Contains(i)).Select(i => shape[i])];
        return data.With(data.Tensor.Reshape(Vitrine.Shape.Create(kept)));
    }

    private static Value Unsqueeze(Value data, int[] axes)
    {
        int rank = data.Tensor.Rank + axes.Length, next = 0;
        int[] added = [.. axes.Select(a => a < 0 ? a + rank : a)];
        if (added.Distinct().Count() != added.Length || added.Any(a => (uint)a >= (uint)rank))
        {
            throw new ArgumentException($"axes [{string.Join(", ", axes)}] cannot be added to {data.Tensor.Shape}");
        }
        int[] dims = new int[rank];
        for (int i = 0; i < rank; i++) dims[i] = added.Contains(i) ? 1 : data.Tensor.Shape[next++];
        return data.With(data.Tensor.Reshape(Vitrine.Shape.Create(dims)));
    }

    private static Value[] Split(Call call, Value input, int axis, int[]? sizes)
    {
        int along = input.Tensor.Shape.Axis(axis), extent = input.Tensor.Shape[along];
        if (sizes is null)
        {
            // As even as possible; the last part is the shorter one.
            int part = (extent + call.Outputs - 1) / call.Outputs;
            sizes = [.. Enumerable.Range(0, call.Outputs).Select(i => Math.Clamp(extent - i * part, 0, part))];
        }
        if (sizes.Any(s => s < 0)) throw new ArgumentException($"a size of [{string.Join(", ", sizes)}] is negative");
        return [.. input.Tensor.Split(sizes, along).Select(input.With)];
    }

    private static Value Slice(Value data, long[] starts, long[] ends, int[]? axes, long[]? steps)
    {
        Tensor x = data.Tensor;
        if (ends.Length != starts.Length || (axes is not null && axes.Length != starts.Length) || (steps is not null && steps.Length != starts.Length))
        {
            throw new ArgumentException("starts, ends, axes and steps are of one length");
        }
        for (int i = 0; i < starts.Length; i++)
        {
            int axis = axes is null ? i : axes[i], n = x.Shape[axis], step = checked((int)(steps?[i] ?? 1));
            // Walking backwards, an end before the first position stands for all there are.
            int? end = step < 0 && ends[i] < -n ? null : Near(ends[i]);
            x = x.Slice(axis, Near(starts[i]), end, step);

            int Near(long at) => (int)Math.Clamp(at, -(long)n - 1, (long)n + 1);
        }
        return data.With(x);
    }

    private static Value Pad(Value data, int[] pads, int[]? axes, string mode, Value? constant)
    {
        Tensor x = data.Tensor;
        int[] along = axes ?? [.. Enumerable.Range(0, x.Rank)];
        if (pads.Length != 2 * along.Length) throw new ArgumentException($"{pads.Length} pads do not fit {along.Length} axes");
        var around = new (int Before, int After)[x.Rank];
        for (int i = 0; i < along.Length; i++) around[x.Shape.Axis(along[i])] = (pads[i], pads[along.Length + i]);
        if (mode == "constant") return data.With(Padded(x, around, constant is null ? 0 : constant.Tensor.Cast(DType.Float32).Item()));
        return data.With(x.Pad(around, mode switch
        {
            "reflect" => Padding.Reflect,
            "edge" => Padding.Replicate,
            "wrap" => Padding.Circular,
            _ => throw new ArgumentException($"mode is constant, reflect, edge or wrap, not {mode}"),
        }));
    }

    /// <summary>Padding with a constant, of integers too.</summary>
    private static Tensor Padded(Tensor x, (int Before, int After)[] pads, float value) =>
        x.DType == DType.Float32 || value == 0 ? x.Pad(pads, Padding.Constant, value) : x.Cast(DType.Float32).Pad(pads, Padding.Constant, value).Cast(x.DType);

    /// <summary>One element along an axis for each index, whose other axes may be shorter.</summary>
    private static Tensor Take(Tensor x, Tensor index, int axis)
    {
        // The engine's kernel moves floats; integers are chosen from all elements as rows of one.
        if (x.DType == DType.Float32) return x.Gather(axis, index);
        int[] strides = new int[x.Rank], at = new int[x.Rank];
        x.Shape.Strides(strides);
        long[] places = new long[index.Count];
        for (int i = 0; i < places.Length; i++)
        {
            for (int a = 0; a < x.Rank; a++) places[i] += strides[a] * (a == axis ? index.Longs[i] : at[a]);
            for (int a = x.Rank - 1; a >= 0 && ++at[a] == index.Shape[a]; a--) at[a] = 0;
        }
        return x.Reshape(x.Count).IndexSelect(0, Tensor.From(places, index.Shape));
    }

    /// <summary>Row numbers for tuples of indices [..., depth] into the addressed axes, batch after batch.</summary>
    private static Tensor Linear(Tensor indices, Shape addressed, int batch)
    {
        int depth = addressed.Rank, count = depth == 0 ? indices.Shape.Without(-1).Count : indices.Count / depth, each = count / Math.Max(1, batch);
        long[] places = new long[count];
        for (int i = 0; i < count; i++)
        {
            long place = each == 0 ? 0 : i / each;
            for (int a = 0; a < depth; a++)
            {
                long index = indices.Longs[i * depth + a];
                if (index < -addressed[a] || index >= addressed[a]) throw new ArgumentException($"index {index} is outside an axis of {addressed[a]}");
                place = place * addressed[a] + (index < 0 ? index + addressed[a] : index);
            }
            places[i] = place;
        }
        return Tensor.From(places, [count]);
    }

    /// <summary>
    /// Rows [R, K] with updates [U, K] at places. Updates that meet are applied one after the other: in rounds of which each touches a row at most once.
    /// </summary>
    private static Tensor Scatter(Value rows, long[] places, Value updates, string reduction)
    {
        Tensor x = rows.Tensor, news = updates.Tensor;
        if (x.DType != DType.Float32) return ScatterIntegers(rows, places, updates, reduction);
        if (x.Shape[1] == 0 || places.Length == 0) return x;
        var seen = new Dictionary<long, int>();
        var rounds = new List<List<int>>();
        for (int i = 0; i < places.Length; i++)
        {
            int round = seen.GetValueOrDefault(places[i]);
            seen[places[i]] = round + 1;
            if (round == rounds.Count) rounds.Add([]);
            rounds[round].Add(i);
        }
        foreach (List<int> round in rounds)
        {
            Tensor at = Tensor.From([.. round.Select(i => places[i])], [round.Count]);
            Tensor update = round.Count == places.Length ? news : news.IndexSelect(0, Tensor.From([.. round.Select(i => (long)i)], [round.Count]));
            update = reduction switch
            {
                "none" => update,
                "add" => x.IndexSelect(0, at) + update,
                "mul" => x.IndexSelect(0, at) * update,
                "max" => x.IndexSelect(0, at).Maximum(update),
                "min" => x.IndexSelect(0, at).Minimum(update),
                _ => throw new ArgumentException($"reduction is none, add, mul, max or min, not {reduction}"),
            };
            x = x.Scatter(0, at.Unsqueeze(1).Expand(update.Shape), update);
        }
        return x;
    }

    private static Tensor ScatterIntegers(Value rows, long[] places, Value updates, string reduction)
    {
        Tensor x = rows.Tensor.Cast(DType.Int64), news = updates.Tensor.Cast(DType.Int64);
        int width = x.Shape[1];
        long[] result = x.Longs.ToArray();
        for (int i = 0; i < places.Length; i++)
        {
            for (int j = 0; j < width; j++)
            {
                long old = result[places[i] * width + j], given = news.Longs[i * width + j];
                result[places[i] * width + j] = reduction switch
                {
                    "none" => given,
                    "add" => ElementTypes.Wrap(old + given, rows.Type),
                    "mul" => ElementTypes.Wrap(old * given, rows.Type),
                    "max" => Math.Max(old, given),
                    "min" => Math.Min(old, given),
                    _ => throw new ArgumentException($"reduction is none, add, mul, max or min, not {reduction}"),
                };
            }
        }
        return Tensor.From(result, x.Shape).Cast(rows.Tensor.DType);
    }

    private static int Product(ReadOnlySpan<int> extents)
    {
        int product = 1;
        foreach (int extent in extents) product *= extent;
        return product;
    }
}
