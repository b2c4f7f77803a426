using Vitrine.Insight;
using Vitrine.Onnx;

namespace Vitrine.Conformance;

/// <summary>Receptive fields read off the graph against a measurement: every element of the input is changed, and it is seen which units change.</summary>
public class ReceptiveFieldTests(ITestOutputHelper output)
{
    private const int UnitsOfALayer = 8;
    private const int FewestDraws = 2;
    private const int MostDraws = 40;
    private const float Step = 8;

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "cases", "nets");

    public static TheoryData<string> Networks() =>
        [.. Directory.EnumerateFiles(Folder, "*.onnx").Order(StringComparer.Ordinal)
            .Select(f => new TheoryDataRow<string>(Path.GetFileNameWithoutExtension(f)))];

    [Theory]
    [MemberData(nameof(Networks))]
    public void EqualWhatChangingTheInputShows(string name)
    {
        OnnxModule model = OnnxModel.Open(Path.Combine(Folder, name + ".onnx"));
        Tensor input = SafeTensors.Load(Path.Combine(Folder, name + ".golden.safetensors"))["input"];
        if (input.DType == DType.Float32) input = input.Slice(0, 0, 1); // the networks of tokens have a fixed batch
        var fields = ReceptiveFields.Of(model, input);
        var random = new RandomSource(3);
        // A node's value has a name of its own too; once is enough.
        List<Unit> units = [.. fields.Scopes.Where(s => !s.Contains("_output_")).SelectMany(s => Some(s, fields, random))];

        // What is marked and never changes may be hidden by a rectifier, a maximum or a weight that happens to be small: other weights and inputs may show it.
        int draws = 0;
        for (; draws < FewestDraws || (draws < MostDraws && units.Any(u => u.Hidden)); draws++) Measure(model, input, units, random, draws);

        int boxes = units.Count(u => u.Field.SameBox(Box(u.Changed, input.Shape))), sets = units.Count(u => !u.Hidden);
        output.WriteLine($"{name}: {units.Count} units of {units.Select(u => u.Scope).Distinct().Count()} layers, {input.Count} elements of the input; " +
            $"after {draws} draws {boxes} boxes and {sets} sets of elements are equal");
        foreach (Unit u in units.Where(u => u.Hidden).Take(5)) output.WriteLine($"{u.Scope}[{u.First}, {string.Join(", ", u.Position)}]: {u.Field}, " +
            $"measured {Box(u.Changed, input.Shape)}");
        // Never too small, nothing assumed, and no larger than what the measurement shows.
        Assert.DoesNotContain(units, u => u.Changed.Zip(u.Elements).Any(p => p.First && !p.Second));
        Assert.DoesNotContain(units, u => u.Field.Assumed is not null);
        Assert.Equal(units.Count, boxes);
        Assert.Equal(units.Count, sets);
    }

    // Changes each element of the input that could still tell something, and sees which units change.
    private static void Measure(OnnxModule model, Tensor like, List<Unit> units, RandomSource random, int draw)
    {
        Draw(model, random, positive: draw % 2 == 0);
        bool tokens = like.DType == DType.Int64;
        long[] numbers = tokens ? [.. Enumerable.Range(0, like.Count).Select(_ => like.Longs[random.NextInt(like.Count)])] : [];
        float[] values = tokens ? [] : [.. Enumerable.Range(0, like.Count).Select(_ => random.NextNormal())];
        float[] before = Read();
        for (int i = 0; i < like.Count; i++)
        {
            if (draw >= FewestDraws && !units.Any(u => u.Elements[i] && !u.Changed[i])) continue;
            if (tokens)
            {
                long token = numbers[i];
                while (numbers[i] == token) numbers[i] = like.Longs[random.NextInt(like.Count)];
                Compare(i);
                numbers[i] = token;
                continue;
            }
            float value = values[i];
            foreach (float by in (ReadOnlySpan<float>)[Step, -Step])
            {
                values[i] = value + by;
                Compare(i);
            }
            values[i] = value;
        }

        void Compare(int i)
        {
            float[] after = Read();
            for (int u = 0; u < after.Length; u++) units[u].Changed[i] |= after[u] != before[u];
        }

        float[] Read()
        {
            using var scope = MemoryScope.Open();
            var run = new Run(fused: false).Tap();
            model.Call(run, tokens ? Tensor.From(numbers, like.Shape) : Tensor.From(values, like.Shape));
            return [.. units.Select(u => run.Taps[u.Scope].DType == DType.Float32 ? run.Taps[u.Scope].Floats[u.Flat] : run.Taps[u.Scope].Longs[u.Flat])];
        }
    }

    // Fields are a matter of geometry, so the weights may be any. Where all are positive every rectifier lets through what grows; others show what sums to
    // zero.
    private static void Draw(OnnxModule model, RandomSource random, bool positive)
    {
        var state = model.State().ToDictionary(StringComparer.Ordinal);
        foreach ((string name, Tensor value) in state.ToArray())
        {
            if (value.DType != DType.Float32 || value.Rank == 0) continue; // scales and the like
            bool variance = value.Floats.ToArray().All(v => v > 0);
            float size = value.Rank < 2 ? 0.1f : 1 / MathF.Sqrt((float)value.Count / value.Shape[0]);
            state[name] = Tensor.From([.. value.Floats.ToArray()
                .Select(v => variance ? v : positive ? size * (0.1f + random.NextFloat()) : size * random.NextNormal())], value.Shape);
        }
        model.Load(state);
    }

    private static IEnumerable<Unit> Some(string scope, ReceptiveFields fields, RandomSource random)
    {
        Shape shape = fields.ShapeOf(scope);
        if (shape.Rank < 2 || shape.Count == 0) return [];
        int[] flat = [0, shape.Count - 1, .. Enumerable.Range(2, UnitsOfALayer - 2).Select(_ => random.NextInt(shape.Count))];
        return flat.Distinct().Select(i =>
        {
            int[] at = Position(shape, i);
            return new Unit(scope, at[0], at[1..], i, fields.Of(scope, at[1..], at[0]), fields.Elements(scope, at[1..], at[0]).Bools.ToArray());
        });
    }

    private static int[] Position(Shape shape, int flat)
    {
        int[] position = new int[shape.Rank];
        for (int axis = shape.Rank - 1; axis >= 0; axis--) (flat, position[axis]) = Math.DivRem(flat, shape[axis]);
        return position;
    }

    private static ReceptiveField Box(bool[] on, Shape shape)
    {
        int rank = shape.Rank - 1;
        int[] start = new int[rank], end = new int[rank];
        if (on.Contains(true)) start = [.. shape.Dims[1..]];
        for (int i = 0; i < on.Length; i++)
        {
            if (!on[i]) continue;
            int[] at = Position(shape, i)[1..];
            for (int axis = 0; axis < rank; axis++) (start[axis], end[axis]) = (Math.Min(start[axis], at[axis]), Math.Max(end[axis], at[axis] + 1));
        }
        return new ReceptiveField(start, end);
    }

    private sealed record Unit(string Scope, int First, int[] Position, int Flat, ReceptiveField Field, bool[] Elements)
    {
        public bool[] Changed { get; } = new bool[Elements.Length];

        public bool Hidden => Elements.Zip(Changed).Any(p => p.First && !p.Second);
    }
}
