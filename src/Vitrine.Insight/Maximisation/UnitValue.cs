namespace Vitrine.Insight;

/// <summary>What the activation of a unit is, where a unit is a channel with many positions.</summary>
public enum UnitValue
{
    /// <summary>The mean over all positions: how much of the picture has what the channel looks for.</summary>
    Mean,

    /// <summary>The largest of all positions: how well the best place of the picture has it.</summary>
    Max,

    /// <summary>The position in the middle: a single neuron, which does not see all of a large picture.</summary>
    Middle,
}

/// <summary>The activations of the units of a layer, each one number an example; the same for made and for real examples, so that they can be
/// compared.</summary>
public static class Units
{
    /// <summary>The activation of every unit.</summary>
    /// <param name="activation">The result of a layer, [N, C] or [N, C, ...].</param>
    /// <param name="value">What the activation of a channel is.</param>
    /// <returns>[N, C].</returns>
    /// <exception cref="ArgumentException">The result has no axis of units.</exception>
    public static Tensor Of(Tensor activation, UnitValue value = UnitValue.Mean)
    {
        if (activation.Rank < 2) throw new ArgumentException($"A result of shape {activation.Shape} has no units; it should be [N, C] or [N, C, ...].",
            nameof(activation));
        return activation.Rank == 2 ? activation : Pooled(activation.Reshape(activation.Shape[0], activation.Shape[1], -1), activation.Shape, value);
    }

    /// <summary>How many units a layer has.</summary>
    /// <param name="model">The network.</param>
    /// <param name="layer">The layer; empty for the network's output.</param>
    /// <param name="input">Any input.</param>
    /// <exception cref="ArgumentException">There is no such layer, or its result has no axis of units.</exception>
    public static int Count(Module model, string layer, Tensor input)
    {
        using var scope = MemoryScope.Open();
        Tensor activation = PartialPass.Of(model, input.Detach(), [layer], recording: false)[layer];
        return activation.Rank >= 2 ? activation.Shape[1]
            : throw new ArgumentException($"A result of shape {activation.Shape} has no units; it should be [N, C] or [N, C, ...].", nameof(layer));
    }

    /// <summary>One unit an example: unit <c>units[i]</c> of example i.</summary>
    /// <returns>[N].</returns>
    /// <exception cref="ArgumentException">There is no such unit, or not one for each example.</exception>
    internal static Tensor Pick(Tensor activation, IReadOnlyList<int> units, UnitValue value, string layer)
    {
        if (activation.Rank < 2) throw new ArgumentException($"The result of {layer} has shape {activation.Shape}: it has no units; it should be [N, C] or " +
            $"[N, C, ...].");
        int examples = activation.Shape[0], channels = activation.Shape[1];
        if (units.Count != 1 && units.Count != examples)
        {
            throw new ArgumentException($"There are {units.Count} units for {examples} examples: give one for each, or one for all.", nameof(units));
        }
        long[] rows = new long[examples];
        for (int i = 0; i < examples; i++)
        {
            int unit = units[units.Count == 1 ? 0 : i];
            if ((uint)unit >= (uint)channels) throw new ArgumentException($"There is no unit {unit}: {layer} has {channels}.", nameof(units));
            rows[i] = (long)i * channels + unit;
        }
        Tensor picked = activation.Reshape(examples * channels, -1).IndexSelect(0, Tensor.From(rows, [examples])); // [N, positions]
        return activation.Rank == 2 ? picked.Squeeze(1) : Pooled(picked, activation.Shape, value);
    }

    // Over the last axis, which holds the positions of the axes from the third on.
    private static Tensor Pooled(Tensor rows, Shape shape, UnitValue value)
    {
        switch (value)
        {
            case UnitValue.Max:
                return rows.Max([-1]);
            case UnitValue.Middle:
                int middle = 0;
                for (int axis = 2; axis < shape.Rank; axis++) middle = middle * shape[axis] + shape[axis] / 2;
                return rows.Slice(-1, middle, middle + 1).Squeeze(-1);
            default:
                return rows.Mean([-1]);
        }
    }
}
