namespace Vitrine.Insight;

/// <summary>
/// A map of neurons (Rauber, Fadel, Falcao, Telea 2017): neurons that answer alike lie near each other, and each has its power to tell a class from the
/// others. The dissimilarity of two is 1 - |r|, with r Pearson's correlation of their activations; the map is metric multidimensional scaling of it by
/// majorisation (SMACOF, de Leeuw 1977). Where the paper ranks neurons by the importance an ensemble of trees gives them, this takes the area under the ROC
/// curve, which has no parameters.
/// </summary>
public sealed class NeuronProjection
{
    private const int MostSteps = 300;
    private const double SmallestGain = 1e-6;

    // The dissimilarities of more than this many neurons take over a gigabyte.
    private const int MostNeurons = 16_384;

    private NeuronProjection(Tensor map, Tensor dissimilarity, double stress)
    {
        Map = map;
        Dissimilarity = dissimilarity;
        Stress = stress;
    }

    /// <summary>[M, 2]: a place for each neuron.</summary>
    public Tensor Map { get; }

    /// <summary>[M, M]: 1 - |r|, in [0, 1]. A neuron that never changes is 1 from every other.</summary>
    public Tensor Dissimilarity { get; }

    /// <summary>Kruskal's stress of the map: the root of the squared errors of its distances over the squared dissimilarities.</summary>
    public double Stress { get; }

    /// <summary>Maps the neurons of a layer.</summary>
    /// <param name="activations">[N, M]: N examples, M neurons; further axes count as one.</param>
    /// <param name="cancel">Stops between two steps.</param>
    /// <exception cref="ArgumentException">There are fewer than two examples or three neurons, or more than 16,384 neurons.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static NeuronProjection Of(Tensor activations, CancellationToken cancel = default)
    {
        Tensor dissimilarity = Dissimilarities(activations);
        int m = dissimilarity.Shape[0];
        Tensor start = Pca.Fit(dissimilarity, 2).Project(dissimilarity);
        double[] x = new double[m], y = new double[m], nextX = new double[m], nextY = new double[m], sums = new double[m];
        for (int i = 0; i < m; i++) (x[i], y[i]) = (start.Floats[2 * i], start.Floats[2 * i + 1]);
        double whole = 0;
        foreach (float d in dissimilarity.Floats) whole += (double)d * d;
        double stress = double.PositiveInfinity;
        for (int step = 0; step < MostSteps; step++)
        {
            cancel.ThrowIfCancellationRequested();
            Majorise(dissimilarity, x, y, nextX, nextY, sums);
            double now = sums.Sum();
            if (stress - now < SmallestGain * now || now == 0)
            {
                stress = now;
                break;
            }
            stress = now;
            (x, nextX) = (nextX, x);
            (y, nextY) = (nextY, y);
        }
        float[] map = new float[2 * m];
        for (int i = 0; i < m; i++) (map[2 * i], map[2 * i + 1]) = ((float)x[i], (float)y[i]);
        Majorise(dissimilarity, x, y, nextX, nextY, sums);
        return new NeuronProjection(Tensor.From(map, [m, 2]), dissimilarity, whole > 0 ? Math.Sqrt(sums.Sum() / whole) : 0);
    }

    /// <summary>
    /// How well each neuron alone tells a class from the others: |2 AUC - 1|, in [0, 1], with AUC the probability that an example of the class excites it
    /// more than one of another class (Mann and Whitney 1947); 0 says nothing, 1 separates without error, by being on or off.
    /// </summary>
    /// <param name="activations">[N, M]: N examples, M neurons; further axes count as one.</param>
    /// <param name="labels">[N].</param>
    /// <param name="label">The class; some but not all examples have it.</param>
    /// <exception cref="ArgumentException">The sizes do not belong together, or all or no examples are of the class.</exception>
    public static float[] Power(Tensor activations, IReadOnlyList<int> labels, int label)
    {
        Rows rows = Rows.Of(activations, "activations", least: 2);
        MapQuality.CheckLabels(rows.Count, labels);
        int n = rows.Count, of = labels.Count(l => l == label);
        if (of == 0 || of == n)
        {
            throw new ArgumentException($"{of} of {n} examples are of class {label}; a neuron can be judged where some are and some are not.", nameof(label));
        }
        float[] power = new float[rows.Width];
        Work.Split(rows.Width, 4, (start, end) =>
        {
            float[] values = new float[n];
            int[] order = new int[n];
            for (int neuron = start; neuron < end; neuron++)
            {
                for (int i = 0; i < n; i++) (values[i], order[i]) = (rows[i][neuron], i);
                Array.Sort(values, order);
                double ranks = 0;
                for (int i = 0; i < n;)
                {
                    int next = i, inside = 0;
                    for (; next < n && values[next] == values[i]; next++) inside += labels[order[next]] == label ? 1 : 0;
                    ranks += inside * (i + 1 + next) / 2.0; // equal values share the mean of their ranks, i + 1 to next
                    i = next;
                }
                double area = (ranks - of * (of + 1.0) / 2) / ((double)of * (n - of));
                power[neuron] = (float)Math.Abs(2 * area - 1);
            }
        });
        return power;
    }

    private static Tensor Dissimilarities(Tensor activations)
    {
        Rows rows = Rows.Of(activations, "activations", least: 2);
        int n = rows.Count, m = rows.Width;
        if (m is < 3 or > MostNeurons)
        {
            throw new ArgumentException($"A map of neurons takes 3 to {MostNeurons} of them; these are {m}. Choose some, or a smaller layer.");
        }
        double[] mean = rows.Mean(), length = new double[m];
        using var scope = MemoryScope.Open();
        float[] unit = rows.Less(mean).ToArray(); // [N, M]
        for (int at = 0; at < unit.Length; at++) length[at % m] += (double)unit[at] * unit[at];
        for (int j = 0; j < m; j++)
        {
            // Rounding of the mean alone moves a constant neuron about this much.
            double rounding = n * Math.Pow(Math.Abs(mean[j]) * 1e-6, 2);
            length[j] = length[j] > rounding ? 1 / Math.Sqrt(length[j]) : 0;
        }
        for (int at = 0; at < unit.Length; at++) unit[at] = (float)(unit[at] * length[at % m]);
        Tensor all = Tensor.From(unit, [n, m]);
        float[] result = Ops.MatMulOp.Of(transposeA: true).Apply(all, all).ToArray(); // [M, M]
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < i; j++) result[i * m + j] = result[j * m + i] = Math.Clamp(1 - Math.Abs(result[i * m + j]), 0, 1);
            result[i * m + i] = 0;
        }
        return scope.Keep(Tensor.From(result, [m, m]));
    }

    // Guttman's transform, which never raises the stress; and the stress of the places it starts from, by rows.
    private static void Majorise(Tensor dissimilarity, double[] x, double[] y, double[] nextX, double[] nextY, double[] sums)
    {
        int m = x.Length;
        Work.Split(m, 16, (start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                ReadOnlySpan<float> row = dissimilarity.Floats.Slice(i * m, m);
                double sumX = 0, sumY = 0, stress = 0;
                for (int j = 0; j < m; j++)
                {
                    double dx = x[i] - x[j], dy = y[i] - y[j], distance = Math.Sqrt(dx * dx + dy * dy), error = distance - row[j];
                    stress += error * error;
                    double ratio = distance > 1e-12 ? row[j] / distance : 0;
                    (sumX, sumY) = (sumX + ratio * dx, sumY + ratio * dy);
                }
                (nextX[i], nextY[i], sums[i]) = (sumX / m, sumY / m, stress);
            }
        });
    }
}
