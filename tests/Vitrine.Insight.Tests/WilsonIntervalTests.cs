namespace Vitrine.Insight.Tests;

public sealed class WilsonIntervalTests
{
    [Theory]
    [InlineData(0, 1)]
    [InlineData(3, 10)]
    [InlineData(17, 120)]
    [InlineData(113, 120)]
    [InlineData(500, 500)]
    public void At_both_ends_the_count_is_critically_far_from_what_is_expected(int right, int count)
    {
        var interval = WilsonInterval.Of(right, count);
        Assert.InRange(right / (double)count, interval.Low, interval.High);
        Assert.InRange(interval.Low, 0, 1);
        Assert.InRange(interval.High, 0, 1);
        // The definition: the score test just fails to refuse the share at each end that is not the end of all shares.
        foreach (double end in new[] { interval.Low, interval.High }.Where(e => e is > 0 and < 1))
            Assert.Equal(1.959963984540054, Math.Abs(right / (double)count - end) / Math.Sqrt(end * (1 - end) / count), 1e-9);
        Assert.Equal(right == 0, interval.Low == 0);
        Assert.Equal(right == count, interval.High == 1);
    }

    [Fact]
    public void It_is_the_same_for_wrong_answers_turned_round_and_narrows_with_the_root_of_the_count()
    {
        WilsonInterval right = WilsonInterval.Of(8, 10), wrong = WilsonInterval.Of(2, 10);
        Assert.Equal(right.Low, 1 - wrong.High, 1e-15);
        Assert.Equal(right.High, 1 - wrong.Low, 1e-15);
        WilsonInterval some = WilsonInterval.Of(8_000, 10_000), many = WilsonInterval.Of(800_000, 1_000_000);
        Assert.Equal(10, (some.High - some.Low) / (many.High - many.Low), 0.01);
    }

    [Fact]
    public void It_holds_the_true_share_about_as_often_as_it_says()
    {
        // Exactly, by the binomial distribution: the mean coverage over shares is within a percentage point of 95.
        const int count = 50;
        double covered = 0;
        int shares = 0;
        for (double share = 0.05; share <= 0.95; share += 0.005, shares++)
        {
            double p = Math.Pow(1 - share, count);
            for (int right = 0; right <= count; right++)
            {
                var interval = WilsonInterval.Of(right, count);
                if (interval.Low <= share && share <= interval.High) covered += p;
                p *= (count - right) / (right + 1.0) * share / (1 - share);
            }
        }
        Assert.InRange(covered / shares, 0.94, 0.96);
    }

    [Fact]
    public void What_is_no_count_is_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => WilsonInterval.Of(0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => WilsonInterval.Of(-1, 5));
        Assert.Throws<ArgumentOutOfRangeException>(() => WilsonInterval.Of(6, 5));
    }
}
