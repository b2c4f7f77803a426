using Vitrine.Onnx.Proto;

namespace Vitrine.Onnx;

/// <content>Graphs inside of graphs, and sequences of values.</content>
internal static partial class Operators
{
    [Onnx(1, Volatile = true)]
    private static Value[] If(Call call, Tensor cond, Graph thenBranch, Graph elseBranch) => call.Evaluate(Truth(cond) ? thenBranch : elseBranch);

    [Onnx(1, Volatile = true)]
    private static Value[] Loop(Call call, Graph body, Tensor? m = null, Tensor? cond = null, params Value?[] initial)
    {
        long most = m is null ? long.MaxValue : Integers.Single(m);
        bool go = cond is null || Truth(cond);
        Value[] carried = [.. initial.Select(v => v ?? Value.Nothing)];
        int scans = body.Outputs.Count - 1 - carried.Length;
        if (scans < 0) throw new ArgumentException($"the body gives {body.Outputs.Count} values for {carried.Length} that are carried on");
        var stacks = new List<Tensor>[scans];
        for (int i = 0; i < scans; i++) stacks[i] = [];
        for (long i = 0; i < most && go; i++)
        {
            Value iteration = Value.Of(Tensor.From([i], Vitrine.Shape.Scalar)), going = Value.Of(Tensor.From([go], Vitrine.Shape.Scalar));
            Value[] results = call.Iterate(body, [iteration, going, .. carried]);
            go = Truth(results[0].Tensor);
            carried = results[1..(1 + carried.Length)];
            for (int s = 0; s < scans; s++) stacks[s].Add(results[1 + carried.Length + s].Tensor);
        }
        return [.. carried, .. stacks.Select(s => Value.Of(s.Count == 0 ? Tensor.Zeros([0]) : TensorOps.Stack(0, [.. s])))];
    }

    /// <summary>Over each example of a batch on its own.</summary>
    [Onnx(8, Name = "Scan", Volatile = true)]
    private static Value[] ScanOfBatch(Call call, Graph body, int numScanInputs, Tensor? sequenceLens = null, int[]? directions = null, params Value?[] inputs)
    {
        if (sequenceLens is not null) throw new NotSupportedException("scanning sequences of several lengths");
        Value[] all = [.. inputs.Select(v => v ?? throw new ArgumentException("an input is missing"))];
        int batch = all[0].Tensor.Shape[0];
        var results = new List<Value[]>();
        for (int n = 0; n < batch; n++)
        {
            results.Add(Scan(call, body, numScanInputs, null, directions, null, null, [.. all.Select(v => v.With(v.Tensor.Slice(0, n, n + 1).Squeeze(0)))]));
        }
        return [.. Enumerable.Range(0, results[0].Length).Select(i => results[0][i].With(TensorOps.Stack(0, [.. results.Select(r => r[i].Tensor)])))];
    }

    [Onnx(9, Volatile = true)]
    private static Value[] Scan(
        Call call, Graph body, int numScanInputs, int[]? scanInputAxes = null, int[]? scanInputDirections = null, int[]? scanOutputAxes = null,
        int[]? scanOutputDirections = null,
        params Value?[] initialStateAndScanInputs)
    {
        Value[] all = [.. initialStateAndScanInputs.Select(v => v ?? throw new ArgumentException("an input is missing"))];
        int states = all.Length - numScanInputs, outputs = body.Outputs.Count - states;
        if (numScanInputs < 1 || states < 0 || outputs < 0)
        {
            throw new ArgumentException($"{all.Length} inputs of which {numScanInputs} are scanned do not fit the body");
        }
        Value[] state = all[..states];
        Tensor[] scanned = new Tensor[numScanInputs];
        for (int i = 0; i < numScanInputs; i++)
        {
            Tensor t = all[states + i].Tensor;
            int axis = t.Shape.Axis(At(scanInputAxes, i));
            scanned[i] = t.Permute([axis, .. Enumerable.Range(0, t.Rank).Where(a => a != axis)]); // the scanned axis first
        }
        int steps = scanned[0].Shape[0];
        if (scanned.Any(s => s.Shape[0] != steps)) throw new ArgumentException("the scanned inputs are of different lengths");
        var stacks = new Tensor[outputs][];
        for (int i = 0; i < outputs; i++) stacks[i] = new Tensor[steps];
        for (int t = 0; t < steps; t++)
        {
            IEnumerable<Value> parts = scanned.Select((s, i) =>
            {
                int at = At(scanInputDirections, i) == 0 ? t : steps - 1 - t;
                return all[states + i].With(s.Slice(0, at, at + 1).Squeeze(0));
            });
            Value[] results = call.Iterate(body, [.. state, .. parts]);
            state = results[..states];
            for (int i = 0; i < outputs; i++) stacks[i][At(scanOutputDirections, i) == 0 ? t : steps - 1 - t] = results[states + i].Tensor;
        }
        return [.. state, .. stacks.Select((s, i) => Value.Of(s.Length == 0 ? Tensor.Zeros([0]) : Stacked(s, At(scanOutputAxes, i))))];

        static Tensor Stacked(Tensor[] parts, int axis) => TensorOps.Stack(axis < 0 ? axis + parts[0].Rank + 1 : axis, parts);

        static int At(int[]? list, int i) => list is null ? 0 : list[i];
    }

