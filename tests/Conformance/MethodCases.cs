using System.Text.Json;
using Vitrine.Insight;
using Vitrine.Ops;

namespace Vitrine.Conformance;

/// <summary>
/// From a golden tensor's name and its entry in the file's <c>methods</c> to the same tensor computed here. The part of a name before the colon is the method,
/// the entry its parameters; <c>onnx_value</c> names the value of the graph that a layer question is about. To add a method: write its line in
/// <see cref="Compute"/>.
/// </summary>
internal static class MethodCases
{
    /// <summary>Answers that hang on a tie.</summary>
    private static readonly Dictionary<string, string> Undecided = new(StringComparer.Ordinal)
    {
        ["lenet neuron_conductance:relu3"] =
            "one of its points is the picture of zeros, where all numbers in a window of pool2 are equal: the first wins here, rounding decided in PyTorch "
            + "(LeNetGoldenTests compares the rest)",
        ["squeezenet1_1 deeplift_rescale"] =
            "the reference is the picture of zeros, whose feature maps are the same everywhere: rounding decided in PyTorch which element of a window is its "
            + "maximum; and of overlapping windows with one maximum Captum counts the last alone (max_unpool does not add), so that its shares make up 39% of "
            + "the difference of scores; Vitrine's make up all of it",
    };

    /// <summary>Why a tensor cannot be computed, or null.</summary>
    public static string? NotYet(NetCase net, string name) => Undecided.GetValueOrDefault($"{net.Name} {name}");

    /// <summary>
    /// Whether the golden is a sum over points of a way, of which one may lie within a millionth of a kink of the network: there single precision cannot tell
    /// the sides apart, and the answer is one of the two limits. The comparison then tries the points moved by a millionth, either way, and says that it did.
    /// </summary>
    public static bool MayLieBesideAKink(string name) => MethodOf(name) == "integrated_gradients";

