namespace Vitrine.Insight;

/// <summary>
/// What an input is made to raise: one number for each example, from the results of layers. Objectives add up, subtract and are weighted (the manner of Olah,
/// Mordvintsev, Schubert 2017, "Feature visualization"): <c>Objective.Channel("conv2", 3) - 0.5f * Objective.Channel("conv2", 7)</c>.
/// </summary>
public sealed class Objective
{
    private readonly Func<IReadOnlyDictionary<string, Tensor>, Tensor> _score;

    private Objective(string name, IReadOnlyList<string> layers, Func<IReadOnlyDictionary<string, Tensor>, Tensor> score) =>
        (Name, Layers, _score) = (name, layers, score);

    /// <summary>The objective in words.</summary>
    public string Name { get; }

    /// <summary>The layers it reads; an empty name is the network's output.</summary>
    public IReadOnlyList<string> Layers { get; }

    /// <summary>Whether examples of a batch have to do with one another, so that they must not start alike.</summary>
    internal bool Together { get; private init; }

    /// <summary>What a target of explanations asks about: a class, a neuron, any function of the output.</summary>
    public static Objective Of(Target target)
    {
        string layer = target.Scope ?? PartialPass.Output;
        return new($"{target}", [layer], a => target.Score(a[layer]));
    }

    /// <summary>Any function of the result of a layer [N, ...] to one number for each example [N].</summary>
    /// <param name="name">In words.</param>
    /// <param name="layer">The layer; empty for the network's output.</param>
    /// <param name="score">The function.</param>
    public static Objective Of(string name, string layer, Func<Tensor, Tensor> score) => new(name, [layer], a => score(a[layer]));

    /// <summary>One neuron: (channel, row, column) in a feature map.</summary>
    public static Objective Neuron(string layer, params IReadOnlyList<int> position) => Of(Target.Neuron(layer, position));

    /// <summary>The logit of a class.</summary>
    public static Objective Logit(int k) => Of(Target.Class(k));

    /// <summary>One unit of a layer, the same for all examples.</summary>
    public static Objective Channel(string layer, int unit, UnitValue value = UnitValue.Mean) => Channels(layer, [unit], value);

    /// <summary>Unit <c>units[i]</c> of a layer for example i: many units are maximised in one batch.</summary>
    /// <param name="layer">The layer, of shape [N, C] or [N, C, ...]; empty for the network's output.</param>
    /// <param name="units">One for each example, or one for all.</param>
    /// <param name="value">What the activation of a channel is.</param>
    public static Objective Channels(string layer, IReadOnlyList<int> units, UnitValue value = UnitValue.Mean) =>
        new($"{(layer.Length == 0 ? "output" : layer)}[{string.Join(", ", units)}] {value}", [layer], a =>
            Units.Pick(a[layer], units, value, layer.Length == 0 ? "the output" : layer));

    /// <summary>All of a layer: the mean of its squared activations (Mordvintsev, Olah, Tyka 2015, "Inceptionism": what a network sees, it sees more
    /// of).</summary>
    public static Objective Layer(string layer) => new($"{layer}, all", [layer], a => a[layer].Square().Flatten().Mean([1]));

    /// <summary>A direction among the units of a layer: the mean over positions of the activations' share along it.</summary>
    /// <param name="layer">The layer, [N, C] or [N, C, ...].</param>
    /// <param name="direction">C numbers; only their direction counts.</param>
    /// <exception cref="ArgumentException">All are zero.</exception>
    public static Objective Direction(string layer, IReadOnlyList<float> direction)
    {
        double length = Math.Sqrt(direction.Sum(d => (double)d * d));
        if (!(length > 0)) throw new ArgumentException("A direction of length 0 points nowhere.", nameof(direction));
        Tensor unit = Tensor.From([.. direction.Select(d => (float)(d / length))], [direction.Count, 1]);
        return new($"a direction in {layer}", [layer], a =>
        {
            Tensor units = Units.Of(a[layer]); // [N, C]: the product is linear, so the mean over positions may come first
            return units.Shape[1] == unit.Shape[0] ? units.MatMul(unit).Squeeze(1)
                : throw new ArgumentException($"The direction has {unit.Shape[0]} numbers; {layer} has {units.Shape[1]} units.", nameof(direction));
        });
    }

