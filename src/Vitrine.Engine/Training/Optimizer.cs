namespace Vitrine;

/// <summary>
/// Changes parameters by their gradients, in place. An optimizer's state belongs to the parameters by name, so that a checkpoint can be resumed bit for bit.
/// </summary>
public abstract class Optimizer
{
    private readonly Dictionary<Parameter, Slots> _slots = new(ReferenceEqualityComparer.Instance);

    /// <summary>Creates an optimizer.</summary>
    /// <param name="learningRate">The step size; may be changed between steps.</param>
    protected Optimizer(float learningRate) => LearningRate = learningRate;

    /// <summary>The step size; schedules change it between steps.</summary>
    public float LearningRate { get; set; }

    /// <summary>How many steps were made.</summary>
    public long Steps { get; private set; }

    /// <summary>How many tensors of the parameter's size are kept for it between steps.</summary>
    protected abstract int SlotCount { get; }

    /// <summary>Updates every parameter that is not frozen; gradient i belongs to parameter i.</summary>
    /// <exception cref="ArgumentException">There are not as many gradients as parameters.</exception>
    public void Step(IReadOnlyList<Parameter> parameters, Gradients gradients)
    {
        if (parameters.Count != gradients.Count) throw new ArgumentException($"{gradients.Count} gradients do not belong to {parameters.Count} parameters.");
        Steps++;
        for (int i = 0; i < parameters.Count; i++)
        {
            Parameter parameter = parameters[i];
            if (parameter.IsFrozen || !gradients.Reached(i)) continue;
            Slots slots = SlotsOf(parameter);
            slots.Steps++;
            Update(parameter.Value.MutableFloats, gradients[i].Floats, slots.Tensors, slots.Steps);
        }
    }

    /// <summary>The state by name: <c>0.features.3.weight</c> for the first slot of a parameter.</summary>
    public IReadOnlyDictionary<string, Tensor> State()
    {
        var state = new SortedDictionary<string, Tensor>(StringComparer.Ordinal) { ["steps"] = Tensor.From([Steps], [1]) };
        foreach ((Parameter parameter, Slots slots) in _slots)
        {
            state.Add($"steps.{parameter.Name}", Tensor.From([slots.Steps], [1]));
            for (int i = 0; i < slots.Tensors.Length; i++) state.Add($"{i}.{parameter.Name}", slots.Tensors[i]);
        }
        return state;
    }

    /// <summary>Restores a <see cref="State"/> for these parameters.</summary>
    /// <exception cref="ArgumentException">The state is that of another optimizer or network.</exception>
    public void Load(IReadOnlyDictionary<string, Tensor> state, IEnumerable<Parameter> parameters)
    {
        _slots.Clear();
        Steps = Required("steps").Longs[0];
        foreach (Parameter parameter in parameters)
        {
            // A parameter that never had a gradient has no state yet.
            if (!state.TryGetValue($"steps.{parameter.Name}", out Tensor? steps)) continue;
            Slots slots = SlotsOf(parameter);
            slots.Steps = steps.Longs[0];
            for (int i = 0; i < slots.Tensors.Length; i++)
            {
                Tensor saved = Required($"{i}.{parameter.Name}");
                if (saved.Shape != parameter.Value.Shape) throw new ArgumentException($"The optimizer's state of {parameter.Name} has shape {saved.Shape}, not {parameter.Value.Shape}.");
                saved.Floats.CopyTo(slots.Tensors[i].MutableFloats);
            }
        }

        Tensor Required(string name) => state.TryGetValue(name, out Tensor? tensor) ? tensor : throw new ArgumentException($"The optimizer's state lacks {name}; it is that of another kind of optimizer.");
    }

    /// <summary>One update of one parameter.</summary>
    /// <param name="values">The parameter, to be changed.</param>
    /// <param name="gradient">Its gradient.</param>
    /// <param name="slots">Its state, to be changed; zeros before the first step.</param>
    /// <param name="step">The number of this update of this parameter, from 1.</param>
    private protected abstract void Update(Span<float> values, ReadOnlySpan<float> gradient, Tensor[] slots, long step);

    private Slots SlotsOf(Parameter parameter)
    {
        if (!_slots.TryGetValue(parameter, out Slots? slots)) _slots.Add(parameter, slots = NewSlots(parameter.Value.Shape));
        return slots;
    }

    private Slots NewSlots(Shape shape)
    {
        var tensors = new Tensor[SlotCount];
        for (int i = 0; i < tensors.Length; i++) tensors[i] = MemoryScope.Outside(() => Tensor.Zeros(shape));
        return new Slots(tensors);
    }

    private sealed class Slots(Tensor[] tensors)
    {
        public Tensor[] Tensors => tensors;

        public long Steps { get; set; }
    }
}
