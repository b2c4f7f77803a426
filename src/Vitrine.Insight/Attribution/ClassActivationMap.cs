namespace Vitrine.Insight;

/// <summary>
/// A map of where a layer's feature maps speak for the target; the methods of this kind differ in how they weigh the maps. The values have one channel: [N, 1,
/// H, W]. With respect to the input they are enlarged to the picture; with respect to the layer itself they have its height and width.
/// </summary>
public abstract class ClassActivationMap : IAttribution
{
    private readonly string? _layer;
    private readonly bool _relu;
    private readonly Interpolation _enlarge;

    private protected ClassActivationMap(string? layer, bool relu, Interpolation enlarge) => (_layer, _relu, _enlarge) = (layer, relu, enlarge);

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        cancel.ThrowIfCancellationRequested();
        using var scope = MemoryScope.Open();
        string layer = _layer ?? wrt ?? FeatureMaps.Last(model, input);
        if (wrt is not null && wrt != layer)
        {
            throw new ArgumentException($"{Name} of {layer} attributes to the input or to {layer}, not to {wrt}.", nameof(wrt));
        }
        Recorded run = Recorded.Of(model, input, target, layer);
        FeatureMaps.Check(run.Wrt, layer);
        Tensor map = Map(new CamRun(model, input, target.ChosenAt(run.Output), run, progress, cancel)); // [N, 1, h, w]
        if (_relu) map = map.Relu();
        if (wrt is null) map = FeatureMaps.Enlarge(map, input, _enlarge);
        return new Attribution(Name, target, scope.Keep(map), scope.Keep(wrt is null ? input : run.Wrt), scope.Keep(run.Score), scope.Keep(run.Output));
    }

    /// <summary>The map [N, 1, h, w] before ReLU and enlargement.</summary>
    private protected abstract Tensor Map(CamRun run);

    /// <summary>What a map is made from.</summary>
    private protected sealed record CamRun(Module Model, Tensor Input, Target Target, Recorded Recorded, IProgress<double>? Progress, CancellationToken Cancel)
    {
        /// <summary>[N, C, h, w].</summary>
        public Tensor Maps { get; } = Recorded.Wrt.Detach();
    }
}

/// <summary>What methods that look at feature maps have in common.</summary>
internal static class FeatureMaps
{
    /// <summary>The last module call whose result has height and width.</summary>
    public static string Last(Module model, Tensor input)
    {
        string? last = Network.Activations(model, input).LastOrDefault(a => a.Value.Rank == 4 && a.Value.Shape[2] * a.Value.Shape[3] > 1).Key;
        return last
            ?? throw new ArgumentException($"The network has no named module call that gives feature maps [N, C, H, W]. {Network.Scopes(model, input)}");
    }

    public static void Check(Tensor maps, string layer)
    {
        if (maps.Rank != 4) throw new ArgumentException($"{layer} gives {maps.Shape}, not feature maps [N, C, H, W].");
    }

    /// <summary>A map [N, C, h, w] in the height and width of a picture.</summary>
    public static Tensor Enlarge(Tensor map, Tensor picture, Interpolation how)
    {
        if (picture.Rank != 4) throw new ArgumentException($"A map can be enlarged to a picture [N, C, H, W], not to an input of shape {picture.Shape}.");
        return map.Interpolate([picture.Shape[2], picture.Shape[3]], how);
    }
}

/// <summary>
/// Grad-CAM (Selvaraju et al. 2017, "Grad-CAM: visual explanations from deep networks via gradient-based localization"): feature maps weighted by the mean
/// gradient of each.
/// </summary>
/// <param name="layer">Whose feature maps; the one to attribute to, or else the last, unless given.</param>
/// <param name="relu">Whether only what speaks for the target is shown, as in the paper.</param>
/// <param name="enlarge">How the map is enlarged to the picture.</param>
public sealed class GradCam(string? layer = null, bool relu = true, Interpolation enlarge = Interpolation.Linear) : ClassActivationMap(layer, relu, enlarge)
{
    /// <inheritdoc/>
    public override string Name => "grad-cam";

    private protected override Tensor Map(CamRun run) => (run.Recorded.Back().Mean([2, 3], keepDims: true) * run.Maps).Sum([1], keepDims: true);
}

