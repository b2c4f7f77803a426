namespace Vitrine.Insight.Tests;

public sealed class PairedTestTests
{
    /// <summary>With one and two degrees of freedom Student's distribution is a formula: arctangent and a root.</summary>
    [Theory]
    [InlineData(0.2)]
    [InlineData(1.0)]
    [InlineData(4.5)]
    public void The_probability_is_that_of_the_closed_forms(double t)
    {
        // Two differences with mean m and standard error e have t = m / e with one degree of freedom: m = t, e = 1 for t - 1 and t + 1.
        Assert.Equal(1 - 2 / Math.PI * Math.Atan(t), PairedTest.Of([t - 1, t + 1]).P, 10);
        // Three, two degrees: t - c, t, t + c have the standard error c / sqrt 3.
        double c = Math.Sqrt(3);
        Assert.Equal(1 - t / Math.Sqrt(2 + t * t), PairedTest.Of([t - c, t, t + c]).P, 10);
    }

    [Fact]
    public void An_interval_ends_where_its_end_would_just_be_significant()
    {
        double[] differences = [0.4, 1.1, -0.3, 0.9, 0.6];
        foreach (double confidence in new[] { 0.5, 0.95, 0.9999 })
        {
            PairedTest test = PairedTest.Of(differences, confidence);
            Assert.Equal(1 - confidence, PairedTest.Of([.. differences.Select(d => d - test.Low)]).P, 9);
            Assert.Equal(1 - confidence, PairedTest.Of([.. differences.Select(d => d - test.High)]).P, 9);
        }
        // The 0.975 quantile for four degrees of freedom, from the tables.
        PairedTest five = PairedTest.Of(differences);
        double error = Math.Sqrt(differences.Sum(d => (d - 0.54) * (d - 0.54)) / 4 / 5);
        Assert.Equal(0.54 + (2.7764451 * error), five.High, 6);
    }

    [Fact]
    public void The_interval_holds_the_true_mean_as_often_as_it_says()
    {
        var random = new RandomSource(7);
        int held = 0;
        const int trials = 4_000;
        for (int i = 0; i < trials; i++)
        {
            PairedTest test = PairedTest.Of([.. Enumerable.Range(0, 5).Select(_ => 0.3 + random.NextNormal())], 0.9);
            held += test.Low <= 0.3 && 0.3 <= test.High ? 1 : 0;
        }
        Assert.InRange(held / (double)trials, 0.9 - 0.02, 0.9 + 0.02); // four standard errors
    }

    [Fact]
    public void Signs_are_counted_as_coins()
    {
        Assert.Equal(2.0 / 32, PairedTest.Of([1, 2, 3, 4, 5]).SignP, 12);
        Assert.Equal(2.0 * (1 + 5) / 32, PairedTest.Of([1, 2, 3, 4, -5]).SignP, 12);
        Assert.Equal(2.0 / 8, PairedTest.Of([-1, -1, 0, 0, -2]).SignP, 12); // ties say nothing
        Assert.Equal(1, PairedTest.Of([1, -1, 2, -2]).SignP, 12);
        PairedTest test = PairedTest.Of([3, -1, 0, 2]);
        Assert.Equal((2, 1, 4), (test.Above, test.Below, test.Count));
    }

    [Fact]
    public void What_has_no_spread_or_no_pair_is_no_surprise()
    {
        Assert.Equal(1, PairedTest.Of([0, 0, 0]).P);
        Assert.Equal(0, PairedTest.Of([0.5, 0.5, 0.5]).P);
        PairedTest one = PairedTest.Of([0.5]);
        Assert.Equal((1, double.NegativeInfinity, double.PositiveInfinity), (one.P, one.Low, one.High));
        Assert.Throws<ArgumentException>(() => PairedTest.Of([]));
        Assert.Throws<ArgumentException>(() => PairedTest.Of([1, double.NaN]));
        Assert.Throws<ArgumentOutOfRangeException>(() => PairedTest.Of([1, 2], 1));
    }

    [Fact]
    public void Holm_steps_down()
    {
        // Smallest times three, then times two, then as it is; never below the one before.
        double[] expected = [0.03, 0.06, 0.06];
        IReadOnlyList<double> adjusted = PairedTest.Holm([0.01, 0.04, 0.03]);
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], adjusted[i], 12);
        Assert.Equal([1, 1], PairedTest.Holm([0.9, 0.6]));
        Assert.Empty(PairedTest.Holm([]));
    }

    [Fact]
    public void Holm_keeps_false_alarms_rare()
    {
        var random = new RandomSource(11);
        int alarms = 0;
        const int trials = 2_000;
        for (int i = 0; i < trials; i++)
        {
            IReadOnlyList<double> p = PairedTest.Holm(
                [.. Enumerable.Range(0, 7).Select(_ => PairedTest.Of([.. Enumerable.Range(0, 5).Select(_ => (double)random.NextNormal())]).P)]);
            alarms += p.Any(v => v < 0.05) ? 1 : 0;
        }
        Assert.InRange(alarms / (double)trials, 0.03, 0.07); // 0.0489 in theory; four standard errors
    }
}