    [Onnx(11)]
    private static Value SequenceEmpty(int dtype = 1) => Value.List([], (ElementType)dtype);

    [Onnx(11)]
    private static Value SequenceConstruct(params Value?[] inputs) => Value.List([.. inputs.OfType<Value>()]);

    [Onnx(11)]
    private static Value SequenceInsert(Value inputSequence, Value tensor, Tensor? position = null)
    {
        var items = inputSequence.Sequence.ToList();
        items.Insert(position is null ? items.Count : Index(position, items.Count + 1), tensor);
        return Value.List(items);
    }

    [Onnx(11)]
    private static Value SequenceErase(Value inputSequence, Tensor? position = null)
    {
        var items = inputSequence.Sequence.ToList();
        items.RemoveAt(position is null ? items.Count - 1 : Index(position, items.Count));
        return Value.List(items, inputSequence.Type);
    }

    [Onnx(11)]
    private static Value SequenceAt(Value inputSequence, Tensor position) => inputSequence.Sequence[Index(position, inputSequence.Sequence.Count)];

    [Onnx(11)]
    private static Value SequenceLength(Value inputSequence) => Value.Of(Tensor.From([(long)inputSequence.Sequence.Count], Vitrine.Shape.Scalar));

    [Onnx(17, Volatile = true)]
    private static Value[] SequenceMap(Call call, Graph body, Value inputSequence, params Value?[] additionalInputs)
    {
        var columns = new List<Value>[body.Outputs.Count];
        for (int i = 0; i < columns.Length; i++) columns[i] = [];
        for (int i = 0; i < inputSequence.Sequence.Count; i++)
        {
            // Sequences go along, item by item; a tensor is the same for all.
            Value[] results = call.Iterate(body, [inputSequence.Sequence[i],
                .. additionalInputs.OfType<Value>().Select(v => v.Items is null ? v : v.Items[i])]);
            for (int j = 0; j < columns.Length; j++) columns[j].Add(results[j]);
        }
        return [.. columns.Select(c => Value.List(c))];
    }

    [Onnx(11)]
    private static Value SplitToSequence(Value input, Tensor? split = null, int axis = 0, int keepdims = 1)
    {
        Tensor x = input.Tensor;
        int along = x.Shape.Axis(axis), extent = x.Shape[along];
        int[] sizes;
        if (split is null)
        {
            sizes = Windows.Ones(extent);
        }
        else if (split.Rank == 0)
        {
            int part = checked((int)Integers.Single(split));
            if (part < 1) throw new ArgumentException($"parts of {part} are none");
            sizes = [.. Enumerable.Range(0, (extent + part - 1) / part).Select(i => Math.Min(part, extent - i * part))];
        }
        else
        {
            sizes = Integers.Ints(split);
        }
        return Value.List([.. x.Split(sizes, along).Select(p => input.With(split is null && keepdims == 0 ? p.Squeeze(along) : p))], input.Type);
    }

    [Onnx(11)]
    private static Value ConcatFromSequence(Value inputSequence, int axis, int newAxis = 0)
    {
        Tensor[] parts = [.. inputSequence.Sequence.Select(v => v.Tensor)];
        if (parts.Length == 0) throw new ArgumentException("the sequence is empty");
        int along = newAxis != 0 && axis < 0 ? axis + parts[0].Rank + 1 : axis;
        return inputSequence.Sequence[0].With(newAxis != 0 ? TensorOps.Stack(along, parts) : TensorOps.Concat(along, parts));
    }

    [Onnx(15)]
    private static Value Optional(Value? input = null, TypeProto? type = null)
    {
        _ = type;
        return input ?? Value.Nothing;
    }

    [Onnx(15)]
    private static Value OptionalGetElement(Value input) =>
        input.IsTensor || input.Items is not null ? input : throw new ArgumentException("the optional value is not there");

    [Onnx(15)]
    private static Value OptionalHasElement(Value? input = null) =>
        Value.Of(Tensor.From([input is not null && (input.IsTensor || input.Items is not null)], Vitrine.Shape.Scalar));

    private static bool Truth(Tensor condition) =>
        condition is { DType: DType.Bool, Count: 1 }
            ? condition.Bools[0]
            : throw new ArgumentException($"a condition is one truth value, not {condition.DType} {condition.Shape}");

    private static int Index(Tensor position, int count)
    {
        long at = Integers.Single(position);
        return at >= -count && at < count ? (int)(at < 0 ? at + count : at) : throw new ArgumentException($"position {at} is outside a sequence of {count}");
    }
}
