namespace Vitrine.Insight;

/// <summary>
/// New points in an old map (Policar, Strazar, Zupan 2021): each starts at the mean of its nearest neighbours' places and descends KL(p || q) of its own,
/// where p is over its neighbours and q over all points of the map. A point's place does not depend on what else is put in.
/// </summary>
internal static class TsneEmbedding
{
    private const int Steps = 250;
    private const double Rate = 0.1;
    private const double Momentum = 0.8;
    private const double LongestGradient = 0.25;

    public static Tensor Of(Rows rows, double[] x, double[] y, Tensor points, double perplexity, CancellationToken cancel)
    {
        Rows queries = Rows.Of(points, "new points");
        if (queries.Width != rows.Width)
        {
            throw new ArgumentException($"The map is one of points of {rows.Width} numbers; the new ones have {queries.Width}.", nameof(points));
        }
        int k = Math.Min(rows.Count, (int)(3 * perplexity + 1));
        NeighbourGraph graph = NeighbourGraph.Exact(queries, rows, k, cancel);
        float[] places = new float[2 * queries.Count];
        Work.Split(queries.Count, 1, (start, end) =>
        {
            float[] p = new float[k];
            for (int i = start; i < end && !cancel.IsCancellationRequested; i++)
            {
                Affinities.Conditional(graph.Distance.AsSpan(i * k, k), perplexity, p);
                (places[2 * i], places[2 * i + 1]) = Descend(graph[i], p, x, y);
            }
        });
        cancel.ThrowIfCancellationRequested();
        return Tensor.From(places, [queries.Count, 2]);
    }

    private static (float X, float Y) Descend(ReadOnlySpan<int> neighbours, float[] p, double[] x, double[] y)
    {
        double px = 0, py = 0, speedX = 0, speedY = 0;
        for (int k = 0; k < p.Length; k++) (px, py) = (px + p[k] * x[neighbours[k]], py + p[k] * y[neighbours[k]]);
        for (int step = 0; step < Steps; step++)
        {
            double gradX = 0, gradY = 0, z = 0, pushX = 0, pushY = 0;
            for (int k = 0; k < p.Length; k++)
            {
                double dx = px - x[neighbours[k]], dy = py - y[neighbours[k]], share = p[k] / (1 + dx * dx + dy * dy);
                (gradX, gradY) = (gradX + share * dx, gradY + share * dy);
            }
            for (int j = 0; j < x.Length; j++)
            {
                double dx = px - x[j], dy = py - y[j], w = 1 / (1 + dx * dx + dy * dy);
                z += w;
                (pushX, pushY) = (pushX + w * w * dx, pushY + w * w * dy);
            }
            (gradX, gradY) = (2 * (gradX - pushX / z), 2 * (gradY - pushY / z));
            double length = Math.Sqrt(gradX * gradX + gradY * gradY);
            if (length > LongestGradient) (gradX, gradY) = (gradX * LongestGradient / length, gradY * LongestGradient / length);
            (speedX, speedY) = (Momentum * speedX - Rate * gradX, Momentum * speedY - Rate * gradY);
            (px, py) = (px + speedX, py + speedY);
        }
        return ((float)px, (float)py);
    }
}