    /// <summary>The tensor of a name, computed by Vitrine.</summary>
    /// <param name="net">The network.</param>
    /// <param name="name">The golden's name.</param>
    /// <param name="moved">By what share the points of a way are moved: 0 but beside a kink.</param>
    public static Tensor Compute(NetCase net, string name, double moved = 0)
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
            "integrated_gradients" => Explain(new IntegratedGradients(Steps(), moved == 0 ? null : Moved(moved), baselines: [Start()]), target, null),
            "integrated_gradients_trapezoid" => Explain(new IntegratedGradients(Steps(), CaptumTrapezoid, baselines: [Start()]), target, null),
            // Some of the networks were traced with batches of 2 and take no others.
            "layer_integrated_gradients" => Explain(new IntegratedGradients(Steps(), baselines: [Start()], examplesAPass: 1), target, layer),
            "neuron_integrated_gradients" => Explain(new IntegratedGradients(Steps(), baselines: [Start()]), Neuron(), null),
            "layer_conductance" => Explain(new Conductance(Steps(), baseline: Start()), target, layer),
            "internal_influence" => Explain(new InternalInfluence(Steps(), baseline: Start()), target, layer),
            // The metadata names no quadrature: it is Captum's default.
            "neuron_conductance" => Explain(new NeuronConductance(new Place(layer, Numbers("neuron")), Steps(), CaptumTrapezoid, Start()), target, null),
            "grad_cam" => Explain(new GradCam(layer, relu: options.GetProperty("relu").GetBoolean()), target, layer),
            "guided_grad_cam" => Explain(new GuidedGradCam(layer, Interpolation.Nearest), target, null),
            "deeplift_rescale" or "deeplift_rescale_baseline" => Explain(new DeepLift(Start(), rules: CaptumRules), target, null),
            "layer_deeplift" => Explain(new DeepLift(Start(), rules: CaptumRules), target, layer),
            "deeplift_shap" => net.Uses<SoftmaxOp>() ? ShapOfOneBatch() : Explain(new DeepShap(net["baselines"], CaptumRules), target, null),
            "lrp_epsilon" => Explain(new Lrp(), target, null),
            "lrp_gamma" => CaptumLrp(w => w + w.Relu() * Number("gamma")),
            "lrp_alpha1_beta0" => CaptumLrp(w => w.Relu()),
            "lrp_epsilon_plus" => FromOne(LrpComposite.EpsilonPlus),
            "lrp_epsilon_plus_flat" => FromOne(LrpComposite.EpsilonPlusFlat),
            "lrp_epsilon_alpha2_beta1" => FromOne(LrpComposite.EpsilonAlpha2Beta1),
            "lrp_epsilon_alpha2_beta1_flat" => FromOne(LrpComposite.EpsilonAlpha2Beta1Flat),
            "lrp_epsilon_gamma_box" => FromOne(LrpComposite.EpsilonGammaBox(Tensor.Scalar(Number("low")), Tensor.Scalar(Number("high")), Number("gamma"))),
            "excitation_backprop" => FromOne(LrpComposite.ExcitationBackprop),
            "fgsm" => new Fgsm(Number("epsilon"), threshold: CaptumThreshold).Perturb(net.Model, net.Input, Labels()),
            "pgd" => new Pgd(Number("radius"), Number("step_size"), options.GetProperty("steps").GetInt32(), threshold: CaptumThreshold)
                .Perturb(net.Model, net.Input, Labels()),
            string method => throw new MalformedCaseException($"the method {method} is neither computed nor on the list of those that are missing"),
        };

        Tensor Explain(IAttribution method, Target what, string? wrt) => method.Explain(net.Model, net.Input, what, wrt).Values;

        Tensor CaptumLrp(Func<Tensor, Tensor> rho) => Explain(new Lrp(LrpComposite.All("Captum's", LrpRules.Rho(rho, CaptumEpsilon))), target, null);

        // The goldens start from a relevance of 1, here it is the score; what arrives is in proportion.
        Tensor FromOne(LrpComposite composite)
        {
            Attribution found = new Lrp(composite).Explain(net.Model, net.Input, target);
            return found.Values / found.Score.Reshape(Shape.Create([.. Enumerable.Repeat(1, net.Input.Rank)]).With(0, net.Input.Shape[0]));
        }

        // Captum compares all pairs of example and background in one batch, which its softmax rule mixes.
        Tensor ShapOfOneBatch()
        {
            Tensor background = net["baselines"];
            int n = net.Input.Shape[0], b = background.Shape[0];
            Tensor pairs = TensorOps.Concat(0, [.. Enumerable.Range(0, n * b).Select(i => net.Input.Slice(0, i / b, i / b + 1))]);
            Tensor starts = TensorOps.Concat(0, [.. Enumerable.Repeat(background, n)]);
            Target each = Target.Classes([.. net.Classes.SelectMany(k => Enumerable.Repeat(k, b))]);
            Tensor shares = new DeepLift(Baseline.Of(starts), rules: CaptumRules).Explain(net.Model, pairs, each).Values;
            return shares.Reshape(Shape.Create([n, b, .. net.Input.Shape.Dims[1..]])).Mean([1]);
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

    private static Quadrature Moved(double by) =>
        Quadrature.Of("moved", n => [.. Quadrature.GaussLegendre.Points(n).Select(p => (p.Place * (1 + by), p.Weight))]);

    /// <summary>Captum's trapezoid has n points and the weights of n intervals, where there are n - 1: they add up to (n - 1) / n.</summary>
    private static Quadrature CaptumTrapezoid { get; } = Quadrature.Of(
        "Captum's trapezoid", n => [.. Enumerable.Range(0, n).Select(i => (i / (n - 1.0), (i == 0 || i == n - 1 ? 0.5 : 1) / n))]);

    /// <summary>
    /// Where Captum does something else than Vitrine's rules. It has a rule for max pooling, but a ReLU directly before it is shown what came back before the
    /// rule was applied (its hook on the tensor they share was there first), so that the pooling passes back plain gradients; the shares then do not add up.
    /// From the shares of a softmax it takes off their mean over the whole batch, not over each row. That Vitrine's own rules are complete, and a batch equals
    /// its singles, is tested beside them.
    /// </summary>
    private static RuleSet CaptumRules { get; } = static node => node.Op switch
    {
        MaxPool2dOp when BeforeReshapes(node.Inputs[0])?.Op is ReluOp => static (n, grad, input, _) => n.Op.Backward(n, grad, input),
        SoftmaxOp => static (n, grad, _, reference) =>
        {
            Tensor rescaled = grad * (n.Output - reference!.Output) / (n.Inputs[0] - reference.Inputs[0]);
            return rescaled - rescaled.Mean();
        }
        ,
        _ => null,
    };

    private static Node? BeforeReshapes(Tensor tensor)
    {
        while (tensor.Source is { Op: ReshapeOp } reshape) tensor = reshape.Inputs[0];
        return tensor.Source;
    }

    private static string MethodOf(string name) => name.Split(':')[0];
}
