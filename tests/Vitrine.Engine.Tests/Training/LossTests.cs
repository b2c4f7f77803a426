namespace Vitrine.Engine.Tests.Training;

/// <summary>Losses against their definitions, number by number, and their three reductions.</summary>
public class LossTests
{
    private static readonly double[] X = [0.3, -1.2, 2.5, 0.7, -0.4, 1.1], Y = [0.1, -0.6, -1, 0.9, 2, 1.05], Label = [1, -1, -1, 1, 1, -1];
    private static readonly double[] P = [0.3, 0.8, 0.05, 0.6, 0.99, 0.4], Q = [0.5, 0, 1, 0.25, 0.9, 0.1], V = [0.5, 2, 1.5, 0.1, 3, 1];

    private static readonly Dictionary<string, (Func<LossReduction, Tensor> Loss, Func<int, double> Element)> Elementwise = new(StringComparer.Ordinal)
    {
        ["L1"] = (r => Loss.L1(T(X), T(Y), r), i => Math.Abs(X[i] - Y[i])),
        ["Mse"] = (r => Loss.Mse(T(X), T(Y), r), i => (X[i] - Y[i]) * (X[i] - Y[i])),
        ["Huber"] = (r => Loss.Huber(T(X), T(Y), 0.5f, r), i => HuberOf(X[i] - Y[i], 0.5)),
        ["SmoothL1"] = (r => Loss.SmoothL1(T(X), T(Y), 0.5f, r), i => HuberOf(X[i] - Y[i], 0.5) / 0.5),
        ["KlDiv"] = (r => Loss.KlDiv(T(P).Log(), T(Q), reduction: r), i => Q[i] == 0 ? 0 : Q[i] * (Math.Log(Q[i]) - Math.Log(P[i]))),
        ["KlDivLog"] = (r => Loss.KlDiv(T(P).Log(), T(P), logTarget: true, reduction: r), i => Math.Exp(P[i]) * (P[i] - Math.Log(P[i]))),
        ["Bce"] = (r => Loss.Bce(T(P), T(Q), reduction: r), i => -(Q[i] * Math.Log(P[i]) + (1 - Q[i]) * Math.Log(1 - P[i]))),
        ["BceWithLogits"] = (
            r => Loss.BceWithLogits(T(X), T(Q), positiveWeight: Tensor.Scalar(3), reduction: r),
            i => -(3 * Q[i] * Math.Log(Sigmoid(X[i])) + (1 - Q[i]) * Math.Log(1 - Sigmoid(X[i])))),
        ["PoissonNll"] = (r => Loss.PoissonNll(T(X), T(V), reduction: r), i => Math.Exp(X[i]) - V[i] * X[i]),
        ["PoissonNllRate"] = (
            r => Loss.PoissonNll(T(V), T(V), logInput: false, full: true, reduction: r),
            i => V[i] - V[i] * Math.Log(V[i]) + (V[i] > 1 ? V[i] * Math.Log(V[i]) - V[i] + 0.5 * Math.Log(2 * Math.PI * V[i]) : 0)),
        ["GaussianNll"] = (
            r => Loss.GaussianNll(T(X), T(Y), T(V), full: true, reduction: r),
            i => 0.5 * (Math.Log(V[i]) + (X[i] - Y[i]) * (X[i] - Y[i]) / V[i] + Math.Log(2 * Math.PI))),
        ["Hinge"] = (r => Loss.Hinge(T(X), T(Label), reduction: r), i => Math.Max(0, 1 - Label[i] * X[i])),
        ["HingeEmbedding"] = (r => Loss.HingeEmbedding(T(V), T(Label), reduction: r), i => Label[i] > 0 ? V[i] : Math.Max(0, 1 - V[i])),
        ["SoftMargin"] = (r => Loss.SoftMargin(T(X), T(Label), r), i => Math.Log(1 + Math.Exp(-Label[i] * X[i]))),
        ["MarginRanking"] = (r => Loss.MarginRanking(T(X), T(Y), T(Label), 0.5f, r), i => Math.Max(0, 0.5 - Label[i] * (X[i] - Y[i]))),
    };

    public static TheoryData<string> Names() => [.. Elementwise.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void IsItsDefinition(string name)
    {
        (Func<LossReduction, Tensor> loss, Func<int, double> element) = Elementwise[name];
        double[] expected = [.. Enumerable.Range(0, X.Length).Select(element)];
        float[] each = loss(LossReduction.None).ToArray();
        Assert.Equal(expected.Length, each.Length);
        for (int i = 0; i < each.Length; i++) Assert.Equal(expected[i], each[i], 1e-5);
        Assert.Equal(expected.Sum(), loss(LossReduction.Sum).Item(), 1e-4);
        Assert.Equal(expected.Average(), loss(LossReduction.Mean).Item(), 1e-5);
    }

    [Fact]
    public void MarginLossesOfVectors()
    {
        Tensor a = Tensor.From([1f, 2, 0, 1], [2, 2]), b = Tensor.From([0f, 2, 3, 1], [2, 2]), c = Tensor.From([1f, 1, 0, 5], [2, 2]);
        // Distances: a to b 1 and 3, a to c 1 and 4, b to c sqrt 2 and 5; epsilon moves them by a millionth.
        Near([1, 0], Loss.Triplet(a, b, c, reduction: LossReduction.None));
        Near([0.5, 9 * 0.5], Loss.Contrastive(a, b, Tensor.From([1f, 1], [2]), reduction: LossReduction.None));
        Near([0, 0.5], Loss.Contrastive(a, b, Tensor.From([0f, 0], [2]), margin: 4, reduction: LossReduction.None) - Tensor.From([4.5f, 0], [2]));
        // cos(a, b): 2/sqrt 5 and 1/sqrt 10.
        Near([1 - 2 / Math.Sqrt(5), 1 / Math.Sqrt(10) - 0.1], Loss.CosineEmbedding(a, b, Tensor.From([1f, -1], [2]), 0.1f, LossReduction.None));
        Near([2 / Math.Sqrt(5), 1 / Math.Sqrt(10)], a.CosineSimilarity(b));
        Near([0, 2], Loss.MultiMargin(a, Tensor.From([1L, 0], [2]), reduction: LossReduction.None) * 2f);

        static void Near(double[] expected, Tensor actual)
        {
            Assert.Equal(expected.Length, actual.Count);
            for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual.Floats[i], 1e-5);
        }
    }

    [Fact]
    public void CrossEntropyOfProbabilitiesAgreesWithThatOfClasses()
    {
        Tensor logits = Tensor.From([.. X.Select(x => (float)x)], [2, 3]), classes = Tensor.From([2L, 0], [2]), weight = Tensor.From([0.5f, 1, 2], [3]);
        Assert.Equal(
            Loss.CrossEntropy(logits, classes, labelSmoothing: 0.1f).Item(), Loss.SoftCrossEntropy(logits, classes.OneHot(3), labelSmoothing: 0.1f).Item(), 1e-6f);
        Assert.Equal(
            Loss.CrossEntropy(logits, classes, weight, reduction: LossReduction.Sum).Item(), Loss.SoftCrossEntropy(logits, classes.OneHot(3), weight, reduction: LossReduction.Sum).Item(), 1e-6f);
    }

    private static Tensor T(double[] values) => Tensor.From([.. values.Select(v => (float)v)], [values.Length]);

    private static double HuberOf(double d, double delta) => Math.Abs(d) <= delta ? d * d / 2 : delta * (Math.Abs(d) - delta / 2);

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
