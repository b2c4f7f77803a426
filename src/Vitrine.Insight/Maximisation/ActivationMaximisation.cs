using Vitrine.Ops;

namespace Vitrine.Insight;

/// <summary>How an ascent goes.</summary>
public sealed record AscentOptions
{
    /// <summary>How many steps are made.</summary>
    public int Steps { get; init; } = 128;

    /// <summary>The size of a step.</summary>
    public double Rate { get; init; } = 0.2;

    /// <summary>How a step follows from the gradient.</summary>
    public AscentRule Rule { get; init; } = AscentRule.Adam;

    /// <summary>What is done to the inputs before the network sees them, anew in every step; in this order.</summary>
    public IReadOnlyList<Transformation> Transformations { get; init; } = [];

    /// <summary>What is subtracted from the objective.</summary>
    public IReadOnlyList<Penalty> Penalties { get; init; } = [];

    /// <summary>What is done to the pixels after a step; in this order. The parameterisation must be one of pixels.</summary>
    public IReadOnlyList<Constraint> Constraints { get; init; } = [];

    /// <summary>
    /// For so many steps the last ReLUs before the objective let through, where they are off, what would turn them on: a unit that answers nothing at the start
    /// has no gradient, and would stay where it is. An example whose gradient is zero all the same, or that still answers nothing after half of these steps,
    /// gets what all ReLUs would let through, and in a later step help where it is nearest to answering. 0 leaves such units off.
    /// </summary>
    public int Redirected { get; init; } = 16;

    /// <summary>Where random numbers start.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Whether every example starts from numbers of its own; objectives that compare examples do so in any case.</summary>
    public bool DistinctStarts { get; init; }
}

/// <summary>Inputs that an ascent made.</summary>
/// <param name="Inputs">[N, ...], as the network takes them.</param>
/// <param name="Score">The objective for each of them as they are, without transformations and penalties, [N].</param>
/// <param name="Start">The objective where the ascent started, [N].</param>
/// <param name="History">The objective in each step as it was measured, with transformations: the mean over the examples.</param>
public sealed record Maximised(Tensor Inputs, Tensor Score, Tensor Start, IReadOnlyList<double> History);

/// <summary>
/// Activation maximisation (Erhan, Bengio, Courville, Vincent 2009, "Visualizing higher-layer features of a deep network"; Simonyan, Vedaldi, Zisserman 2014):
/// an input that raises an objective, found by gradient ascent from noise or from an example. What it looks like is decided by how the input is written
/// (<see cref="Parameterisation"/>), what it must withstand (<see cref="Transformations"/>) and what it is charged for (<see cref="Penalties"/>,
/// <see cref="Constraints"/>).
/// </summary>
/// <remarks>
/// The network is not trained and not changed, and nothing after the layers of the objective is computed. Random draws are the same for the examples of a
/// batch: a batch equals its singles. The same seed gives the same bytes.
/// </remarks>
public sealed class ActivationMaximisation
{
    private static readonly RuleSet Redirect = static node => node.Op is not ReluOp ? null : static (node, grad, input, _) =>
    {
        Tensor own = node.Op.Backward(node, grad, input)!;
        return grad.Relu() + own - own.Relu(); // the gradient where the ReLU is on, elsewhere its positive part
    };

    // For a unit that is off everywhere: the mean over a map is turned on soonest where it is nearest to that, so the whole map's share goes there.
    private static readonly RuleSet Nearest = static node => node.Op is not ReluOp ? null : static (node, grad, input, _) =>
        node.Op.Backward(node, grad, input)! + AtNearest(node.Inputs[0], grad);

    private readonly AscentOptions _options;

    /// <summary>Describes the ascent.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are no steps, or the rate is not positive.</exception>
    public ActivationMaximisation(AscentOptions? options = null)
    {
        _options = options ?? new AscentOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.Steps, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(_options.Redirected, nameof(options));
        if (!(_options.Rate > 0) || !double.IsFinite(_options.Rate)) throw new ArgumentOutOfRangeException(nameof(options), _options.Rate,
            "The rate is above 0.");
    }

    /// <summary>Makes inputs that raise an objective.</summary>
    /// <param name="model">The network.</param>
    /// <param name="objective">What is raised.</param>
    /// <param name="parameterisation">How inputs are written.</param>
    /// <param name="count">N: how many inputs are made at once.</param>
    /// <param name="progress">Told the share of the steps that are made, 0 to 1.</param>
    /// <param name="cancel">Ends the work between two steps.</param>
    /// <exception cref="ArgumentException">There is no such layer or unit, or an option does not fit the inputs.</exception>
    /// <exception cref="ArithmeticException">The ascent left the finite numbers: the rate is too large.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancel"/> was signalled.</exception>
    public Maximised Run(
        Module model, Objective objective, Parameterisation parameterisation, int count = 1, IProgress<double>? progress = null,
            CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(objective);
        ArgumentNullException.ThrowIfNull(parameterisation);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (_options.Constraints.Count > 0 && !parameterisation.InPixels)
        {
            throw new ArgumentException($"Blurring and cropping act on pixels; the parameters are those of '{parameterisation.Name}'.",
                nameof(parameterisation));
        }
        cancel.ThrowIfCancellationRequested();
        float[] parameters = parameterisation.Start(count, _options.Seed, _options.DistinctStarts || objective.Together).ToArray();
        Shape shape = [count, .. parameterisation.Parameters.Dims];
        (Tensor start, _) = Measure(model, objective, parameterisation, parameters, shape);
        var ascent = new AscentStep(_options.Rule, _options.Rate, count, parameterisation.Parameters.Count);
        var draws = new RandomSource(_options.Seed);
        double[] history = new double[_options.Steps];
        for (int step = 1; step <= _options.Steps; step++)
        {
            cancel.ThrowIfCancellationRequested();
            history[step - 1] = Step(model, objective, parameterisation, ascent, parameters, shape, step, new RandomSource(draws.Derive((ulong)step)));
            progress?.Report((double)step / _options.Steps);
        }
        (Tensor reached, Tensor inputs) = Measure(model, objective, parameterisation, parameters, shape);
        return new Maximised(inputs, reached, start, history);
    }