    /// <summary>
    /// How little the examples of a batch resemble each other in a layer: minus the mean cosine of an example's Gram matrix (which units are active together,
    /// wherever) with those of the others. Added to an objective, it shows the several things a unit looks for.
    /// </summary>
    public static Objective Diversity(string layer) => new($"diversity in {layer}", [layer], a =>
    {
        Tensor activation = a[layer];
        int examples = activation.Shape[0];
        if (examples < 2) throw new ArgumentException("The examples of a batch differ from one another: there must be two or more.");
        Tensor rows = activation.Reshape(examples, activation.Shape[1], -1); // [N, C, positions]
        Tensor gram = rows.MatMul(rows.Transpose()).Flatten().Normalized();  // [N, C C]
        Tensor alike = gram.MatMul(gram.Transpose()).Sum([1]) - 1;           // [N]: with all, but oneself
        return alike * (-1f / (examples - 1));
    })
    { Together = true };

    /// <summary>
    /// A caricature: more of what a picture makes a layer see. The product of the activations with those of the picture, times their cosine to a power, so that
    /// the activations grow in the picture's own direction.
    /// </summary>
    /// <param name="layer">The layer.</param>
    /// <param name="reference">The layer's result for the picture, [1, ...].</param>
    /// <param name="power">0 for the product alone; more keeps more of the picture's direction.</param>
    public static Objective Caricature(string layer, Tensor reference, int power = 2)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(power);
        Tensor wanted = reference.Detach().Reshape(1, -1);
        float size = Math.Max(1e-12f, wanted.Norm([1]).Item());
        return new($"a caricature in {layer}", [layer], a =>
        {
            Tensor rows = a[layer].Flatten(); // [N, D]
            if (rows.Shape[1] != wanted.Shape[1]) throw new ArgumentException($"The picture's activations have {wanted.Shape[1]} numbers, those of {layer} " +
                $"{rows.Shape[1]}.");
            Tensor along = (rows * wanted).Sum([1]) / size; // [N]
            if (power == 0) return along;
            Tensor cosine = along / rows.Norm([1]).Maximum(Tensor.Scalar(1e-6f));
            return along * cosine.Clamp(0.1f).Pow(power); // not below 0.1: where nothing is alike yet, there is a slope all the same
        });
    }

    /// <summary>The sum of two objectives.</summary>
    public static Objective operator +(Objective a, Objective b) =>
        new($"{a.Name} + {b.Name}", [.. a.Layers.Union(b.Layers, StringComparer.Ordinal)], x =>
            a.Score(x) + b.Score(x))
        { Together = a.Together || b.Together };

    /// <summary>What raises the first and lowers the second.</summary>
    public static Objective operator -(Objective a, Objective b) =>
        new($"{a.Name} - {b.Name}", [.. a.Layers.Union(b.Layers, StringComparer.Ordinal)], x =>
            a.Score(x) - b.Score(x))
        { Together = a.Together || b.Together };

    /// <summary>An objective with a weight.</summary>
    public static Objective operator *(float weight, Objective a) =>
        new(FormattableString.Invariant($"{weight} x {a.Name}"), a.Layers, x => a.Score(x) * weight) { Together = a.Together };

    /// <summary>The value for each example, [N].</summary>
    /// <param name="activations">The results of the <see cref="Layers"/>, by name.</param>
    /// <exception cref="ArgumentException">A layer has no such unit, or the function did not give one number for each example.</exception>
    public Tensor Score(IReadOnlyDictionary<string, Tensor> activations)
    {
        Tensor score = _score(activations);
        int examples = activations[Layers[0]].Shape[0];
        return score.Rank == 1 && score.Shape[0] == examples ? score
            : throw new ArgumentException($"The objective {Name} gave shape {score.Shape} for {examples} examples; it should be [{examples}].");
    }

    /// <summary>The value of inputs as they are, [N].</summary>
    /// <param name="model">The network.</param>
    /// <param name="inputs">[N, ...].</param>
    /// <exception cref="ArgumentException">There is no such layer or unit.</exception>
    public Tensor Measure(Module model, Tensor inputs)
    {
        using var scope = MemoryScope.Open();
        return scope.Keep(Score(PartialPass.Of(model, inputs.Detach(), Layers, recording: false)));
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
