using System.Numerics.Tensors;

namespace Vitrine;

/// <summary>What a classifier answered on a data set.</summary>
public sealed class Evaluation
{
    private Evaluation(Dataset data, double loss, int[] predicted, float[] confidence)
    {
        Data = data;
        Loss = loss;
        Predicted = predicted;
        Confidence = confidence;
        int correct = 0;
        for (int i = 0; i < predicted.Length; i++) correct += predicted[i] == data.Labels.Longs[i] ? 1 : 0;
        Accuracy = predicted.Length == 0 ? double.NaN : correct / (double)predicted.Length;
    }

    /// <summary>The data set.</summary>
    public Dataset Data { get; }

    /// <summary>Mean cross-entropy, in nats.</summary>
    public double Loss { get; }

    /// <summary>The part of the examples whose class is the most probable one, in [0, 1].</summary>
    public double Accuracy { get; }

    /// <summary>The most probable class of each example.</summary>
    public IReadOnlyList<int> Predicted { get; }

    /// <summary>The probability the network gives that class.</summary>
    public IReadOnlyList<float> Confidence { get; }

    /// <summary>Runs a classifier [N, ...] -> [N, classes] over a data set.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static Evaluation Of(Module network, Dataset data, int batchSize = 256, CancellationToken cancel = default)
    {
        int[] predicted = new int[data.Count];
        float[] confidence = new float[data.Count];
        double loss = 0;
        for (int start = 0; start < data.Count; start += batchSize)
        {
            cancel.ThrowIfCancellationRequested();
            using var scope = MemoryScope.Open();
            (Tensor inputs, Tensor labels) = data.Stretch(start, Math.Min(batchSize, data.Count - start));
            Tensor logP = network.Call(new Run(), inputs).LogSoftmax(1);
            int classes = logP.Shape[1];
            for (int i = 0; i < labels.Count; i++)
            {
                ReadOnlySpan<float> row = logP.Floats.Slice(i * classes, classes);
                int best = TensorPrimitives.IndexOfMax(row);
                predicted[start + i] = best;
                confidence[start + i] = MathF.Exp(row[best]);
                loss -= row[(int)labels.Longs[i]];
            }
        }
        return new Evaluation(data, loss / Math.Max(1, data.Count), predicted, confidence);
    }
}
