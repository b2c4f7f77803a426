using Vitrine.Insight;

namespace Vitrine.Experiments;

/// <summary>From attributions to one number a position, which is what the truth speaks of.</summary>
internal static class GroundMaps
{
    /// <summary>The shape of what a task attributes to: the input's, or the layer's result's.</summary>
    public static Shape Shape(GroundTask task) => Of(task).Shape;

    /// <summary>
    /// One map for each example. Channels (axis 1 of pictures and series) and the numbers of an embedding (the last axis) are summed; a map of fewer pixels than the
    /// truth is spread to its size.
    /// </summary>
    public static float[][] Of(GroundTask task, Tensor values)
    {
        int examples = task.Truth.Shape[0], size = task.Truth.Count / examples;
        if (task.Wrt is not null) values = values.Sum([-1]);
        else if (values.Rank > 2) values = values.Sum([1]);
        if (values.Count != task.Truth.Count) throw new ArgumentException($"A map of shape {values.Shape} says nothing about positions of shape {task.Truth.Shape}.");
        return [.. Enumerable.Range(0, examples).Select(i => values.Floats.Slice(i * size, size).ToArray())];
    }

    /// <summary>Maps that know no network: Sobel's edges of a picture, changes of a series, sizes of numbers and of embeddings.</summary>
    public static float[][] Edges(GroundTask task)
    {
        Tensor values = Of(task);
        if (task.Wrt is not null) return Of(task, values.Abs());
        return values.Rank switch
        {
            4 => Of(task, EdgeDetector.Sobel(values)),
            3 => Of(task, Changes(values)),
            _ => Of(task, values.Abs()),
        };
    }

    private static Tensor Of(GroundTask task)
    {
        if (task.Wrt is null) return task.Inputs;
        var run = new Run().Tap(task.Wrt);
        task.Network.Call(run, task.Inputs);
        return run.Taps[task.Wrt];
    }

    // [N, C, T]: how much a value differs from its neighbours.
    private static Tensor Changes(Tensor series)
    {
        int length = series.Shape[-1];
        float[] changes = new float[series.Count];
        ReadOnlySpan<float> x = series.Floats;
        for (int i = 0; i < changes.Length; i++)
        {
            int t = i % length;
            changes[i] = Math.Abs(x[t + 1 < length ? i + 1 : i] - x[t > 0 ? i - 1 : i]);
        }
        return Tensor.From(changes, series.Shape);
    }
}
