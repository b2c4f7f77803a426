namespace Vitrine.Insight.Tests;

/// <summary>Perturbation methods on LeNet-5, against what Captum answers.</summary>
public sealed class PerturbationGoldenTests
{
    [Fact]
    public void OcclusionEqualsCaptum() => Compare("occlusion", new Occlusion([1, 5, 5], [1, 3, 3]));

    [Fact]
    public void FeatureAblationEqualsCaptum() => Compare("feature_ablation", new FeatureAblation(Segments, Given));

    [Fact]
    public void ShapleyValuesEqualCaptum() => Compare("shapley_values", new ShapleyValues(Segments, Given));

    [Fact]
    public void KernelShapOfAllCoalitionsEqualsCaptumsShapleyValues() => Compare("shapley_values", new KernelShap(Segments, Given));

    private static Features Segments => Features.Of(LeNetGoldenTests.GoldenTensor("segments"));

    private static Baseline Given => Baseline.Of(LeNetGoldenTests.GoldenTensor("baseline"));

    private static void Compare(string name, IAttribution method)
    {
        Attribution found = method.Explain(LeNetGoldenTests.Net(), LeNetGoldenTests.Input, Target.Class(1));
        LeNetGoldenTests.AssertClose(LeNetGoldenTests.GoldenTensor(name), found.Values, 1e-3f);
    }
}
