namespace Vitrine.Insight;

/// <summary>Every attribution method there is. A method joins the list with one line and is tested with all others.</summary>
public static class Methods
{
    /// <summary>All methods: gradients, rules, then perturbation.</summary>
    public static IReadOnlyList<Method> All { get; } =
    [
        new("gradient", "Simonyan, Vedaldi, Zisserman 2014, Deep inside convolutional networks",
            Needs.Gradients, Promises.None, _ => new Gradient()),
        new("saliency", "Simonyan, Vedaldi, Zisserman 2014, Deep inside convolutional networks",
            Needs.Gradients, Promises.Positive, _ => new Gradient(absolute: true)),
        new("input x gradient", "Shrikumar et al. 2016, Not just a black box",
            Needs.Gradients, Promises.None, _ => new InputXGradient()),
        new("guided backprop", "Springenberg et al. 2015, Striving for simplicity",
            Needs.Gradients, Promises.None, _ => new GuidedBackprop()),
        new("deconvnet", "Zeiler, Fergus 2014, Visualizing and understanding convolutional networks",
            Needs.Gradients, Promises.None, _ => new Deconvnet()),
        new("integrated gradients", "Sundararajan, Taly, Yan 2017, Axiomatic attribution for deep networks",
            Needs.Gradients, Promises.Completeness, o => new IntegratedGradients(baselines: o.Baselines)),
        new("conductance", "Dhamdhere, Sundararajan, Yan 2019, How important is a neuron?",
            Needs.Gradients, Promises.None, o => new Conductance(baseline: o.Baseline)),
        new("internal influence", "Leino et al. 2018, Influence-directed explanations for deep convolutional networks",
            Needs.Gradients, Promises.None, o => new InternalInfluence(baseline: o.Baseline)),
        new("smoothgrad", "Smilkov et al. 2017, SmoothGrad: removing noise by adding noise",
            Needs.Gradients, Promises.Seeded, o => new SmoothGrad(seed: o.Seed)),
        new("vargrad", "Adebayo et al. 2018, Local explanation methods for deep neural networks lack sensitivity to parameter values",
            Needs.Gradients, Promises.Seeded | Promises.Positive, o => new VarGrad(seed: o.Seed)),
        new("expected gradients", "Erion et al. 2021, Improving performance of deep learning models with axiomatic attribution priors",
            Needs.Gradients, Promises.Seeded, o => new ExpectedGradients(o.Background, seed: o.Seed)),
        new("rectgrad", "Kim et al. 2019, Why are saliency maps noisy?",
            Needs.Gradients, Promises.None, _ => new RectGrad()),
        new("deeplift", "Shrikumar, Greenside, Kundaje 2017, Learning important features through propagating activation differences",
            Needs.Gradients | Needs.Rules, Promises.Completeness, o => new DeepLift(o.Baseline)),
        new("deeplift revealcancel", "Shrikumar, Greenside, Kundaje 2017, Learning important features through propagating activation differences",
            Needs.Gradients | Needs.Rules, Promises.Completeness, o => new DeepLift(o.Baseline, revealCancel: true)),
        new("deepshap", "Lundberg, Lee 2017, A unified approach to interpreting model predictions",
            Needs.Gradients | Needs.Rules, Promises.Completeness, o => new DeepShap(o.Background)),
        new("lrp epsilon", "Bach et al. 2015, Layer-wise relevance propagation; Achtibat et al. 2024, AttnLRP",
            Needs.Gradients | Needs.Rules, Promises.Conservation, _ => new Lrp()),
        new("lrp epsilon-plus", "Montavon et al. 2019, Layer-wise relevance propagation: an overview",
            Needs.Gradients | Needs.Rules, Promises.Conservation, _ => new Lrp(LrpComposite.EpsilonPlus)),
        new("lrp epsilon-plus-flat", "Montavon et al. 2019, Layer-wise relevance propagation: an overview",
            Needs.Gradients | Needs.Rules, Promises.Conservation, _ => new Lrp(LrpComposite.EpsilonPlusFlat)),
        new("lrp epsilon-gamma-box", "Montavon et al. 2019, Layer-wise relevance propagation: an overview",
            Needs.Gradients | Needs.Rules, Promises.Conservation, o => new Lrp(
                o is { Low: { } low, High: { } high } ? LrpComposite.EpsilonGammaBox(low, high) : LrpComposite.EpsilonGammaOwnBox)),
        new("lrp epsilon-alpha2-beta1", "Bach et al. 2015, Layer-wise relevance propagation",
            Needs.Gradients | Needs.Rules, Promises.None, _ => new Lrp(LrpComposite.EpsilonAlpha2Beta1)),
        new("lrp epsilon-alpha2-beta1-flat", "Bach et al. 2015, Layer-wise relevance propagation",
            Needs.Gradients | Needs.Rules, Promises.None, _ => new Lrp(LrpComposite.EpsilonAlpha2Beta1Flat)),
        new("excitation backprop", "Zhang et al. 2016, Top-down neural attention by excitation backprop",
            Needs.Gradients | Needs.Rules, Promises.Conservation, _ => new Lrp(LrpComposite.ExcitationBackprop)),
        new("grad-cam", "Selvaraju et al. 2017, Grad-CAM",
            Needs.Gradients | Needs.FeatureMaps | Needs.Picture, Promises.Positive, o => new GradCam(o.Layer)),
        new("grad-cam++", "Chattopadhay et al. 2018, Grad-CAM++",
            Needs.Gradients | Needs.FeatureMaps | Needs.Picture, Promises.Positive, o => new GradCamPlusPlus(o.Layer)),
        new("layercam", "Jiang et al. 2021, LayerCAM",
            Needs.Gradients | Needs.FeatureMaps | Needs.Picture, Promises.Positive, o => new LayerCam(o.Layer)),
        new("eigen-cam", "Muhammad, Yeasin 2020, Eigen-CAM",
            Needs.FeatureMaps | Needs.Picture, Promises.Positive, o => new EigenCam(o.Layer)),
        new("score-cam", "Wang et al. 2020, Score-CAM",
            Needs.FeatureMaps | Needs.Picture, Promises.Positive, o => new ScoreCam(o.Layer)),
        new("guided grad-cam", "Selvaraju et al. 2017, Grad-CAM",
            Needs.Gradients | Needs.FeatureMaps | Needs.Picture, Promises.None, o => new GuidedGradCam(o.Layer)),
        new("fullgrad", "Srinivas, Fleuret 2019, Full-gradient representation for neural network visualization",
            Needs.Gradients | Needs.Picture, Promises.Positive, _ => new FullGrad()),

        new("occlusion", "Zeiler, Fergus 2014, Visualizing and understanding convolutional networks",
            Needs.None, Promises.None, o => new Occlusion(baseline: o.Baseline)),
        new("feature ablation", "Lei et al. 2018, Distribution-free predictive inference for regression",
            Needs.None, Promises.None, o => new FeatureAblation(o.Features ?? Features.Blocks(1024), o.Baseline)),
        new("feature permutation", "Breiman 2001, Random forests",
            Needs.Batch, Promises.Seeded, o => new FeaturePermutation(seed: o.Seed)),
        new("shapley values", "Shapley 1953, A value for n-person games",
            Needs.None, Promises.None, o => new ShapleyValues(o.Features, baseline: o.Baseline)),
        new("shapley sampling", "Castro, Gomez, Tejada 2009, Polynomial calculation of the Shapley value based on sampling",
            Needs.None, Promises.Seeded, o => new ShapleySampling(o.Features, baseline: o.Baseline, seed: o.Seed)),
        new("kernel shap", "Lundberg, Lee 2017, A unified approach to interpreting model predictions",
            Needs.None, Promises.Seeded, o => new KernelShap(o.Features, baseline: o.Baseline, seed: o.Seed)),
        new("lime", "Ribeiro, Singh, Guestrin 2016, Why should I trust you?",
            Needs.None, Promises.Seeded, o => new Lime(o.Features, baseline: o.Baseline, seed: o.Seed)),
        new("rise", "Petsiuk, Das, Saenko 2018, RISE: randomized input sampling for explanation of black-box models",
            Needs.Picture, Promises.Seeded, o => new Rise(baseline: o.Baseline, seed: o.Seed)),
        new("extremal perturbation", "Fong, Patrick, Vedaldi 2019, Understanding deep networks via extremal perturbations and smooth masks",
            Needs.Gradients | Needs.Picture, Promises.Positive, _ => new ExtremalPerturbation()),
    ];

    /// <summary>LIME for tables, which knows rows of the kind that is explained: their quartiles are its features.</summary>
    /// <param name="rows">[N, columns].</param>
    /// <exception cref="ArgumentException">These are no rows of finite numbers.</exception>
    public static Method LimeForTables(Tensor rows) => new("lime for tables", "Ribeiro, Singh, Guestrin 2016, Why should I trust you?",
        Needs.None, Promises.Seeded, o => new LimeTable(rows, seed: o.Seed));

    /// <summary>Whether a method asks for gradients, as far as the list knows it: one that is not on it does.</summary>
    internal static bool NeedsGradients(IAttribution method) => All.FirstOrDefault(m => m.Name == method.Name)?.Needs.HasFlag(Needs.Gradients) ?? true;
}
