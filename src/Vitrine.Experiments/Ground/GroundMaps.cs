namespace Vitrine.Experiments;

/// <summary>From attributions to one number a position, which is what the truth speaks of.</summary>
internal static class GroundMaps
{
    /// <summary>
    /// One map for each example. Channels (axis 1 of pictures and series) and the numbers of an embedding (the last axis) are summed; a map of fewer pixels
    /// than the truth is spread to its size.
    /// </summary>
    public static float[][] Of(GroundTask task, Tensor values)
    {
        int examples = task.Truth.Shape[0], size = task.Truth.Count / examples;
        if (task.Wrt is not null) values = values.Sum([-1]);
        else if (values.Rank > 2) values = values.Sum([1]);
        if (values.Count != task.Truth.Count)
            throw new ArgumentException($"A map of shape {values.Shape} says nothing about positions of shape {task.Truth.Shape}.");
        return [.. Enumerable.Range(0, examples).Select(i => values.Floats.Slice(i * size, size).ToArray())];
    }
}
