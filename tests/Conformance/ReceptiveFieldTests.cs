using Vitrine.Insight;
using Vitrine.Onnx;

namespace Vitrine.Conformance;

/// <summary>Receptive fields read off the graph against a measurement: every element of the input is changed, and it is seen which units change.</summary>
public class ReceptiveFieldTests(ITestOutputHelper output)
{
    private const int UnitsOfALayer = 8;

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "cases", "nets");

    public static TheoryData<string> Networks() =>
        [.. Directory.EnumerateFiles(Folder, "*.onnx").Order(StringComparer.Ordinal).Select(f => new TheoryDataRow<string>(Path.GetFileNameWithoutExtension(f)))];

    [Theory]
    [MemberData(nameof(Networks))]
    public void EqualWhatChangingTheInputShows(string name)
    {
        OnnxModule model = OnnxModel.Open(Path.Combine(Folder, name + ".onnx"));
        Tensor input = SafeTensors.Load(Path.Combine(Folder, name + ".golden.safetensors"))["input"];
        var fields = ReceptiveFields.Of(model, input);
        var units = new List<(string Scope, int[] Position, int Flat)>();
        var random = new RandomSource(3);
        foreach (string scope in fields.Scopes)
        {
            Shape shape = fields.ShapeOf(scope);
            int[] flat = [0, shape.Count - 1, .. Enumerable.Range(2, UnitsOfALayer - 2).Select(_ => random.NextInt(shape.Count))];
            foreach (int i in flat.Where(i => i < shape.Count).Distinct()) units.Add((scope, Position(shape, i), i));
        }
        bool[][] measured = Measured(model, input, units, random);

        int boxes = 0, sets = 0, exact = 0;
        var wrong = new List<string>();
        for (int u = 0; u < units.Count; u++)
        {
            (string scope, int[] position, _) = units[u];
            ReceptiveField found = fields.Of(scope, position);
            bool[] elements = fields.Elements(scope, position).Bools.ToArray();
            ReceptiveField box = Box(measured[u], input.Shape);
            int missing = elements.Zip(measured[u]).Count(p => !p.First && p.Second), extra = elements.Zip(measured[u]).Count(p => p.First && !p.Second);
            if (found.Assumed is null) exact++;
            if (found.SameBox(box)) boxes++;
            if (missing + extra == 0) sets++;
            if (missing + extra > 0) wrong.Add($"{scope}[{string.Join(", ", position)}]: {found}, measured {box}; {missing} missing, {extra} more");
        }
        output.WriteLine($"{name}: {units.Count} units, {exact} without assumption, {boxes} boxes equal, {sets} sets of elements equal");
        foreach (string w in wrong.Take(12)) output.WriteLine(w);
        Assert.Equal(units.Count, sets);
    }

    // Which elements change each unit, over several inputs: a rectifier or a maximum that hides an influence for one shows it for another.
    private static bool[][] Measured(OnnxModule model, Tensor like, List<(string Scope, int[] Position, int Flat)> units, RandomSource random)
    {
        int size = like.Count / like.Shape[0];
        bool[][] changed = [.. units.Select(_ => new bool[size])];
        for (int draw = 0; draw < 4; draw++)
        {
            float[] values = like.DType == DType.Float32 ? [.. Enumerable.Range(0, size).Select(_ => random.NextNormal())] : [];
            long[] tokens = like.DType == DType.Int64 ? [.. Enumerable.Range(0, size).Select(_ => like.Longs[random.NextInt(like.Count)])] : [];
            float[] before = Units(Input());
            for (int i = 0; i < size; i++)
            {
                if (tokens.Length > 0)
                {
                    long token = tokens[i];
                    while (tokens[i] == token) tokens[i] = like.Longs[random.NextInt(like.Count)];
                    Compare(i);
                    tokens[i] = token;
                }
                else
                {
                    float value = values[i];
                    foreach (float sign in (ReadOnlySpan<float>)[-1, 1])
                    {
                        values[i] = value + 8 * sign;
                        Compare(i);
                    }
                    values[i] = value;
                }
            }

            Tensor Input() => tokens.Length > 0 ? Tensor.From(tokens, like.Shape.With(0, 1)) : Tensor.From(values, like.Shape.With(0, 1));

            void Compare(int i)
            {
                float[] after = Units(Input());
                for (int u = 0; u < after.Length; u++) changed[u][i] |= after[u] != before[u];
            }
        }
        return changed;

        float[] Units(Tensor input)
        {
            using var scope = MemoryScope.Open();
            var run = new Run(fused: false).Tap();
            model.Call(run, input);
            return [.. units.Select(u => run.Taps[u.Scope].DType == DType.Float32 ? run.Taps[u.Scope].Floats[u.Flat] : run.Taps[u.Scope].Longs[u.Flat])];
        }
    }

    private static int[] Position(Shape shape, int flat)
    {
        int[] position = new int[shape.Rank];
        for (int axis = shape.Rank - 1; axis >= 0; axis--) (flat, position[axis]) = Math.DivRem(flat, shape[axis]);
        return position[1..];
    }

    private static ReceptiveField Box(bool[] on, Shape shape)
    {
        int rank = shape.Rank - 1;
        int[] start = new int[rank], end = new int[rank];
        if (on.Contains(true)) start = [.. shape.Dims[1..]];
        for (int i = 0; i < on.Length; i++)
        {
            if (!on[i]) continue;
            int[] at = Position(shape.With(0, 1), i);
            for (int axis = 0; axis < rank; axis++) (start[axis], end[axis]) = (Math.Min(start[axis], at[axis]), Math.Max(end[axis], at[axis] + 1));
        }
        return new ReceptiveField(start, end);
    }
}