/// <summary>
/// Grad-CAM++ (Chattopadhay, Sarkar, Howlader, Balasubramanian 2018, "Grad-CAM++: generalized gradient-based visual explanations"): positive gradients,
/// weighted so that every place of a class counts. With g the gradient and A a feature map, the weight at a place is g^2 / (2 g^2 + sum(A) g^3), for the
/// exponential of the target.
/// </summary>
/// <param name="layer">Whose feature maps; the one to attribute to, or else the last, unless given.</param>
/// <param name="relu">Whether only what speaks for the target is shown, as in the paper.</param>
/// <param name="enlarge">How the map is enlarged to the picture.</param>
public sealed class GradCamPlusPlus(string? layer = null, bool relu = true, Interpolation enlarge = Interpolation.Linear)
    : ClassActivationMap(layer, relu, enlarge)
{
    /// <inheritdoc/>
    public override string Name => "grad-cam++";

    private protected override Tensor Map(CamRun run)
    {
        Tensor g = run.Recorded.Back();
        // g^2 cancels, but not where the gradient is 0: nothing flows there.
        Tensor denominator = run.Maps.Sum([2, 3], keepDims: true) * g + 2f, zero = Tensor.Scalar(0);
        denominator = denominator.NotEqualTo(zero).Where(denominator, Tensor.Scalar(1));
        Tensor alpha = g.NotEqualTo(zero).Where(denominator.Reciprocal(), zero);
        Tensor weights = (alpha * g.Relu()).Sum([2, 3], keepDims: true); // [N, C, 1, 1]
        return (weights * run.Maps).Sum([1], keepDims: true);
    }
}

/// <summary>
/// LayerCAM (Jiang, Zhang, Hou, Cheng, Wei 2021, "LayerCAM: exploring hierarchical class activation maps"): every place of a feature map weighted by its own
/// positive gradient, so that early layers give maps, too.
/// </summary>
/// <param name="layer">Whose feature maps; the one to attribute to, or else the last, unless given.</param>
/// <param name="enlarge">How the map is enlarged to the picture.</param>
public sealed class LayerCam(string? layer = null, Interpolation enlarge = Interpolation.Linear) : ClassActivationMap(layer, relu: true, enlarge)
{
    /// <inheritdoc/>
    public override string Name => "layercam";

    private protected override Tensor Map(CamRun run) => (run.Recorded.Back().Relu() * run.Maps).Sum([1], keepDims: true);
}

/// <summary>
/// Eigen-CAM (Muhammad, Yeasin 2020, "Eigen-CAM: class activation map using principal components"): the feature maps projected on their first right singular
/// vector, taken with the sign that makes the map's sum positive. It does not look at the target.
/// </summary>
/// <param name="layer">Whose feature maps; the one to attribute to, or else the last, unless given.</param>
/// <param name="relu">Whether only the positive part is shown.</param>
/// <param name="enlarge">How the map is enlarged to the picture.</param>
public sealed class EigenCam(string? layer = null, bool relu = true, Interpolation enlarge = Interpolation.Linear) : ClassActivationMap(layer, relu, enlarge)
{
    /// <inheritdoc/>
    public override string Name => "eigen-cam";

    private protected override Tensor Map(CamRun run)
    {
        Shape shape = run.Maps.Shape;
        int n = shape[0], channels = shape[1], places = shape[2] * shape[3];
        float[] maps = new float[n * places];
        for (int i = 0; i < n; i++) Project(run.Maps.Floats.Slice(i * channels * places, channels * places), channels, maps.AsSpan(i * places, places));
        return Tensor.From(maps, shape.With(1, 1));
    }

    /// <summary>Power iteration on the channels' products with one another; feature maps after a ReLU are positive, so that it converges fast.</summary>
    private static void Project(ReadOnlySpan<float> maps, int channels, Span<float> projection)
    {
        const int mostSteps = 1000;
        int places = projection.Length;
        double[,] products = new double[channels, channels];
        for (int a = 0; a < channels; a++)
        {
            for (int b = 0; b <= a; b++)
            {
                double sum = 0;
                for (int p = 0; p < places; p++) sum += (double)maps[a * places + p] * maps[b * places + p];
                products[a, b] = products[b, a] = sum;
            }
        }
        double[] vector = new double[channels];
        for (int a = 0; a < channels; a++) vector[a] = Math.Sqrt(products[a, a]) + 1e-30;
        for (int step = 0; step < mostSteps; step++)
        {
            double[] next = new double[channels];
            double length = 0, change = 0;
            for (int a = 0; a < channels; a++)
            {
                for (int b = 0; b < channels; b++) next[a] += products[a, b] * vector[b];
                length += next[a] * next[a];
            }
            if (length == 0) break; // maps of zeros
            for (int a = 0; a < channels; a++)
            {
                next[a] /= Math.Sqrt(length);
                change = Math.Max(change, Math.Abs(next[a] - vector[a]));
            }
            vector = next;
            if (change < 1e-12) break;
        }
        double total = 0;
        for (int p = 0; p < places; p++)
        {
            double sum = 0;
            for (int a = 0; a < channels; a++) sum += vector[a] * maps[a * places + p];
            projection[p] = (float)sum;
            total += sum;
        }
        if (total < 0) foreach (ref float value in projection) value = -value;
    }
}

