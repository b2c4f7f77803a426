using System.Text.Json;
using Vitrine.Insight;

namespace Vitrine.Conformance;

/// <summary>
/// From a golden tensor's name and its entry in the file's <c>methods</c> to the same tensor computed here. The part of a name before the colon is the method,
/// the entry its parameters; <c>onnx_value</c> names the value of the graph that a layer question is about. To add a method: write its line in <see
/// cref="Compute"/> and take its name out of <see cref="Missing"/>.
/// </summary>
internal static class MethodCases
{
    private const string NotWritten = "Vitrine has no such method yet";
    private const string Tokens = "the network reads tokens, and explanations take floats yet";

    /// <summary>Methods that Vitrine does not have yet, each with the reason. One that is neither here nor computed fails.</summary>
    private static readonly Dictionary<string, string> Missing = new(StringComparer.Ordinal)
    {
        ["integrated_gradients"] = NotWritten,
        ["integrated_gradients_trapezoid"] = NotWritten,
        ["layer_integrated_gradients"] = NotWritten,
        ["neuron_integrated_gradients"] = NotWritten,
        ["layer_conductance"] = NotWritten,
        ["neuron_conductance"] = NotWritten,
        ["internal_influence"] = NotWritten,
        ["deeplift_rescale"] = NotWritten,
        ["deeplift_rescale_baseline"] = NotWritten,
        ["deeplift_shap"] = NotWritten,
        ["layer_deeplift"] = NotWritten,
        ["lrp_epsilon"] = NotWritten,
        ["lrp_gamma"] = NotWritten,
        ["lrp_alpha1_beta0"] = NotWritten,
        ["lrp_epsilon_plus"] = NotWritten,
        ["lrp_epsilon_plus_flat"] = NotWritten,
        ["lrp_epsilon_alpha2_beta1"] = NotWritten,
        ["lrp_epsilon_alpha2_beta1_flat"] = NotWritten,
        ["lrp_epsilon_gamma_box"] = NotWritten,
        ["excitation_backprop"] = NotWritten,
        ["occlusion"] = NotWritten,
        ["feature_ablation"] = NotWritten,
        ["shapley_values"] = NotWritten,
        ["grad_cam"] = NotWritten,
        ["guided_grad_cam"] = NotWritten,
        ["fgsm"] = NotWritten,
        ["pgd"] = NotWritten,
    };

    /// <summary>Why a tensor cannot be computed yet, or null.</summary>
    public static string? NotYet(NetCase net, string name) =>
        Missing.TryGetValue(MethodOf(name), out string? reason) ? reason
        : net.Input.DType != DType.Float32 && MethodOf(name) != "layer_activation" ? Tokens
        : null;

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
            "layer_activation" => Activation(),
            "layer_gradient_x_activation" => Explain(new InputXGradient(), target, layer),
            "neuron_gradient" => Explain(new Gradient(), Neuron(), null),
            "neuron_guided_backprop" => Explain(new GuidedBackprop(), Neuron(), null),
            string method => throw new MalformedCaseException($"the method {method} is neither computed nor on the list of those that are missing"),
        };

        Tensor Explain(IAttribution method, Target what, string? wrt) => method.Explain(net.Model, net.Input, what, wrt).Values;

        Target Neuron() => Target.Neuron(layer!, [.. options.GetProperty("neuron").EnumerateArray().Select(i => i.GetInt32())]);

        Tensor Activation()
        {
            var run = new Run(fused: false).Tap(layer!);
            net.Model.Call(run, net.Input);
            return run.Taps[layer!];
        }
    }

    private static string MethodOf(string name) => name.Split(':')[0];
}
