namespace Vitrine.Insight;

/// <summary>A network's state at some time of its training.</summary>
/// <param name="State">Parameters and buffers by name, as <see cref="Module.State"/> gives them; copied values, not the network's own.</param>
/// <param name="LearningRate">The learning rate at that time.</param>
public sealed record TrainingMoment(IReadOnlyDictionary<string, Tensor> State, double LearningRate)
{
    /// <summary>The state of a network now.</summary>
    public static TrainingMoment Of(Module model, double learningRate) =>
        new(model.State().ToDictionary(s => s.Key, s => Tensor.From(s.Value.Floats, s.Value.Shape), StringComparer.Ordinal), learningRate);
}

/// <summary>
/// TracIn (Pruthi, Liu, Kale, Sundararajan 2020, "Estimating training data influence by tracing gradient descent"): how much a step on a training example
/// lowered the loss of another one, summed over moments of the training: the products of both gradients times the learning rate. Positive for examples that
/// helped.
/// </summary>
public static class TracIn
{
    /// <summary>The influence of each training example on each test example.</summary>
    /// <remarks>
    /// The network takes on the states one after the other and gets its own back at the end, whatever happens: nobody else may use it meanwhile.
    /// </remarks>
    /// <param name="model">The network.</param>
    /// <param name="moments">States from its training.</param>
    /// <param name="training">The training examples.</param>
    /// <param name="test">The examples that are asked about.</param>
    /// <param name="loss">The loss of a batch from output and labels; null for cross entropy.</param>
    /// <param name="progress">Told the share of the work that is done.</param>
    /// <param name="cancel">Ends the work between two examples.</param>
    /// <returns>[test, training].</returns>
    public static double[,] Of(
        Module model, IReadOnlyList<TrainingMoment> moments, Dataset training, Dataset test, Func<Tensor, Tensor, Tensor>? loss = null,
        IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        double[,] influence = new double[test.Count, training.Count];
        var gradients = new WeightGradients(model, loss ?? ((output, labels) => Loss.CrossEntropy(output, labels)));
        TrainingMoment own = TrainingMoment.Of(model, 0);
        try
        {
            for (int m = 0; m < moments.Count; m++)
            {
                model.Load(moments[m].State);
                float[][] asked = [.. Enumerable.Range(0, test.Count).Select(t => One(gradients, test, t, cancel))];
                for (int i = 0; i < training.Count; i++)
                {
                    float[] step = One(gradients, training, i, cancel);
                    for (int t = 0; t < asked.Length; t++) influence[t, i] += moments[m].LearningRate * Product(asked[t], step);
                    progress?.Report((m + (i + 1.0) / training.Count) / moments.Count);
                }
            }
        }
        finally
        {
            model.Load(own.State);
        }
        return influence;
    }

    internal static float[] One(WeightGradients gradients, Dataset data, int i, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        return gradients.Of(data.Inputs.Slice(0, i, i + 1), data.Labels.Slice(0, i, i + 1));
    }

    internal static double Product(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) sum += (double)a[i] * b[i];
        return sum;
    }
}