/// <summary>
/// Score-CAM (Wang et al. 2020, "Score-CAM: score-weighted visual explanations for convolutional neural networks"): no gradient; a feature map weighs as much
/// as the target's score gains over a black picture when the picture is masked with that map, enlarged and brought to [0, 1]; a softmax over the gains gives
/// the weights.
/// </summary>
/// <param name="layer">Whose feature maps; the one to attribute to, or else the last, unless given.</param>
/// <param name="enlarge">How maps are enlarged to the picture.</param>
public sealed class ScoreCam(string? layer = null, Interpolation enlarge = Interpolation.Linear) : ClassActivationMap(layer, relu: true, enlarge)
{
    private const int ExamplesAPass = 32;
    private readonly Interpolation _enlarge = enlarge;

    /// <inheritdoc/>
    public override string Name => "score-cam";

    private protected override Tensor Map(CamRun run)
    {
        Tensor input = run.Input, maps = run.Maps;
        int n = maps.Shape[0], channels = maps.Shape[1], most = Math.Max(1, ExamplesAPass / Math.Max(1, n));
        Tensor low = maps.Min([2, 3], keepDims: true), range = maps.Max([2, 3], keepDims: true) - low;
        Tensor masks = (maps - low) / range.EqualTo(Tensor.Scalar(0)).Where(Tensor.Scalar(1), range); // a map that is the same everywhere masks everything
        float[] scores = new float[channels * n], black = Score(run, Tensor.Zeros(input.Shape), 1);
        for (int first = 0; first < channels; first += most)
        {
            run.Cancel.ThrowIfCancellationRequested();
            using var pass = MemoryScope.Open();
            int count = Math.Min(most, channels - first);
            Tensor enlarged = FeatureMaps.Enlarge(masks.Slice(1, first, first + count), input, _enlarge); // [N, count, H, W]
            Tensor masked = TensorOps.Concat(0, [.. Enumerable.Range(0, count).Select(c => input * enlarged.Slice(1, c, c + 1))]);
            Score(run, masked, count).CopyTo(scores, first * n);
            run.Progress?.Report((double)(first + count) / channels);
        }
        Tensor gains = Tensor.From(scores, [channels, n]) - Tensor.From(black, [1, n]);
        return (gains.Transpose(0, 1).Softmax(1).Reshape(n, channels, 1, 1) * maps).Sum([1], keepDims: true);
    }

    private static float[] Score(CamRun run, Tensor input, int copies)
    {
        var forward = new Run();
        if (run.Target.Scope is not null) forward.Tap(run.Target.Scope);
        Tensor output = run.Model.Call(forward, input);
        return run.Target.Score(run.Target.Scope is null ? output : forward.Taps[run.Target.Scope], copies).ToArray();
    }
}

/// <summary>Guided Grad-CAM (Selvaraju et al. 2017): guided backpropagation, times Grad-CAM enlarged to the picture.</summary>
/// <param name="layer">Whose feature maps; the last unless given.</param>
/// <param name="enlarge">How the map is enlarged to the picture.</param>
public sealed class GuidedGradCam(string? layer = null, Interpolation enlarge = Interpolation.Linear) : IAttribution
{
    /// <inheritdoc/>
    public string Name => "guided grad-cam";

    /// <inheritdoc/>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        if (wrt is not null) throw new ArgumentException($"{Name} attributes to the input, not to {wrt}.", nameof(wrt));
        Attribution guided = new GuidedBackprop().Explain(model, input, target, cancel: cancel);
        Attribution map = new GradCam(layer, relu: true, enlarge).Explain(model, input, target, cancel: cancel);
        using var scope = MemoryScope.Open();
        return guided with { Method = Name, Values = scope.Keep(guided.Values * map.Values) };
    }
}
