namespace Vitrine.Insight.Tests;

public sealed class CellSearchTests
{
    private const int Count = 400;

    [Fact]
    public void Area_under_the_curve_is_the_part_of_pairs_in_order()
    {
        var random = new RandomSource(1);
        // Coarse values, so that ties are common.
        float[] values = [.. Enumerable.Range(0, 60).Select(_ => (float)random.NextInt(8))];
        float[] labels = [.. Enumerable.Range(0, 60).Select(_ => (float)random.NextInt(2))];
        double pairs = 0, right = 0;
        for (int i = 0; i < values.Length; i++)
            for (int j = 0; j < values.Length; j++)
            {
                if (labels[i] <= labels[j]) continue;
                pairs++;
                right += values[i] > values[j] ? 1 : values[i].Equals(values[j]) ? 0.5 : 0;
            }
        UnitScore score = CellSearch.Score(3, 1, values, labels)!;
        Assert.Equal(3, score.Unit);
        Assert.Equal(right / pairs, score.Auc, 1e-6);
        Assert.Equal(1 - (right / pairs), CellSearch.Score(3, -1, values, labels)!.Auc, 1e-6);
        Assert.True(CellSearch.Score(3, 0, values, labels)!.Auc >= 0.5);
    }

    [Fact]
    public void Rank_correlation_is_that_of_ranks_and_a_graded_hypothesis_is_cut_at_its_median()
    {
        float[] values = [0.1f, 5, 2, 9, 7, 3], labels = [0, 4, 1, 3, 5, 2];
        // Spearman without ties: 1 - 6 sum d^2 / (n (n^2 - 1)); the ranks of the values are 0 3 1 5 4 2.
        double differences = Math.Pow(4 - 3, 2) + Math.Pow(3 - 5, 2) + Math.Pow(5 - 4, 2);
        UnitScore score = CellSearch.Score(0, 1, values, labels)!;
        Assert.Equal(1 - (6 * differences / (6 * 35)), score.Spearman, 1e-6);
        Assert.Equal(1, score.Auc, 1e-6); // 4, 3 and 5 lie above the median, and their values above all others
    }

    [Fact]
    public void A_unit_that_is_the_hypothesis_tells_all_there_is_to_tell()
    {
        float[] labels = [.. Enumerable.Range(0, 64).Select(i => (float)(i / 32))];
        UnitScore score = CellSearch.Score(0, 1, labels, labels)!;
        Assert.Equal(1, score.Information, 1e-9);
        Assert.Equal(1, score.Auc, 1e-6);
        // One that has nothing to do with it tells nothing: each of its values occurs as often on either side.
        Assert.Equal(0, CellSearch.Score(0, 1, [.. Enumerable.Range(0, 64).Select(i => (float)(i % 2))], labels)!.Information, 1e-9);
    }

    [Fact]
    public void The_search_finds_a_planted_unit_and_says_that_noise_is_noise()
    {
        var random = new RandomSource(2);
        float[] labels = new float[Count], values = new float[20 * Count];
        // Runs, as quotations are, that no shift brings onto one another.
        for (int i = 1; i < Count; i++) labels[i] = random.NextInt(15) == 0 ? 1 - labels[i - 1] : labels[i - 1];
        for (int i = 0; i < values.Length; i++) values[i] = random.NextNormal();
        for (int i = 0; i < Count; i++) values[(7 * Count) + i] = random.NextNormal() - (3 * labels[i]);
        Tensor all = Tensor.From(values, [20, Count]);
        float[] noise = [.. Enumerable.Range(0, Count).Select(_ => (float)random.NextInt(2))];
        IReadOnlyList<SearchResult?> found = CellSearch.Run(all, [labels, noise, new float[Count]], keep: 3, cancel: TestContext.Current.CancellationToken);

        Assert.Equal((7, -1), (found[0]!.Best[0].Unit, found[0]!.Best[0].Sign));
        Assert.True(found[0]!.Best[0].Auc > 0.95);
        Assert.Equal(3, found[0]!.Best.Count);
        Assert.Equal(0.01, found[0]!.P, 1e-9);
        Assert.Equal(labels.Average(), found[0]!.Share, 1e-6);
        // The best of twenty is above a half on noise too; the shifted hypotheses say by how much.
        Assert.True(found[1]!.Best[0].Auc > 0.5);
        Assert.True(found[1]!.P > 0.05);
        Assert.InRange(found[1]!.NullHigh, found[1]!.NullMedian, 0.65);
        Assert.Null(found[2]);
    }

    [Fact]
    public void A_search_is_the_same_whatever_the_number_of_units_searched_beside()
    {
        Tensor values = new RandomSource(3).Normal([9, Count]);
        float[] labels = [.. Enumerable.Range(0, Count).Select(i => (float)(i % 7 / 4))];
        UnitScore alone = CellSearch.Run(values.Slice(0, 4, 5), [labels], shifts: 0, cancel: TestContext.Current.CancellationToken)[0]!.Best[0];
        UnitScore beside = CellSearch.Run(values, [labels], keep: 9, shifts: 0, cancel: TestContext.Current.CancellationToken)[0]!.Best.First(b => b.Unit == 4);
        Assert.Equal(alone with { Unit = 4 }, beside);
    }

    [Fact]
    public void Examples_are_the_extremes_and_keep_apart()
    {
        float[] values = [0, 5, 4.9f, 1, -3, 2, 4, -4];
        Assert.Equal([1, 6, 3], TopWindows.Of(values, 3, 2));
        Assert.Equal([7, 4], TopWindows.Of(values, 2, 2, lowest: true));
    }
}
