using System.Text.Json;
using Vitrine.Models;
using Vitrine.Ops;

namespace Vitrine.Insight.Tests;

/// <summary>LeNet-5 with the weights of the golden network, against what Captum answers.</summary>
public sealed class LeNetGoldenTests
{
    private const int GoldenTarget = 1;

    // Activations have a test of their own; the others are no methods of this kind.
    private static readonly string[] NotHere = ["layer_activation", "occlusion", "feature_ablation", "shapley_values", "fgsm", "pgd"];
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "goldens");
    private static readonly IReadOnlyDictionary<string, Tensor> Golden = SafeTensors.Load(Path.Combine(Folder, "lenet.golden.safetensors"), out Metadata);
    private static readonly IReadOnlyDictionary<string, string> Metadata;

    public static TheoryData<string> Cases()
    {
        using JsonDocument methods = JsonDocument.Parse(Metadata["methods"]);
        var cases = new TheoryData<string>();
        foreach (JsonProperty method in methods.RootElement.EnumerateObject())
        {
            if (!NotHere.Contains(method.Name.Split(':')[0]) && method.Name != Tied) cases.Add(method.Name);
        }
        return cases;
    }

    // One of its points is the picture of zeros, where every window of pool2 holds four equal numbers. Here the first wins; in PyTorch rounding has made one of
    // them larger, and that one's share moves.
    private const string Tied = "neuron_conductance:relu3";

    [Fact]
    public void OutputEqualsGolden() => AssertClose(Golden["output"], Net().Predict(Golden["input"]), 1e-4f);

    [Fact]
    public void ActivationsEqualGolden()
    {
        var activations = Network.Activations(Net(), Golden["input"]).ToDictionary(a => a.Key, a => a.Value, StringComparer.Ordinal);
        foreach (string layer in new[] { "pool1", "relu2", "relu3" }) AssertClose(Golden[$"layer_activation:{layer}"], activations[layer], 1e-4f);
    }

    [Fact]
    public void AllButTheTiedPointEqualsCaptum()
    {
        // Both examples start from the picture of zeros and share the gradient there, whatever decided the ties: what is left of the golden without that point
        // is the way times the same tensor for both.
        Quadrature others = Quadrature.Of("without the first", n => [.. CaptumTrapezoid.Points(n).Skip(1)]);
        Tensor rest = new NeuronConductance(new Place("relu3", 1), 20, others).Explain(Net(), Input, Target.Class(GoldenTarget)).Values;
        Tensor left = Golden[Tied] - rest;
        (Tensor first, Tensor second) = (left.Slice(0, 0, 1) * Input.Slice(0, 1, 2), left.Slice(0, 1, 2) * Input.Slice(0, 0, 1));
        Assert.True((first - second).Abs().Max([]).Item() <= 1e-3f * Golden[Tied].Abs().Max([]).Item() * Input.Abs().Max([]).Item());
        // The point weighs one half of a twentieth, so the tie is no small matter.
        Assert.True(left.Abs().Max([]).Item() > 1e-2f * Golden[Tied].Abs().Max([]).Item());
    }

    [Fact]
    public void AttacksEqualCaptum()
    {
        // Captum leaves what has a gradient under 1e-6 as it is.
        const float threshold = 1e-6f;
        AssertClose(Golden["fgsm"], new Fgsm(0.1f, threshold: threshold).Perturb(Net(), Input, [GoldenTarget, GoldenTarget]), 1e-3f);
        AssertClose(Golden["pgd"], new Pgd(0.1f, 0.03f, 5, threshold: threshold).Perturb(Net(), Input, [GoldenTarget, GoldenTarget]), 1e-3f);
    }

    [Fact]
    public void CompositesEqualZennit()
    {
        IReadOnlyDictionary<string, Tensor> golden = SafeTensors.Load(Path.Combine(Folder, "lenet.lrp.golden.safetensors"));
        LrpComposite box = LrpComposite.EpsilonGammaBox(Tensor.Scalar(-3), Tensor.Scalar(3));
        (string Name, LrpComposite Composite)[] all =
        [
            ("lrp_epsilon_plus", LrpComposite.EpsilonPlus), ("lrp_epsilon_plus_flat", LrpComposite.EpsilonPlusFlat),
            ("lrp_epsilon_alpha2_beta1", LrpComposite.EpsilonAlpha2Beta1), ("lrp_epsilon_alpha2_beta1_flat", LrpComposite.EpsilonAlpha2Beta1Flat),
            ("lrp_epsilon_gamma_box", box), ("excitation_backprop", LrpComposite.ExcitationBackprop),
        ];
        foreach ((string name, LrpComposite composite) in all)
        {
            Attribution found = new Lrp(composite).Explain(Net(), golden["input"], Target.Class(GoldenTarget));
            // The goldens start from a relevance of 1; what is passed on is in proportion to what it starts from.
            AssertClose(golden[name], found.Values / found.Score.Reshape(-1, 1, 1, 1), 1e-3f);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void AttributionEqualsCaptum(string name)
    {
        string method = name.Split(':')[0];
        using JsonDocument methods = JsonDocument.Parse(Metadata["methods"]);
        JsonElement options = methods.RootElement.GetProperty(name);
        string? layer = options.TryGetProperty("layer", out JsonElement l) ? l.GetString() : null;
        int[]? neuron = options.TryGetProperty("neuron", out JsonElement n) ? [.. n.EnumerateArray().Select(c => c.GetInt32())] : null;
        Baseline baseline = options.TryGetProperty("baseline", out JsonElement b) && b.GetString() == "baseline"
            ? Baseline.Of(Golden["baseline"])
            : Baseline.Zeros;
        int steps = options.TryGetProperty("n_steps", out JsonElement count) ? count.GetInt32() : 0;
        IAttribution attribution = method switch
        {
            "gradient" or "neuron_gradient" => new Gradient(),
            "input_x_gradient" or "layer_gradient_x_activation" => new InputXGradient(),
            "guided_backprop" or "neuron_guided_backprop" => new GuidedBackprop(),
            "deconvolution" => new Deconvnet(),
            "integrated_gradients" or "neuron_integrated_gradients" => new IntegratedGradients(steps, baselines: [baseline]),
            "integrated_gradients_trapezoid" => new IntegratedGradients(steps, CaptumTrapezoid, baselines: [baseline]),
            "layer_conductance" => new Conductance(steps, baseline: baseline),
            "internal_influence" => new InternalInfluence(steps, baseline: baseline),
            "neuron_conductance" => new NeuronConductance(new Place(layer, neuron!), steps, CaptumTrapezoid, baseline), // its default
            "deeplift_rescale" or "deeplift_rescale_baseline" => new DeepLift(baseline, rules: CaptumMaximum),
            "deeplift_shap" => new DeepShap(Golden["baselines"], CaptumMaximum),
            "lrp_epsilon" => new Lrp(),
            "lrp_gamma" => new Lrp(LrpComposite.All("gamma as Captum's", LrpRules.Rho(static w => w + w.Relu() * 0.25f, 1e-9f))),
            "lrp_alpha1_beta0" => new Lrp(LrpComposite.All("alpha 1, beta 0 as Captum's", LrpRules.Rho(static w => w.Relu(), 1e-9f))),
            "grad_cam" => new GradCam(layer, relu: false),
            "guided_grad_cam" => new GuidedGradCam(layer, Interpolation.Nearest),
            _ => throw new NotSupportedException(method),
        };
        Target target = neuron is null || method == "neuron_conductance" ? Target.Class(GoldenTarget) : Target.Neuron(layer!, neuron);
        bool atInput = neuron is not null || method == "guided_grad_cam";
        Attribution found = attribution.Explain(Net(), Golden["input"], target, atInput ? null : layer);
        AssertClose(Golden[name], found.Values, 1e-3f);
    }

    /// <summary>Captum's trapezoid has n points and the weights of n intervals, where there are n - 1: they add up to (n - 1) / n.</summary>
    private static Quadrature CaptumTrapezoid { get; } = Quadrature.Of(
        "Captum's trapezoid", n => [.. Enumerable.Range(0, n).Select(i => (i / (n - 1.0), (i == 0 || i == n - 1 ? 0.5 : 1) / n))]);

    /// <summary>
    /// Captum has a rule for max pooling, but a ReLU directly before it is shown what came back before the rule was applied (its hook on the tensor they share
    /// was there first), so that the pooling passes back plain gradients. The shares then do not add up; the library's own rule is tested by that they do.
    /// </summary>
    private static RuleSet CaptumMaximum { get; } = static node =>
        node.Op is MaxPool2dOp && node.Inputs[0].Source?.Op is ReluOp ? static (n, grad, input, _) => n.Op.Backward(n, grad, input) : null;

    internal static LeNet5 Net() => new(Weights.From(OnnxInitializers.Read(Path.Combine(Folder, "lenet.onnx"))));

    internal static Tensor Input => Golden["input"];

    internal static Tensor GoldenTensor(string name) => Golden[name];

    internal static void AssertClose(Tensor expected, Tensor actual, float relative)
    {
        Assert.Equal(expected.Shape, actual.Shape);
        float largest = expected.Abs().Max([]).Item(), worst = (expected - actual).Abs().Max([]).Item();
        Assert.True(worst <= relative * largest, $"The largest difference is {worst}, the largest value {largest}.");
    }
}
