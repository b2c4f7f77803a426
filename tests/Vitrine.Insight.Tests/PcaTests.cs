namespace Vitrine.Insight.Tests;

public sealed class PcaTests
{
    // scikit-learn 1.2.1, PCA(3, svd_solver="full") of ProjectionData.Formula in double precision.
    [Fact]
    public void EqualsScikitLearn()
    {
        Pca pca = Pca.Fit(ProjectionData.Formula().Points, 3);
        double[] variance = [39.9494256572025, 23.311602100490372, 13.127338438613888], ratio = [0.4937910289479304, 0.28814081299690836, 0.16225920268724062];
        float[] components =
        [
            0.2052865f, 0.2232564f, -0.3311505f, -0.3146919f, -0.2743969f, -0.4730859f, 0.6326282f,
            -0.1091797f, 0.1238833f, 0.1599536f, 0.4264898f, 0.4940801f, 0.2395186f, 0.6810064f,
            0.2422355f, 0.0092821f, -0.3725235f, 0.2893047f, 0.5825494f, -0.5446835f, -0.2876125f,
        ];
        for (int k = 0; k < 3; k++)
        {
            Assert.Equal(variance[k], pca.ExplainedVariance[k], 1e-4 * variance[k]);
            Assert.Equal(ratio[k], pca.ExplainedVarianceRatio[k], 1e-5);
        }
        for (int i = 0; i < components.Length; i++)
        {
            // The signs are this project's own rule: the element of largest magnitude is positive.
            float sign = i / 7 == 2 ? Math.Sign(pca.Components.Floats[14] * components[14]) : 1;
            Assert.Equal(components[i] * sign, pca.Components.Floats[i], 1e-4f);
        }
    }

    [Theory]
    [InlineData(200, 30)]
    [InlineData(30, 200)]
    public void ComponentsAreOrthonormalAndVariancesThoseOfTheProjection(int n, int d)
    {
        (Tensor points, _) = ProjectionData.Blobs(n, d, 5);
        Pca pca = Pca.Fit(points, 6);
        Tensor products = pca.Components.Linear(pca.Components), projected = pca.Project(points);
        for (int k = 0; k < 6; k++)
        {
            for (int l = 0; l < 6; l++) Assert.Equal(k == l ? 1 : 0, products[k, l], 1e-5f);
            double sum = 0, squares = 0;
            for (int i = 0; i < n; i++) (sum, squares) = (sum + projected[i, k], squares + Math.Pow(projected[i, k], 2));
            Assert.Equal(0, sum / n, 1e-3);
            Assert.Equal(squares / (n - 1), pca.ExplainedVariance[k], 1e-4 * pca.ExplainedVariance[0]);
            float[] row = pca.Components.Slice(0, k, k + 1).ToArray();
            Assert.True(row.MaxBy(Math.Abs) > 0);
        }
    }

    [Fact]
    public void AllComponentsExplainAllVariance()
    {
        (Tensor points, _) = ProjectionData.Blobs(50, 8, 3);
        Assert.Equal(1, Pca.Fit(points, 8).ExplainedVarianceRatio.Sum(), 1e-5);
    }

    [Fact]
    public void RandomisedEqualsExactWhereClustersStandOut()
    {
        (Tensor points, _) = ProjectionData.Blobs(300, 120, 6);
        Pca exact = Pca.Fit(points, 4, exact: true), random = Pca.Fit(points, 4, exact: false);
        for (int k = 0; k < 4; k++) Assert.Equal(exact.ExplainedVariance[k], random.ExplainedVariance[k], 1e-3 * exact.ExplainedVariance[k]);
        Assert.True(ProjectionData.Error(random.Components, exact.Components) < 1e-2);
    }

    [Fact]
    public void EqualPointsHaveNoVariance()
    {
        Pca pca = Pca.Fit(Tensor.Ones([5, 9]), 3);
        Assert.All(pca.ExplainedVariance, v => Assert.Equal(0, v));
        Assert.All(pca.Components.ToArray(), v => Assert.True(float.IsFinite(v)));
    }

    [Fact]
    public void BadInputIsNamed()
    {
        Assert.Contains("1 to 3", Assert.Throws<ArgumentException>(() => Pca.Fit(Tensor.Ones([5, 3]), 4)).Message, StringComparison.Ordinal);
        var row = Assert.Throws<ArgumentException>(() => Pca.Fit(Tensor.From([1, 2, float.NaN, 4], [2, 2]), 1));
        Assert.Contains("Row 1", row.Message, StringComparison.Ordinal);
        var width = Assert.Throws<ArgumentException>(() => Pca.Fit(Tensor.Ones([5, 3]), 1).Project(Tensor.Ones([2, 9])));
        Assert.Contains("9", width.Message, StringComparison.Ordinal);
    }
}
