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
        new("integrated gradients", "Sundararajan, Taly, Yan 2017, Axiomatic attribution for deep networks", Needs.Gradients, Promises.Completeness, _ => new IntegratedGradients()),
        new("conductance", "Dhamdhere, Sundararajan, Yan 2019, How important is a neuron?", Needs.Gradients, Promises.None, _ => new Conductance()),
        new("internal influence", "Leino et al. 2018, Influence-directed explanations for deep convolutional networks", Needs.Gradients, Promises.None, _ => new InternalInfluence()),
        new("smoothgrad", "Smilkov et al. 2017, SmoothGrad: removing noise by adding noise", Needs.Gradients, Promises.Seeded, _ => new SmoothGrad()),
        new("vargrad", "Adebayo et al. 2018, Local explanation methods for deep neural networks lack sensitivity to parameter values", Needs.Gradients, Promises.Seeded | Promises.Positive, _ => new VarGrad()),
        new("expected gradients", "Erion et al. 2021, Improving performance of deep learning models with axiomatic attribution priors", Needs.Gradients, Promises.Seeded, _ => new ExpectedGradients()),
        new("rectgrad", "Kim et al. 2019, Why are saliency maps noisy?", Needs.Gradients, Promises.None, _ => new RectGrad()),
        new("deeplift", "Shrikumar, Greenside, Kundaje 2017, Learning important features through propagating activation differences", Needs.Gradients | Needs.Rules, Promises.Completeness, _ => new DeepLift()),
        new("deeplift revealcancel", "Shrikumar, Greenside, Kundaje 2017, Learning important features through propagating activation differences", Needs.Gradients | Needs.Rules, Promises.Completeness, _ => new DeepLift(revealCancel: true)),
        new("deepshap", "Lundberg, Lee 2017, A unified approach to interpreting model predictions", Needs.Gradients | Needs.Rules, Promises.Completeness, _ => new DeepShap()),
        new("lrp epsilon", "Bach et al. 2015, Layer-wise relevance propagation; Achtibat et al. 2024, AttnLRP", Needs.Gradients | Needs.Rules, Promises.Conservation, _ => new Lrp()),
        new("lrp epsilon-plus", "Montavon et al. 2019, Layer-wise relevance propagation: an overview", Needs.Gradients | Needs.Rules, Promises.Conservation, _ => new Lrp(LrpComposite.EpsilonPlus)),
        new("lrp epsilon-plus-flat", "Montavon et al. 2019, Layer-wise relevance propagation: an overview", Needs.Gradients | Needs.Rules, Promises.Conservation, _ => new Lrp(LrpComposite.EpsilonPlusFlat)),
        new("lrp epsilon-alpha2-beta1", "Bach et al. 2015, Layer-wise relevance propagation", Needs.Gradients | Needs.Rules, Promises.None, _ => new Lrp(LrpComposite.EpsilonAlpha2Beta1)),
        new("lrp epsilon-alpha2-beta1-flat", "Bach et al. 2015, Layer-wise relevance propagation", Needs.Gradients | Needs.Rules, Promises.None, _ => new Lrp(LrpComposite.EpsilonAlpha2Beta1Flat)),
        new("excitation backprop", "Zhang et al. 2016, Top-down neural attention by excitation backprop", Needs.Gradients | Needs.Rules, Promises.Conservation, _ => new Lrp(LrpComposite.ExcitationBackprop)),
        new("grad-cam", "Selvaraju et al. 2017, Grad-CAM", Needs.Gradients | Needs.FeatureMaps | Needs.Picture, Promises.Positive, layer => new GradCam(layer)),
        new("grad-cam++", "Chattopadhay et al. 2018, Grad-CAM++", Needs.Gradients | Needs.FeatureMaps | Needs.Picture, Promises.Positive, layer => new GradCamPlusPlus(layer)),
        new("layercam", "Jiang et al. 2021, LayerCAM", Needs.Gradients | Needs.FeatureMaps | Needs.Picture, Promises.Positive, layer => new LayerCam(layer)),
        new("eigen-cam", "Muhammad, Yeasin 2020, Eigen-CAM", Needs.FeatureMaps | Needs.Picture, Promises.Positive, layer => new EigenCam(layer)),
        new("score-cam", "Wang et al. 2020, Score-CAM", Needs.FeatureMaps | Needs.Picture, Promises.Positive, layer => new ScoreCam(layer)),
        new("guided grad-cam", "Selvaraju et al. 2017, Grad-CAM", Needs.Gradients | Needs.FeatureMaps | Needs.Picture, Promises.None, layer => new GuidedGradCam(layer)),
        new("fullgrad", "Srinivas, Fleuret 2019, Full-gradient representation for neural network visualization", Needs.Gradients | Needs.Picture, Promises.Positive, _ => new FullGrad()),
    ];
}
