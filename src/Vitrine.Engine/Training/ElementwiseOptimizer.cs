namespace Vitrine;

/// <summary>
/// Parameters that learn in a way of their own: the first layers slowly (discriminative learning rates; Howard and Ruder 2018), biases without weight decay.
/// </summary>
/// <param name="members">Which parameters, by name: <c>name => name.StartsWith("features.")</c>.</param>
public sealed class ParameterGroup(Func<string, bool> members)
{
    /// <summary>Which parameters, by name.</summary>
    public Func<string, bool> Members => members;

    /// <summary>Their step size as a part of the optimizer's, so that a schedule of the optimizer's governs it too.</summary>
    public double LearningRateFactor { get; init; } = 1;

    /// <summary>Their weight decay; null for the optimizer's.</summary>
    public double? WeightDecay { get; init; }
}

/// <summary>An optimizer that looks at every weight by itself: at its gradient and at a few numbers kept for it between steps.</summary>
public abstract class ElementwiseOptimizer : Optimizer
{
    private readonly Dictionary<Parameter, Slots> _slots = new(ReferenceEqualityComparer.Instance);

    private protected ElementwiseOptimizer(double learningRate, double weightDecay)
        : base((float)learningRate) => WeightDecay = weightDecay;

    /// <summary>How strongly weights are drawn to 0; each optimizer says in which way.</summary>
    public double WeightDecay { get; }

    /// <summary>Parameters with their own learning rate and weight decay; the first group that has a parameter counts.</summary>
    public IReadOnlyList<ParameterGroup> Groups { get; init; } = [];

    /// <inheritdoc/>
    public sealed override bool NeedsLoss => false;

    /// <summary>How many tensors of the parameter's size are kept for it between steps.</summary>
    private protected abstract int SlotCount { get; }

    /// <summary>Updates one parameter.</summary>
    private protected abstract void Update(in ParameterStep step);

    private protected sealed override void Advance(
        IReadOnlyList<Parameter> parameters, float loss, Gradients gradients, Func<(float Loss, Gradients Gradients)> evaluate)
    {
        for (int i = 0; i < parameters.Count; i++)
        {
            Parameter parameter = parameters[i];
            if (parameter.IsFrozen || !gradients.Reached(i)) continue;
            Slots slots = SlotsOf(parameter);
            slots.Steps++;
            Update(new ParameterStep
            {
                Values = parameter.Value.MutableFloats,
                Gradient = gradients[i].Floats,
                Slots = slots.Tensors,
                Number = slots.Steps,
                LearningRate = LearningRate * (slots.Group?.LearningRateFactor ?? 1),
                WeightDecay = slots.Group?.WeightDecay ?? WeightDecay,
            });
        }
    }

    private protected sealed override void Save(IDictionary<string, Tensor> state)
    {
        foreach ((Parameter parameter, Slots slots) in _slots)
        {
            state.Add($"steps.{parameter.Name}", Tensor.From([slots.Steps], [1]));
            for (int i = 0; i < slots.Tensors.Length; i++) state.Add($"{i}.{parameter.Name}", slots.Tensors[i]);
        }
    }

    private protected sealed override void Restore(IReadOnlyDictionary<string, Tensor> state, IEnumerable<Parameter> parameters)
    {
        _slots.Clear();
        foreach (Parameter parameter in parameters)
        {
            // A parameter that never had a gradient has no state yet.
            if (!state.TryGetValue($"steps.{parameter.Name}", out Tensor? steps)) continue;
            Slots slots = SlotsOf(parameter);
            slots.Steps = steps.Longs[0];
            for (int i = 0; i < slots.Tensors.Length; i++)
            {
                Tensor saved = Required(state, $"{i}.{parameter.Name}");
                if (saved.Shape != parameter.Value.Shape)
                    throw new ArgumentException($"The optimizer's state of {parameter.Name} has shape {saved.Shape}, not {parameter.Value.Shape}.");
                saved.Floats.CopyTo(slots.Tensors[i].MutableFloats);
            }
        }
    }

    private Slots SlotsOf(Parameter parameter)
    {
        if (_slots.TryGetValue(parameter, out Slots? slots)) return slots;
        var tensors = new Tensor[SlotCount];
        for (int i = 0; i < tensors.Length; i++) tensors[i] = MemoryScope.Outside(() => Tensor.Zeros(parameter.Value.Shape));
        slots = new Slots(tensors, Groups.FirstOrDefault(g => g.Members(parameter.Name)));
        _slots.Add(parameter, slots);
        return slots;
    }

    private sealed class Slots(Tensor[] tensors, ParameterGroup? group)
    {
        public Tensor[] Tensors => tensors;

        public ParameterGroup? Group => group;

        public long Steps { get; set; }
    }
}

/// <summary>What an update of one parameter needs to know.</summary>
internal readonly ref struct ParameterStep
{
    /// <summary>The parameter, to be changed.</summary>
    public Span<float> Values { get; init; }

    /// <summary>Its gradient.</summary>
    public ReadOnlySpan<float> Gradient { get; init; }

    /// <summary>Its state, to be changed; zeros before the first update.</summary>
    public ReadOnlySpan<Tensor> Slots { get; init; }

    /// <summary>The number of this update of this parameter, from 1.</summary>
    public long Number { get; init; }

    /// <summary>The step size for this parameter.</summary>
    public double LearningRate { get; init; }

    /// <summary>The weight decay for this parameter.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Applies an optimizer's formula.</summary>
    public void Apply<TRule>(TRule rule)
        where TRule : unmanaged, Cpu.IUpdateRule => Cpu.UpdateKernels.Run(Values, Gradient, Slots, rule);
}
