using System.Globalization;
using FsCheck;
using FsCheck.Fluent;

namespace Vitrine.Engine.Tests.Properties;

/// <summary>
/// Random graphs of operators against a reference in double precision, values and gradients. The graphs of a run follow from a seed, the same on every machine;
/// set VITRINE_PROPERTY_SEED to another number for others. A failure prints the shrunken graph and the seed.
/// </summary>
public sealed class RandomGraphTests
{
    private const int Cases = 1000;
    private const double TooLarge = 200;

    [Fact]
    public void ValuesAndGradientsAreThoseOfTheReference()
    {
        int compared = 0;
        var used = new HashSet<string>(StringComparer.Ordinal);
        string? other = Environment.GetEnvironmentVariable("VITRINE_PROPERTY_SEED");
        ulong seed = ulong.TryParse(other, NumberStyles.None, CultureInfo.InvariantCulture, out ulong asked) ? asked : 2026;
        Check.One(Settings(seed), Prop.ForAll(Programs(), program =>
        {
            if (Compare(program)) compared++;
            used.UnionWith(program.Used);
        }));
        // Graphs whose numbers explode, or that decide something by a hair, say nothing; most must say something, and no operator may be left out.
        TestContext.Current.SendDiagnosticMessage($"{compared} of {Cases} graphs compared, {used.Count} operators");
        Assert.True(compared > Cases * 2 / 3, $"Only {compared} of {Cases} graphs could be compared.");
        Assert.True(used.Count >= 40, $"Only these operators came up: {string.Join(", ", used.Order())}");
    }

    [Fact]
    public void AFailureShrinksToItsCauseAndNamesTheSeed()
    {
        // As if every sine were wrong: what is shown must be a graph of one operator.
        GraphProgram? smallest = null;
        var error = Assert.ThrowsAny<Exception>(() => Check.One(Settings(1), Prop.ForAll(Programs(), program =>
        {
            if (!program.Used.Contains("sin")) return true;
            smallest = program;
            return false;
        })));
        Assert.Contains("seed", error.Message, StringComparison.Ordinal);
        Assert.Equal(1, smallest!.Steps);
    }

    // The second number of a replay, which FsCheck wants odd, may as well follow from the first.
    private static Config Settings(ulong seed) =>
        Config.QuickThrowOnFailure.WithMaxTest(Cases).WithEndSize(14).WithReplay(seed, 2 * seed + 1).WithQuietOnSuccess(true);

    /// <summary>Whether the graph said something; throws when engine and reference disagree.</summary>
    private static bool Compare(GraphProgram program)
    {
        float[][] values = [.. Enumerable.Range(0, program.Leaves.Count).Select(program.Values)];
        Dual.Begin();
        Naive expected = program.Run([.. values.Select((v, i) => Naive.Leaf(program.Leaves[i], v, -1))]);
        if (Dual.Doubtful || !(Dual.Largest < TooLarge)) return false;
        double[] seed = [.. new RandomSource((ulong)program.Seed + 7).Normal([expected.Elements.Count]).ToArray().Select(v => (double)v)];

        // Twice: on buffers of the garbage collector, and on used ones of the pool, in which an element nobody wrote shows.
        Answer(program, values, seed, out float[] output, out float[][] gradients);
        using (MemoryScope.Open()) Answer(program, values, seed, out _, out _);
        using (MemoryScope.Open())
        {
            Answer(program, values, seed, out float[] again, out float[][] gradientsAgain);
            Assert.Equal(output, again);
            Assert.Equal(gradients, gradientsAgain);
        }

        Equal("value", output, [.. expected.Elements.Select(e => e.V)], Dual.Largest);
        for (int leaf = 0; leaf < values.Length; leaf++)
        {
            double[] slopes = new double[values[leaf].Length];
            double largest = 1;
            for (int element = 0; element < slopes.Length; element++)
            {
                Dual.Begin();
                Naive moved = program.Run([.. values.Select((v, i) => Naive.Leaf(program.Leaves[i], v, i == leaf ? element : -1))]);
                largest = Math.Max(largest, Dual.Largest);
                for (int i = 0; i < seed.Length; i++) slopes[element] += seed[i] * moved.Elements[i].D;
            }
            if (largest > TooLarge) return false;
            Equal($"gradient of v{leaf}", gradients[leaf], slopes, largest * Math.Sqrt(1 + seed.Length));
        }
        return true;
    }

    private static void Answer(GraphProgram program, float[][] values, double[] seed, out float[] output, out float[][] gradients)
    {
        Tensor[] leaves = [.. values.Select((v, i) => Tensor.From(v, Shape.Create(program.Leaves[i])).Watch())];
        Tensor root = program.Run(leaves);
        Gradients found = Autograd.Backward(root, Tensor.From([.. seed.Select(v => (float)v)], root.Shape), leaves);
        output = root.ToArray();
        gradients = [.. leaves.Select((_, i) => found[i].ToArray())];
    }

    private static void Equal(string what, float[] actual, double[] expected, double scale)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < actual.Length; i++)
        {
            if (Math.Abs(actual[i] - expected[i]) <= 5e-5 * (1 + scale)) continue;
            Assert.Fail($"{what}, element {i}: {actual[i]}, the reference gives {expected[i]} (scale {scale:0.0})");
        }
    }

    private static Arbitrary<GraphProgram> Programs()
    {
        Gen<int> number = Gen.Choose(0, 10_000);
        // Mostly small, sometimes one, now and then none.
        Gen<int> extent = Gen.Frequency((1, Gen.Constant(0)), (4, Gen.Constant(1)), (12, Gen.Choose(2, 4)));
        Gen<int[]> root = from rank in Gen.Choose(0, 4) from dims in extent.ArrayOf(rank) select dims;
        // Leaves are one shape with axes left out in front or shrunk to one, so that they broadcast.
        Gen<int[][]> leaves =
            from dims in root
            from cuts in Gen.Choose(0, 2).ArrayOf(3)
            from masks in Gen.Choose(0, 15).ArrayOf(3)
            select (int[][])[dims, Like(dims, masks[1], cuts[1]), Like(dims, masks[2], cuts[2])];
        Gen<Instruction> instruction =
            from kind in Gen.Choose(0, Operators.Kinds - 1)
            from n in number.ArrayOf(4)
            select new Instruction(kind, n[0], n[1], n[2], n[3]);
        Gen<GraphProgram> program =
            from l in leaves
            from steps in Gen.Sized(size => Gen.Choose(1, 1 + size).SelectMany(count => instruction.ArrayOf(count)))
            from seed in number
            select new GraphProgram(l, steps, seed);
        return Arb.From(program.Where(p => p.Steps > 0), Smaller);
    }

    private static int[] Like(int[] dims, int mask, int cut) => [.. dims.Select((d, k) => (mask >> k) % 4 == 0 ? 1 : d).Skip(cut)];

    private static IEnumerable<GraphProgram> Smaller(GraphProgram p)
    {
        for (int i = p.Instructions.Count - 1; i >= 0; i--)
        {
            yield return new GraphProgram(p.Leaves, [.. p.Instructions.Take(i), .. p.Instructions.Skip(i + 1)], p.Seed);
        }
        for (int leaf = 0; leaf < p.Leaves.Count; leaf++)
        {
            for (int axis = 0; axis < p.Leaves[leaf].Length; axis++)
            {
                if (p.Leaves[leaf][axis] <= 1) continue;
                yield return new GraphProgram([.. p.Leaves.Select((l, i) => i == leaf ? Naive.Set(l, axis, l[axis] - 1) : l)], p.Instructions, p.Seed);
            }
        }
    }
}