    private double Step(
        Module model, Objective objective, Parameterisation parameterisation, AscentStep ascent, float[] parameters, Shape shape, int step, RandomSource random)
    {
        using var scope = MemoryScope.Open();
        Tensor watched = Tensor.From(parameters, shape).Watch();
        Tensor inputs = parameterisation.Make(watched), seen = inputs;
        foreach (Transformation transformation in _options.Transformations) seen = transformation(seen, random);
        Tensor score = objective.Score(PartialPass.Of(model, seen, objective.Layers, recording: true));
        if (!score.IsRecorded) throw new ArgumentException($"The objective {objective.Name} does not depend on the input.", nameof(objective));
        Tensor gradient = Slope(score, watched, step);
        foreach (Penalty penalty in _options.Penalties) gradient -= Autograd.Backward(penalty(inputs), null, [watched])[0];
        ascent.Up(parameters, gradient.ToArray());
        if (_options.Constraints.Count > 0)
        {
            Tensor pixels = Tensor.From(parameters, shape);
            foreach (Constraint constraint in _options.Constraints) pixels = constraint(pixels, gradient, step);
            pixels.Floats.CopyTo(parameters);
        }
        double mean = score.Mean().Item();
        return double.IsFinite(mean) ? mean
            : throw new ArithmeticException($"The objective {objective.Name} is {mean} in step {step}: the ascent went too far. Take a smaller rate.");
    }

    // In the first steps the last ReLUs before the objective let through what turns a unit on. Those below follow the gradient: twenty deep, what all would let
    // through is no way up, and led whole layers to nothing. Only where an example has no gradient at all, or still answers nothing after half of those steps,
    // they help as well: a unit that most of what is on below it turns off needs what is off there.
    // Of the objective alone: a penalty has a gradient where a unit that is off has none, and would hide that it needs help.
    private Tensor Slope(Tensor score, Tensor watched, int step)
    {
        HashSet<Node> last = step <= _options.Redirected ? Last(score) : [];
        Tensor gradient = Autograd.Backward(score, null, [watched], last.Count == 0 ? null : node => last.Contains(node) ? Redirect(node) : null)[0];
        if (_options.Redirected == 0) return gradient;
        int examples = watched.Shape[0], size = watched.Shape.Count / examples;
        bool late = step > _options.Redirected / 2 && step <= _options.Redirected;
        float[] rows = gradient.ToArray(), helped = [];
        for (int i = 0; i < examples; i++)
        {
            Span<float> row = rows.AsSpan(i * size, size);
            if (row.ContainsAnyExcept(0f) && !(late && score.Floats[i] == 0)) continue;
            // Row by row, so that what becomes of an example does not depend on its neighbours in the batch.
            if (helped.Length == 0) helped = Autograd.Backward(score, null, [watched], step <= _options.Redirected ? Redirect : Nearest)[0].ToArray();
            helped.AsSpan(i * size, size).CopyTo(row);
        }
        return helped.Length == 0 ? gradient : Tensor.From(rows, gradient.Shape);
    }

    // The ReLUs from which no other lies on the way to the score.
    private static HashSet<Node> Last(Tensor score)
    {
        HashSet<Node> found = [], seen = [];
        var open = new Stack<Node>();
        if (score.Source is { } source) open.Push(source);
        while (open.TryPop(out Node? node))
        {
            if (!seen.Add(node)) continue;
            if (node.Op is ReluOp) found.Add(node);
            else foreach (Tensor input in node.Inputs) if (input.Source is { } below) open.Push(below);
        }
        return found;
    }

    // The positive part of a map's gradient, all of it at the map's largest value, for maps [N, C, ...] that are off everywhere.
    private static Tensor AtNearest(Tensor x, Tensor grad)
    {
        int maps = x.Rank < 2 ? x.Shape.Count : x.Shape[0] * x.Shape[1], size = x.Shape.Count / maps;
        float[] values = x.ToArray(), gradient = grad.ToArray(), through = new float[values.Length];
        for (int map = 0; map < maps; map++)
        {
            ReadOnlySpan<float> own = values.AsSpan(map * size, size);
            int nearest = 0;
            for (int i = 1; i < size; i++) nearest = own[i] > own[nearest] ? i : nearest;
            if (own[nearest] > 0) continue;
            float share = 0;
            foreach (float g in gradient.AsSpan(map * size, size)) share += Math.Max(0, g);
            through[map * size + nearest] = share;
        }
        return Tensor.From(through, x.Shape);
    }

    // As the network will be asked about them: without transformations, and without a graph.
    private static (Tensor Score, Tensor Inputs) Measure(Module model, Objective objective, Parameterisation parameterisation, float[] parameters, Shape shape)
    {
        using var scope = MemoryScope.Open();
        Tensor inputs = parameterisation.Make(Tensor.From(parameters, shape));
        Tensor score = objective.Score(PartialPass.Of(model, inputs, objective.Layers, recording: false));
        return (scope.Keep(score), scope.Keep(inputs));
    }
}
