namespace Vitrine.Insight;

/// <summary>
/// Influence functions (Koh and Liang 2017, "Understanding black-box predictions via influence functions"): how the loss of an example would change if a
/// training example weighed a little more, by one step of Newton's method. The Hessian is never made: it is multiplied with vectors, and conjugate gradients
/// invert it.
/// </summary>
public static class InfluenceFunctions
{
    /// <summary>
    /// The derivative of each test example's loss with respect to each training example's weight in the mean loss. Negative for examples that help.
    /// </summary>
    /// <remarks>
    /// Divided by the number of training examples and negated it estimates by how much the loss would change were the example left out. The estimate is exact
    /// for losses that are quadratic in the weights; for deep networks, whose Hessian is not positive, the damping makes it so and the estimate becomes one of
    /// the damped network.
    /// </remarks>
    /// <param name="model">The network, trained.</param>
    /// <param name="training">What it was trained on.</param>
    /// <param name="test">The examples that are asked about.</param>
    /// <param name="loss">The mean loss of a batch from output and labels; null for cross entropy.</param>
    /// <param name="damping">Added to the Hessian's diagonal; weight decay belongs here too.</param>
    /// <param name="iterations">The most steps of conjugate gradients; each takes two passes over the training data.</param>
    /// <param name="progress">Told the share of the test examples that are done.</param>
    /// <param name="cancel">Ends the work between two passes.</param>
    /// <returns>[test, training].</returns>
    /// <exception cref="NotSupportedException">An operator of the network has no second derivative; the message names it.</exception>
    /// <exception cref="ArithmeticException">The damped Hessian is not positive; take more damping.</exception>
    public static double[,] Of(
        Module model, Dataset training, Dataset test, Func<Tensor, Tensor, Tensor>? loss = null, double damping = 0.01, int iterations = 100,
        IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(damping);
        var gradients = new WeightGradients(model, loss ?? ((output, labels) => Loss.CrossEntropy(output, labels)));
        double[][] directions = new double[test.Count][];
        for (int t = 0; t < test.Count; t++)
        {
            directions[t] = Inverse(gradients, training, TracIn.One(gradients, test, t, cancel), damping, iterations, cancel);
            progress?.Report((t + 1.0) / test.Count);
        }
        double[,] influence = new double[test.Count, training.Count];
        for (int i = 0; i < training.Count; i++)
        {
            float[] pull = TracIn.One(gradients, training, i, cancel);
            for (int t = 0; t < test.Count; t++)
            {
                double sum = 0;
                for (int k = 0; k < pull.Length; k++) sum += directions[t][k] * pull[k];
                influence[t, i] = -sum;
            }
        }
        return influence;
    }

    /// <summary>The damped Hessian's inverse times a vector, by conjugate gradients (Hestenes and Stiefel 1952).</summary>
    private static double[] Inverse(WeightGradients gradients, Dataset training, float[] vector, double damping, int iterations, CancellationToken cancel)
    {
        double[] x = new double[vector.Length], residual = [.. vector.Select(v => (double)v)], direction = [.. residual];
        double error = residual.Sum(r => r * r), enough = 1e-12 * error;
        for (int i = 0; i < iterations && error > enough; i++)
        {
            cancel.ThrowIfCancellationRequested();
            float[] curved = gradients.Hessian(training.Inputs, training.Labels, direction);
            double bend = 0;
            for (int k = 0; k < x.Length; k++) bend += direction[k] * (curved[k] + damping * direction[k]);
            if (!(bend > 0))
            {
                throw new ArithmeticException($"The loss curves downwards in some direction of the weights even with a damping of {damping}; take more.");
            }
            double step = error / bend, next = 0;
            for (int k = 0; k < x.Length; k++)
            {
                x[k] += step * direction[k];
                residual[k] -= step * (curved[k] + damping * direction[k]);
                next += residual[k] * residual[k];
            }
            for (int k = 0; k < x.Length; k++) direction[k] = residual[k] + next / error * direction[k];
            error = next;
        }
        return x;
    }
}
