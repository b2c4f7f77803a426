namespace Vitrine.Insight;

/// <summary>
/// What the layers in between do on the straight way from a baseline input to an input: the methods of this kind differ in what they sum up along it.
/// </summary>
public abstract class InputPathAttribution : IAttribution
{
    private readonly int _steps;
    private readonly Quadrature _quadrature;
    private readonly Baseline _baseline;

    private protected InputPathAttribution(int steps, Quadrature? quadrature, Baseline? baseline)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        (_steps, _quadrature, _baseline) = (steps, quadrature ?? Quadrature.GaussLegendre, baseline ?? Baseline.Zeros);
    }

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <summary>How many points beyond the steps are looked at.</summary>
    private protected virtual int ExtraPoints => 0;

    /// <summary>Sums up what a run of several copies of the batch says; the weights are those of its points.</summary>
    private protected abstract void Visit(Recorded run, ReadOnlySpan<(double Place, double Weight)> points, bool first, Sums sums);

    /// <summary>The layer to look at, given the one to attribute to.</summary>
    private protected virtual string? Layer(string? wrt) => wrt;

    /// <summary>What is attributed to.</summary>
    private protected virtual Tensor Of(Recorded run) => run.Wrt;

    /// <summary>From the sum to the values.</summary>
    private protected virtual Tensor Finish(Tensor sum, Tensor way) => sum;

    /// <summary>What a method remembers from pass to pass.</summary>
    private protected sealed class Sums(Shape shape)
    {
        public int Count => shape.Count;

        public Accumulator Total { get; } = new(shape);

        public float[] LastValue { get; set; } = [];

        public float[] LastGradient { get; set; } = [];
    }

    /// <inheritdoc/>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        using var scope = MemoryScope.Open();
        wrt = Layer(wrt);
        Recorded end = Recorded.Of(model, input, target, wrt);
        Tensor start = _baseline.For(input);
        (double Place, double Weight)[] points = [.. _quadrature.Points(_steps + ExtraPoints)];
        var sums = new Sums(Of(end).Shape);
        var path = new StraightPath(model, input, target.ChosenAt(end.Output), wrt, atLayer: false);
        path.Walk(start, input, [.. points.Select(p => p.Place)], Add, cancel);
        Tensor values = Finish(sums.Total.ToTensor(), input - start);
        return new Attribution(Name, target, scope.Keep(values), scope.Keep(Of(end)), scope.Keep(end.Score), scope.Keep(end.Output));

        void Add(Recorded run, int first, int count)
        {
            Visit(run, points.AsSpan(first, count), first == 0, sums);
            progress?.Report((double)(first + count) / points.Length);
        }
    }
}

/// <summary>
/// Conductance (Dhamdhere, Sundararajan, Yan 2019, "How important is a neuron?"): the part of integrated gradients that flows through each neuron of a layer,
/// as the sum of the layer's change from point to point times the target's gradient there (Shrikumar, Su, Kundaje 2018, "Computationally efficient measures of
/// internal neuron importance"). With respect to the input it is integrated gradients itself.
/// </summary>
/// <remarks>Gauss-Legendre points leave out both ends of the way; with the trapezoid's the sum over a layer tends to the difference of the scores.</remarks>
/// <param name="steps">How many changes are summed up.</param>
/// <param name="quadrature">At which places; Gauss-Legendre unless given. Its weights are not used.</param>
/// <param name="baseline">The input where the way starts; zeros unless given.</param>
public sealed class Conductance(int steps = 50, Quadrature? quadrature = null, Baseline? baseline = null) : InputPathAttribution(steps, quadrature, baseline)
{
    /// <inheritdoc/>
    public override string Name => "conductance";

    private protected override int ExtraPoints => 1;

    private protected override void Visit(Recorded run, ReadOnlySpan<(double Place, double Weight)> points, bool first, Sums sums)
    {
        ReadOnlySpan<float> values = run.Wrt.Floats, gradients = run.Back().Floats;
        for (int i = 0; i < points.Length; i++)
        {
            ReadOnlySpan<float> value = values.Slice(i * sums.Count, sums.Count);
            if (!first || i > 0) sums.Total.AddChange(value, sums.LastValue, sums.LastGradient);
            sums.LastValue = value.ToArray();
            sums.LastGradient = gradients.Slice(i * sums.Count, sums.Count).ToArray();
        }
    }
}

/// <summary>
/// Internal influence (Leino, Sen, Datta, Fredrikson, Li 2018, "Influence-directed explanations for deep convolutional networks"): the gradient of the target
/// with respect to a layer, averaged on the straight way from a baseline input.
/// </summary>
/// <param name="steps">How many gradients are averaged.</param>
/// <param name="quadrature">At which places; Gauss-Legendre unless given.</param>
/// <param name="baseline">The input where the way starts; zeros unless given.</param>
public sealed class InternalInfluence(int steps = 50, Quadrature? quadrature = null, Baseline? baseline = null)
    : InputPathAttribution(steps, quadrature, baseline)
{
    /// <inheritdoc/>
    public override string Name => "internal influence";

    private protected override void Visit(Recorded run, ReadOnlySpan<(double Place, double Weight)> points, bool first, Sums sums)
    {
        ReadOnlySpan<float> gradients = run.Back().Floats;
        for (int i = 0; i < points.Length; i++) sums.Total.Add(gradients.Slice(i * sums.Count, sums.Count), points[i].Weight);
    }
}

/// <summary>
/// Neuron conductance (Dhamdhere, Sundararajan, Yan 2019): the part of integrated gradients that flows from each input through one neuron: the target's
/// gradient with respect to the neuron times the neuron's with respect to the input, averaged on the straight way from a baseline, times the way.
/// </summary>
/// <param name="neuron">The neuron; with fewer coordinates than it has, all neurons that agree in those: a channel.</param>
/// <param name="steps">How many gradients are averaged.</param>
/// <param name="quadrature">At which places; Gauss-Legendre unless given.</param>
/// <param name="baseline">The input where the way starts; zeros unless given.</param>
public sealed class NeuronConductance(Place neuron, int steps = 50, Quadrature? quadrature = null, Baseline? baseline = null)
    : InputPathAttribution(steps, quadrature, baseline)
{
    /// <inheritdoc/>
    public override string Name => "neuron conductance";

    private protected override string? Layer(string? wrt) => wrt is null
        ? neuron.Scope ?? throw new ArgumentException("Neuron conductance needs a neuron inside the network, not an input.")
        : throw new ArgumentException($"Neuron conductance attributes to the input, not to {wrt}.", nameof(wrt));

    private protected override Tensor Of(Recorded run) => run.Input;

    private protected override void Visit(Recorded run, ReadOnlySpan<(double Place, double Weight)> points, bool first, Sums sums)
    {
        Tensor layer = run.Wrt.Detach().Watch();
        Tensor through = Autograd.Backward(Target.Neuron(neuron.Scope!, neuron.Position).Score(layer), null, [layer])[0]; // 1 at the neuron
        ReadOnlySpan<float> gradients = Autograd.Backward(run.Wrt, run.Back() * through, [run.Input])[0].Floats;
        for (int i = 0; i < points.Length; i++) sums.Total.Add(gradients.Slice(i * sums.Count, sums.Count), points[i].Weight);
    }

    private protected override Tensor Finish(Tensor sum, Tensor way) => sum * way;
}
