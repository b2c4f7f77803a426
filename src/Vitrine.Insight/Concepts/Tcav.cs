namespace Vitrine.Insight;

/// <summary>How much a concept has to do with a class.</summary>
/// <param name="Score">The share of the class's examples whose answer grows in the concept's direction, the mean over concept vectors.</param>
/// <param name="Scores">That share for the concept against each set of random examples.</param>
/// <param name="RandomScores">That share for each set of random examples against the next.</param>
/// <param name="P">The two-sided probability that concepts without meaning differ so much: where it is not small, say 0.05 over the number of questions asked,
/// the score says nothing.</param>
/// <param name="Accuracy">How many of the concept's and the random examples their vectors tell apart, the mean; 0.5 where the layer does not know the
/// concept.</param>
public sealed record ConceptScore(double Score, IReadOnlyList<double> Scores, IReadOnlyList<double> RandomScores, double P, double Accuracy);

/// <summary>
/// Testing with concept activation vectors (Kim, Wattenberg, Gilmer, Cai, Wexler, Viegas, Sayres 2018, "Interpretability beyond feature attribution"): a
/// concept is the direction in a layer that tells its examples from random ones, and matters to a class when the class's answer grows in that direction.
/// </summary>
public static class Tcav
{
    /// <summary>The weight decay of the linear classifier, as a share of the mean squared length of an example.</summary>
    private const double Decay = 0.01;

    /// <summary>Tests a concept.</summary>
    /// <param name="model">The network.</param>
    /// <param name="layer">The module call in whose result the concept is looked for.</param>
    /// <param name="concept">Examples of the concept, [N, ...].</param>
    /// <param name="random">Sets of random examples, [N, ...] each, two or more; the paper takes up to 500.</param>
    /// <param name="inputs">Examples of the class, [N, ...].</param>
    /// <param name="target">The answer that is asked about.</param>
    /// <param name="cancel">Ends the work between two passes.</param>
    /// <exception cref="ArgumentException">There are fewer than two random sets, or no such module call.</exception>
    public static ConceptScore Test(
        Module model, string layer, Tensor concept, IReadOnlyList<Tensor> random, Tensor inputs, Target target, CancellationToken cancel = default)
    {
        if (random.Count < 2) throw new ArgumentException($"A test needs two sets of random examples or more; there is {random.Count}.", nameof(random));
        float[][] gradients = Gradients(model, layer, inputs, target, cancel);
        float[][] known = LayerRows.Of(model, concept, layer, cancel);
        float[][][] unknown = [.. random.Select(r => LayerRows.Of(model, r, layer, cancel))];
        var scores = new List<double>();
        var accuracy = new List<double>();
        var randomScores = new List<double>();
        for (int i = 0; i < unknown.Length; i++)
        {
            double[] vector = Vector(known, unknown[i], out double right);
            scores.Add(Score(gradients, vector));
            accuracy.Add(right);
            randomScores.Add(Score(gradients, Vector(unknown[i], unknown[(i + 1) % unknown.Length], out _)));
        }
        return new ConceptScore(scores.Average(), scores, randomScores, Student.P(scores, randomScores), accuracy.Average());
    }

    /// <summary>The unit vector that points from the others to the examples: the normal of a linear classifier by regularised least squares.</summary>
    /// <param name="model">The network.</param>
    /// <param name="layer">The module call.</param>
    /// <param name="concept">Examples, [N, ...].</param>
    /// <param name="others">What they are told from, [N, ...].</param>
    /// <param name="cancel">Ends the work between two passes.</param>
    /// <returns>As many numbers as the layer has for an example.</returns>
    public static double[] Vector(Module model, string layer, Tensor concept, Tensor others, CancellationToken cancel = default) =>
        Vector(LayerRows.Of(model, concept, layer, cancel), LayerRows.Of(model, others, layer, cancel), out _);

    private static double[] Vector(float[][] positive, float[][] negative, out double right)
    {
        float[][] rows = [.. positive, .. negative];
        int count = rows.Length, size = rows[0].Length;
        double[] middle = new double[size];
        // The middle of both sets' means, so that sets of different sizes count alike.
        foreach (float[][] set in (float[][][])[positive, negative])
        {
            foreach (float[] row in set)
            {
                for (int i = 0; i < size; i++) middle[i] += row[i] / (2.0 * set.Length);
            }
        }
        // There are fewer examples than numbers in a layer: the weights are a sum of examples, whose shares solve a system of their products.
        double[,] products = new double[count, count];
        double length = 0;
        for (int a = 0; a < count; a++)
        {
            for (int b = 0; b <= a; b++)
            {
                for (int i = 0; i < size; i++) products[a, b] += (rows[a][i] - middle[i]) * (rows[b][i] - middle[i]);
            }
            length += products[a, a] / count;
        }
        for (int a = 0; a < count; a++) products[a, a] += Decay * length + double.Epsilon;
        double[] shares = LeastSquares.Solve(products, [.. rows.Select((_, a) => a < positive.Length ? 1.0 : -1)]);
        double[] vector = new double[size];
        for (int a = 0; a < count; a++)
        {
            for (int i = 0; i < size; i++) vector[i] += shares[a] * (rows[a][i] - middle[i]);
        }
        double norm = Math.Sqrt(vector.Sum(v => v * v));
        if (norm > 0) vector = [.. vector.Select(v => v / norm)];
        int hits = 0;
        for (int a = 0; a < count; a++)
        {
            double side = 0;
            for (int i = 0; i < size; i++) side += vector[i] * (rows[a][i] - middle[i]);
            if (side > 0 == a < positive.Length) hits++;
        }
        right = (double)hits / count;
        return vector;
    }

    private static double Score(float[][] gradients, double[] vector) => gradients.Average(g =>
    {
        double slope = 0;
        for (int i = 0; i < g.Length; i++) slope += g[i] * vector[i];
        return slope > 0 ? 1.0 : 0;
    });

    private static float[][] Gradients(Module model, string layer, Tensor inputs, Target target, CancellationToken cancel)
    {
        Tensor values = new Gradient().Explain(model, inputs, target, layer, cancel: cancel).Values;
        return [.. values.ToArray().Chunk(values.Count / inputs.Shape[0])];
    }
}
