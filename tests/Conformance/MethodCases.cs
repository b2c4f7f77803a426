using System.Text.Json;
using Vitrine.Insight;
using Vitrine.Ops;

namespace Vitrine.Conformance;

/// <summary>
/// From a golden tensor's name and its entry in the file's <c>methods</c> to the same tensor computed here. The part of a name before the colon is the method, the entry its
/// parameters; <c>onnx_value</c> names the value of the graph that a layer question is about. To add a method: write its line in <see cref="Compute"/> and take its
/// name out of <see cref="Missing"/>.
/// </summary>
internal static class MethodCases
{
    private const string NotWritten = "Vitrine has no such method yet";
    private const string Tokens = "the network reads tokens, and explanations take floats yet";

    /// <summary>Methods that Vitrine does not have yet, each with the reason. One that is neither here nor computed fails.</summary>
    private static readonly Dictionary<string, string> Missing = new(StringComparer.Ordinal)
    {
    };

    /// <summary>Why a tensor cannot be computed yet, or null.</summary>
    public static string? NotYet(NetCase net, string name) =>
        Missing.TryGetValue(MethodOf(name), out string? reason) ? reason : net.Input.DType != DType.Float32 && MethodOf(name) != "layer_activation" ? Tokens : null;

    /// <summary>The tensor of a name, computed by Vitrine.</summary>
    public static Tensor Compute(NetCase net, string name)
    {
        if (!net.Methods.TryGetProperty(name, out JsonElement options)) throw new MalformedCaseException($"the metadata has no methods.{name}");
        string? layer = options.TryGetProperty("onnx_value", out JsonElement value) ? value.GetString() : null;
        Target target = Target.Classes(net.Classes);
        return MethodOf(name) switch
        {
            "gradient" => Explain(new Gradient(), target, null),
            "input_x_gradient" => Explain(new InputXGradient(), target, null),
            "guided_backprop" => Explain(new GuidedBackprop(), target, null),
            "deconvolution" => Explain(new Deconvnet(), target, null),
            "occlusion" => Explain(new Occlusion(Numbers("window"), Numbers("stride"), Start()), target, null),
            "feature_ablation" => Explain(new FeatureAblation(FeaturesOf(), Start()), target, null),
            "shapley_values" => Explain(new ShapleyValues(FeaturesOf(), Start()), target, null),
            "layer_activation" => Activation(),
            "layer_gradient_x_activation" => Explain(new InputXGradient(), target, layer),
            "neuron_gradient" => Explain(new Gradient(), Neuron(), null),
            "neuron_guided_backprop" => Explain(new GuidedBackprop(), Neuron(), null),
            "integrated_gradients" => Explain(new IntegratedGradients(Steps(), baselines: [Start()]), target, null),
            "integrated_gradients_trapezoid" => Explain(new IntegratedGradients(Steps(), CaptumTrapezoid, baselines: [Start()]), target, null),
            "layer_integrated_gradients" => Explain(new IntegratedGradients(Steps(), baselines: [Start()]), target, layer),
            "neuron_integrated_gradients" => Explain(new IntegratedGradients(Steps(), baselines: [Start()]), Neuron(), null),
            "layer_conductance" => Explain(new Conductance(Steps(), baseline: Start()), target, layer),
            "internal_influence" => Explain(new InternalInfluence(Steps(), baseline: Start()), target, layer),
            "neuron_conductance" => Explain(new NeuronConductance(new Place(layer, Numbers("neuron")), Steps(), CaptumTrapezoid, Start()), target, null), // Captum's default rule
            "grad_cam" => Explain(new GradCam(layer, relu: options.GetProperty("relu").GetBoolean()), target, layer),
            "guided_grad_cam" => Explain(new GuidedGradCam(layer, Interpolation.Nearest), target, null),
            "deeplift_rescale" or "deeplift_rescale_baseline" => Explain(new DeepLift(Start(), rules: CaptumMaximum), target, null),
            "layer_deeplift" => Explain(new DeepLift(Start(), rules: CaptumMaximum), target, layer),
            "deeplift_shap" => Explain(new DeepShap(net["baselines"], CaptumMaximum), target, null),
            "lrp_epsilon" => Explain(new Lrp(), target, null),
            "lrp_gamma" => Explain(new Lrp(LrpComposite.All("gamma as Captum's", LrpRules.Rho(static w => w + w.Relu() * 0.25f, CaptumEpsilon))), target, null),
            "lrp_alpha1_beta0" => Explain(new Lrp(LrpComposite.All("alpha 1, beta 0 as Captum's", LrpRules.Rho(static w => w.Relu(), CaptumEpsilon))), target, null),
            "lrp_epsilon_plus" => FromOne(LrpComposite.EpsilonPlus),
            "lrp_epsilon_plus_flat" => FromOne(LrpComposite.EpsilonPlusFlat),
            "lrp_epsilon_alpha2_beta1" => FromOne(LrpComposite.EpsilonAlpha2Beta1),
            "lrp_epsilon_alpha2_beta1_flat" => FromOne(LrpComposite.EpsilonAlpha2Beta1Flat),
            "lrp_epsilon_gamma_box" => FromOne(LrpComposite.EpsilonGammaBox(Tensor.Scalar(Number("low")), Tensor.Scalar(Number("high")), Number("gamma"))),
            "excitation_backprop" => FromOne(LrpComposite.ExcitationBackprop),
            "fgsm" => new Fgsm(Number("epsilon"), threshold: CaptumThreshold).Perturb(net.Model, net.Input, Labels()),
            "pgd" => new Pgd(Number("radius"), Number("step_size"), options.GetProperty("steps").GetInt32(), threshold: CaptumThreshold).Perturb(net.Model, net.Input, Labels()),
            string method => throw new MalformedCaseException($"the method {method} is neither computed nor on the list of those that are missing"),
        };

        Tensor Explain(IAttribution method, Target what, string? wrt) => method.Explain(net.Model, net.Input, what, wrt).Values;

        // The goldens start from a relevance of 1, here it is the score; what arrives is in proportion.
        Tensor FromOne(LrpComposite composite)
        {
            Attribution found = new Lrp(composite).Explain(net.Model, net.Input, target);
            return found.Values / found.Score.Reshape(Shape.Create([.. Enumerable.Repeat(1, net.Input.Rank)]).With(0, net.Input.Shape[0]));
        }

        Target Neuron() => Target.Neuron(layer!, Numbers("neuron"));

        int[] Numbers(string option) => [.. options.GetProperty(option).EnumerateArray().Select(i => i.GetInt32())];

        int Steps() => options.GetProperty("n_steps").GetInt32();

        float Number(string key) => options.GetProperty(key).GetSingle();

        int[] Labels() => [.. Enumerable.Repeat(options.GetProperty("label").GetInt32(), net.Input.Shape[0])];

        Baseline Start() => options.GetProperty("baseline").GetString() switch
        {
            "zeros" or "token 0" => Baseline.Zeros,
            "baseline" => Baseline.Of(net["baseline"]),
            string other => throw new MalformedCaseException($"there is no baseline {other}"),
            null => throw new MalformedCaseException("the baseline is null"),
        };

        Features FeaturesOf() => options.GetProperty("features").GetString() is { } given && given != "each input" ? Features.Of(net[given]) : Features.Each;

        Tensor Activation()
        {
            var run = new Run(fused: false).Tap(layer!);
            net.Model.Call(run, net.Input);
            return run.Taps[layer!];
        }
    }

    // Captum's default stabilizer, and the size under which its attacks take a gradient for zero.
    private const float CaptumEpsilon = 1e-9f;
    private const float CaptumThreshold = 1e-6f;

    /// <summary>Captum's trapezoid has n points and the weights of n intervals, where there are n - 1: they add up to (n - 1) / n.</summary>
    private static Quadrature CaptumTrapezoid { get; } = Quadrature.Of(
        "Captum's trapezoid", n => [.. Enumerable.Range(0, n).Select(i => (i / (n - 1.0), (i == 0 || i == n - 1 ? 0.5 : 1) / n))]);

    /// <summary>
    /// Captum has a rule for max pooling, but a ReLU directly before it is shown what came back before the rule was applied (its hook on the tensor they share was there
    /// first), so that the pooling passes back plain gradients. The shares then do not add up; that Vitrine's own rule's do is tested beside it.
    /// </summary>
    private static RuleSet CaptumMaximum { get; } = static node =>
        node.Op is MaxPool2dOp && node.Inputs[0].Source?.Op is ReluOp ? static (n, grad, input, _) => n.Op.Backward(n, grad, input) : null;

    private static string MethodOf(string name) => name.Split(':')[0];
}
