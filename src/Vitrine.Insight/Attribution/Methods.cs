namespace Vitrine.Insight;

/// <summary>Every attribution method there is. A method joins the list with one line and is tested with all others.</summary>
public static class Methods
{
    /// <summary>All methods: gradients, rules, then perturbation.</summary>
    public static IReadOnlyList<Method> All { get; } =
    [
        new("gradient", "Simonyan, Vedaldi, Zisserman 2014, Deep inside convolutional networks", Needs.Gradients, Promises.None, _ => new Gradient()),
        new("saliency", "Simonyan, Vedaldi, Zisserman 2014, Deep inside convolutional networks", Needs.Gradients, Promises.Positive, _ => new Gradient(absolute: true)),
        new("input x gradient", "Shrikumar et al. 2016, Not just a black box", Needs.Gradients, Promises.None, _ => new InputXGradient()),
        new("guided backprop", "Springenberg et al. 2015, Striving for simplicity", Needs.Gradients, Promises.None, _ => new GuidedBackprop()),
        new("deconvnet", "Zeiler, Fergus 2014, Visualizing and understanding convolutional networks", Needs.Gradients, Promises.None, _ => new Deconvnet()),

        new("occlusion", "Zeiler, Fergus 2014, Visualizing and understanding convolutional networks", Needs.None, Promises.None, _ => new Occlusion()),
        new("feature ablation", "Lei et al. 2018, Distribution-free predictive inference for regression", Needs.None, Promises.None, _ => new FeatureAblation()),
        new("feature permutation", "Breiman 2001, Random forests", Needs.Batch, Promises.Seeded, _ => new FeaturePermutation()),
        new("shapley values", "Shapley 1953, A value for n-person games", Needs.None, Promises.None, _ => new ShapleyValues()),
        new("shapley sampling", "Castro, Gomez, Tejada 2009, Polynomial calculation of the Shapley value based on sampling", Needs.None, Promises.Seeded, _ => new ShapleySampling()),
        new("kernel shap", "Lundberg, Lee 2017, A unified approach to interpreting model predictions", Needs.None, Promises.Seeded, _ => new KernelShap()),
        new("lime", "Ribeiro, Singh, Guestrin 2016, Why should I trust you?", Needs.None, Promises.Seeded, _ => new Lime()),
        new("rise", "Petsiuk, Das, Saenko 2018, RISE: randomized input sampling for explanation of black-box models", Needs.Picture, Promises.Seeded, _ => new Rise()),
        new("extremal perturbation", "Fong, Patrick, Vedaldi 2019, Understanding deep networks via extremal perturbations and smooth masks", Needs.Gradients | Needs.Picture, Promises.Positive, _ => new ExtremalPerturbation()),
    ];
}
