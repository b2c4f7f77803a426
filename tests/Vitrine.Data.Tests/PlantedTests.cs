namespace Vitrine.Data.Tests;

/// <summary>What is planted is there, says what the class says, and nothing else does.</summary>
public sealed class PlantedTests
{
    [Fact]
    public void SetsAreBalancedReproducibleAndApart()
    {
        Func<int, MaskedSplit>[] generators =
            [seed => Tetrominoes.Generate(60, 60, seed), seed => PlantedWindows.Generate(60, 60, seed), seed => PlantedTokens.Generate(60, 60, seed), seed => SnowScenes.Generate(60, 60, seed)];
        foreach (Func<int, MaskedSplit> generate in generators)
        {
            MaskedSplit a = generate(3), b = generate(3), other = generate(4);
            Assert.Equal(a.Data.Train.Inputs.ToArray(), b.Data.Train.Inputs.ToArray());
            Assert.Equal(a.TestMasks.Bools, b.TestMasks.Bools);
            Assert.NotEqual(a.Data.Train.Inputs.ToArray(), other.Data.Train.Inputs.ToArray());
            Assert.NotEqual(a.Data.Train.Inputs.ToArray(), a.Data.Test.Inputs.ToArray());
            int classes = a.Data.Train.Classes.Count;
            Assert.All(Enumerable.Range(0, classes), k => Assert.Equal(60 / classes, a.Data.Train.Labels.Longs.ToArray().Count(label => label == k)));
        }
    }

    [Fact]
    public void OneTetrominoSaysNothingAndBothTheClass()
    {
        MaskedSplit set = Tetrominoes.Generate(2_000, 1);
        int[] upper = [9, 10, 11, 18], lower = [37, 45, 53, 54];
        int agree = 0, alone = 0;
        for (int i = 0; i < 2_000; i++)
        {
            float[] picture = set.Data.Train[i].Image.ToArray();
            float t = upper.Sum(p => picture[p]), l = lower.Sum(p => picture[p]);
            int label = set.Data.Train[i].Label;
            if (t * l > 0 == (label == 0)) agree++;
            if (t > 0 == (label == 0)) alone++;
        }
        Assert.True(agree > 1_960, $"{agree}");
        Assert.InRange(alone, 900, 1_100);
        Assert.Equal([.. upper, .. lower], Enumerable.Range(0, 64).Where(p => set.TrainMasks.Bools[p]));
    }

    [Fact]
    public void TheDecidingTokensAreWhereTheMaskSays()
    {
        MaskedSplit set = PlantedTokens.Generate(300, 1);
        ReadOnlySpan<float> tokens = set.Data.Train.Inputs.Floats;
        ReadOnlySpan<bool> mask = set.TrainMasks.Bools;
        for (int i = 0; i < 300; i++)
        {
            int label = set.Data.Train[i].Label;
            var planted = new List<float>();
            for (int t = 0; t < 16; t++)
            {
                float token = tokens[(i * 16) + t];
                if (mask[(i * 16) + t]) planted.Add(token);
                else Assert.InRange(token, 7, PlantedTokens.Vocabulary - 1);
            }
            Assert.Equal([1 + (2 * label), 2 + (2 * label)], planted.Order());
        }
    }

    [Fact]
    public void TheWindowHoldsThePattern()
    {
        MaskedSplit set = PlantedWindows.Generate(300, 1);
        double[] sums = new double[3], firstHalves = new double[3];
        for (int i = 0; i < 300; i++)
        {
            float[] series = set.Data.Train[i].Image.ToArray();
            int[] window = [.. Enumerable.Range(0, 64).Where(t => set.TrainMasks.Bools[(i * 64) + t])];
            Assert.Equal(Enumerable.Range(window[0], 12), window);
            sums[set.Data.Train[i].Label] += window.Sum(t => series[t]) / 100;
            firstHalves[set.Data.Train[i].Label] += window.Take(6).Sum(t => series[t]) / 100;
        }
        // A full wave sums to nothing, two humps to twice a half wave: 1.5 x 12 x 2 / pi.
        Assert.InRange(sums[0], -1.5, 1.5);
        Assert.InRange(sums[1], -1.5, 1.5);
        Assert.InRange(sums[2], 9.5, 13.5);
        Assert.True(firstHalves[0] > 4 && firstHalves[1] < -4);
    }

    [Fact]
    public void WolvesStandOnSnowExceptInFairScenes()
    {
        MaskedSplit set = SnowScenes.Generate(200, 1);
        Assert.Equal(200, Agree(set.Data.Train));
        Assert.InRange(Agree(SnowScenes.Fair(400)), 160, 240);
        // The lowest rows are ground unless the animal stands there; the highest row never is.
        Assert.True(set.TrainMasks.Bools[^32..].ToArray().Count(b => b) > 16);
        Assert.DoesNotContain(true, set.TrainMasks.Bools[..32].ToArray());

        static int Agree(Dataset scenes) => Enumerable.Range(0, scenes.Count).Count(i =>
        {
            float[] picture = scenes[i].Image.ToArray();
            bool snow = picture[(31 * 32)..1024].Average() > 0.6f; // red in the last row: grass has little
            return snow == (scenes[i].Label == 0);
        });
    }

    [Fact]
    public void SharesAreShapleysByHisFormula()
    {
        GaussianTable table = GaussianTable.Generate(20);
        for (int row = 0; row < 20; row++)
        {
            float[] x = table.Rows.ToArray()[(row * 6)..((row + 1) * 6)];
            Assert.Equal(Formula(x, 63), table.Values.Floats[row], 1e-5);
            for (int column = 0; column < 6; column++) Assert.Equal(Share(x, column), table.Shapley.Floats[(row * 6) + column], 1e-5);
        }

        static double Formula(float[] x, int present)
        {
            double[] z = [.. x.Select((v, i) => (present >> i & 1) == 1 ? v : 0.0)];
            return (2 * z[0]) - (1.5 * z[1]) + (z[2] * z[3]) + (0.5 * z[4] * z[4]);
        }

        static double Share(float[] x, int column)
        {
            double[] factorial = [1, 1, 2, 6, 24, 120, 720];
            double share = 0;
            for (int s = 0; s < 64; s++)
            {
                if ((s >> column & 1) == 1) continue;
                int size = System.Numerics.BitOperations.PopCount((uint)s);
                share += factorial[size] * factorial[5 - size] / factorial[6] * (Formula(x, s | 1 << column) - Formula(x, s));
            }
            return share;
        }
    }
}
