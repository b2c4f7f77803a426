namespace Vitrine.Insight;

/// <summary>What UMAP is to do; the defaults are those of its authors' implementation.</summary>
public sealed record UmapSettings
{
    /// <summary>How many nearest points a point is tied to: at least 2, less than the number of points.</summary>
    public int Neighbours { get; init; } = 15;

    /// <summary>How near points may come to each other in the map, from 0 to <see cref="Spread"/>.</summary>
    public double MinDist { get; init; } = 0.1;

    /// <summary>The scale of the map, above 0.</summary>
    public double Spread { get; init; } = 1;

    /// <summary>How many passes over the ties are made; 0 for 500 up to 10,000 points and 200 beyond.</summary>
    public int Epochs { get; init; }

    /// <summary>The size of the first step; it falls to nothing in a straight line.</summary>
    public double LearningRate { get; init; } = 1;

    /// <summary>How many points, drawn at random, push a point off for each tie that pulls it.</summary>
    public int NegativeSamples { get; init; } = 5;

    /// <summary>Of the points that are drawn, of the search for neighbours and of principal components of many dimensions.</summary>
    public ulong Seed { get; init; }

    internal int EpochsFor(int n) => Epochs > 0 ? Epochs : n <= 10_000 ? 500 : 200;

    internal void Check(int n)
    {
        if (Neighbours < 2 || Neighbours >= n) throw new ArgumentException($"Each of {n} points is tied to 2 to {n - 1} neighbours, not {Neighbours}.");
        if (!(Spread > 0) || !double.IsFinite(Spread)) throw new ArgumentException($"The spread of a map is a positive number, not {Spread}.");
        if (!(MinDist >= 0) || MinDist > Spread) throw new ArgumentException($"The least distance is 0 to the spread of {Spread}, not {MinDist}.");
        if (Epochs < 0) throw new ArgumentException($"A number of epochs cannot be negative ({Epochs}).");
        if (!(LearningRate > 0) || !double.IsFinite(LearningRate)) throw new ArgumentException($"The learning rate is a positive number, not {LearningRate}.");
        if (NegativeSamples < 0) throw new ArgumentException($"A number of samples cannot be negative ({NegativeSamples}).");
    }
}

/// <summary>How far a map is.</summary>
/// <param name="Epoch">Epochs made.</param>
/// <param name="Epochs">Epochs to make.</param>
/// <param name="Map">[N, 2], a copy.</param>
public readonly record struct UmapProgress(int Epoch, int Epochs, Tensor Map);

/// <summary>
/// Uniform manifold approximation and projection (McInnes, Healy, Melville 2018): ties to near points, as strong whatever the density, become distances in a
/// map by stochastic gradient descent with negative sampling. Where the authors' code moves points one after the other, here every point makes the moves of an
/// epoch among the others as they stood at its beginning: the same seed gives the same bytes with any number of threads. The map starts from the two principal
/// components.
/// </summary>
public sealed class Umap
{
    private const double StartWidth = 10;
    private const double LongestMove = 4;
    private const double Nearest = 0.001;
    private const int ReportEvery = 25;

    // New points start where their neighbours are: they need fewer and smaller steps.
    private const double EmbeddingRate = 0.25;

    private readonly UmapSettings _settings;
    private readonly Rows _rows;
    private readonly FuzzyNeighbours _ties;
    private readonly float _strongest;
    private readonly double _a, _b;
    private double[] _x, _y, _nextX, _nextY;

    /// <summary>Finds neighbours, ties and the start of a map.</summary>
    /// <param name="points">[N, D]; further axes count as one.</param>
    /// <param name="settings">What to do; null for the defaults.</param>
    /// <param name="start">[N, 2], where the map starts, scaled to a half-width of 10; null for the two principal components.</param>
    /// <param name="cancel">Stops the search for neighbours.</param>
    /// <exception cref="ArgumentException">The settings do not suit the points, or a number is not finite.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public Umap(Tensor points, UmapSettings? settings = null, Tensor? start = null, CancellationToken cancel = default)
    {
        _settings = settings ?? new UmapSettings();
        _rows = Rows.Of(points, "points", least: 4);
        int n = _rows.Count;
        _settings.Check(n);
        if (start is not null && start.Shape != [n, 2])
            throw new ArgumentException($"The start of a map of {n} points is [{n}, 2], not {start.Shape}.", nameof(start));
        (_a, _b) = Curve(_settings.MinDist, _settings.Spread);
        _ties = FuzzyNeighbours.Of(NeighbourGraph.Of(_rows, _settings.Neighbours, _settings.Seed, cancel));
        _strongest = _ties.Value.Max();
        (_x, _y, _nextX, _nextY) = (new double[n], new double[n], new double[n], new double[n]);
        Begin(start is null ? Pca.Plane(_rows, _settings.Seed) : Rows.Of(start, "start of a map").Tensor);
    }

    /// <summary>Epochs made.</summary>
    public int Epoch { get; private set; }

    /// <summary>[N, 2]: a copy of the map as it is now.</summary>
    public Tensor Map
    {
        get
        {
            float[] all = new float[2 * _x.Length];
            for (int i = 0; i < _x.Length; i++) (all[2 * i], all[2 * i + 1]) = ((float)_x[i], (float)_y[i]);
            return Tensor.From(all, [_x.Length, 2]);
        }
    }

    /// <summary>
    /// The constants of 1 / (1 + a d^2b), by least squares the nearest of these curves to exp(-(d - minDist) / spread), which is 1 up to minDist (at 300
    /// distances from 0 to three times the spread).
    /// </summary>
    /// <param name="minDist">How near points may come, from 0.</param>
    /// <param name="spread">The scale, above 0.</param>
    public static (double A, double B) Curve(double minDist, double spread)
    {
        const int places = 300, steps = 200;
        double a = 1, b = 1, damping = 1e-3, error = Error(a, b);
        for (int step = 0; step < steps; step++)
        {
            // Levenberg (1944) and Marquardt (1963), two parameters: the logarithms keep both positive.
            double aa = 0, ab = 0, bb = 0, ra = 0, rb = 0;
            for (int i = 0; i < places; i++)
            {
                (double d, double wanted) = Wanted(i);
                if (d == 0) continue;
                double power = a * Math.Pow(d, 2 * b), value = 1 / (1 + power), slope = -value * value * power;
                (double da, double db, double residual) = (slope, slope * 2 * b * Math.Log(d), wanted - value);
                (aa, ab, bb, ra, rb) = (aa + da * da, ab + da * db, bb + db * db, ra + da * residual, rb + db * residual);
            }
            double first = aa * (1 + damping), second = bb * (1 + damping), determinant = first * second - ab * ab;
            double nextA = a * Math.Exp((ra * second - rb * ab) / determinant), nextB = b * Math.Exp((rb * first - ra * ab) / determinant);
            double next = Error(nextA, nextB);
            if (!(next < error))
            {
                damping *= 10;
                if (!(damping < 1e12)) break;
                continue;
            }
            bool rested = error - next < 1e-15 * error;
            (a, b, error, damping) = (nextA, nextB, next, damping / 10);
            if (rested) break;
        }
        return (a, b);

        (double Distance, double Value) Wanted(int i)
        {
            double d = 3 * spread * i / (places - 1);
            return (d, d < minDist ? 1 : Math.Exp(-(d - minDist) / spread));
        }

        double Error(double a, double b)
        {
            double sum = 0;
            for (int i = 0; i < places; i++)
            {
                (double d, double wanted) = Wanted(i);
                sum += Math.Pow(wanted - 1 / (1 + a * Math.Pow(d, 2 * b)), 2);
            }
            return sum;
        }
    }

    /// <summary>About how many bytes a map takes while it is made, the points themselves not counted.</summary>
    /// <param name="points">N.</param>
    /// <param name="dimensions">D.</param>
    /// <param name="settings">What is to be done; null for the defaults.</param>
    public static long EstimateBytes(int points, int dimensions, UmapSettings? settings = null)
    {
        long n = points, k = Math.Min((settings ?? new UmapSettings()).Neighbours, points - 1);
        // Neighbours, their memberships as lists of both directions, and the joined rows, with the copy that trims them.
        return n * k * (8 + 4 + 4 * 8 + 2 * 2 * 8) + 2 * n * dimensions * sizeof(float) + Math.Min(n * n, 4L << 20) * sizeof(float) + 4 * n * sizeof(double);
    }

    /// <summary>Makes one epoch: each tie pulls as often as it is strong, and each pull comes with pushes by points drawn at random.</summary>
    public void Step()
    {
        int n = _x.Length, epochs = Math.Max(_settings.EpochsFor(n), Epoch + 1), epoch = Epoch;
        double rate = _settings.LearningRate * (1 - epoch / (double)epochs);
        ulong key = new RandomSource(_settings.Seed).Derive((ulong)epoch);
        Work.Split(n, 128, (start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                int from = _ties.Start[i], to = _ties.Start[i + 1];
                var point = new MovingPoint(this, i, _x[i], _y[i], new RandomSource(new RandomSource(key).Derive((ulong)i)), rate);
                for (int at = from; at < to; at++)
                {
                    // A tie is drawn on from both of its ends, which pulls this point twice.
                    if (Due(_ties.Value[at] / _strongest, epoch)) point.Follow(_ties.Column[at], pulls: 2);
                }
                (_nextX[i], _nextY[i]) = (point.X, point.Y);
            }
        });
        (_x, _nextX) = (_nextX, _x);
        (_y, _nextY) = (_nextY, _y);
        Epoch++;
    }

    /// <summary>Makes the epochs that are left.</summary>
    /// <param name="progress">Is told every 25 epochs, and at the end.</param>
    /// <param name="cancel">Stops between two epochs; what was done stays, and a further call goes on.</param>
    /// <returns>The map, [N, 2].</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public Tensor Run(IProgress<UmapProgress>? progress = null, CancellationToken cancel = default)
    {
        int epochs = _settings.EpochsFor(_x.Length);
        while (Epoch < epochs)
        {
            cancel.ThrowIfCancellationRequested();
            Step();
            if (Epoch % ReportEvery == 0 || Epoch == epochs) progress?.Report(new UmapProgress(Epoch, epochs, Map));
        }
        return Map;
    }

    /// <summary>
    /// Puts new points into the map as it is now: each starts at the mean of its neighbours' places, by their memberships, and descends alone. The map stays,
    /// and a point's place does not depend on what else is put in.
    /// </summary>
    /// <param name="points">[M, D] with the map's D.</param>
    /// <param name="cancel">Stops it.</param>
    /// <returns>[M, 2].</returns>
    /// <exception cref="ArgumentException">The points have another number of dimensions, or a number is not finite.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public Tensor Embed(Tensor points, CancellationToken cancel = default)
    {
        Rows queries = Rows.Of(points, "new points");
        if (queries.Width != _rows.Width)
        {
            throw new ArgumentException($"The map is one of points of {_rows.Width} numbers; the new ones have {queries.Width}.", nameof(points));
        }
        int k = _settings.Neighbours, epochs = Math.Max(1, _settings.EpochsFor(_x.Length) / 3);
        NeighbourGraph graph = NeighbourGraph.Exact(queries, _rows, k, cancel);
        float[] places = new float[2 * queries.Count];
        Work.Split(queries.Count, 1, (start, end) =>
        {
            float[] member = new float[k];
            for (int q = start; q < end && !cancel.IsCancellationRequested; q++)
            {
                FuzzyNeighbours.Memberships(graph.Distance.AsSpan(q * k, k), 0, member);
                ReadOnlySpan<int> near = graph[q];
                double x = 0, y = 0, sum = member.Sum(m => (double)m);
                for (int c = 0; c < k; c++) (x, y) = (x + member[c] * _x[near[c]] / sum, y + member[c] * _y[near[c]] / sum);
                float strongest = member.Max();
                var point = new MovingPoint(this, -1, x, y, new RandomSource(_settings.Seed), 0);
                for (int epoch = 0; epoch < epochs; epoch++)
                {
                    point.Rate = EmbeddingRate * _settings.LearningRate * (1 - epoch / (double)epochs);
                    for (int c = 0; c < k; c++)
                    {
                        if (Due(member[c] / strongest, epoch)) point.Follow(near[c], pulls: 1);
                    }
                }
                (places[2 * q], places[2 * q + 1]) = ((float)point.X, (float)point.Y);
            }
        });
        cancel.ThrowIfCancellationRequested();
        return Tensor.From(places, [queries.Count, 2]);
    }

    // A tie of strength s, the strongest being 1, pulls in s of all epochs, evenly.
    private static bool Due(double strength, int epoch) => Math.Floor((epoch + 1) * strength) > Math.Floor(epoch * strength);

    private void Begin(Tensor start)
    {
        int n = _x.Length;
        double meanX = 0, meanY = 0, widest = 0;
        for (int i = 0; i < n; i++) (meanX, meanY) = (meanX + start.Floats[2 * i] / n, meanY + start.Floats[2 * i + 1] / n);
        for (int i = 0; i < n; i++) widest = Math.Max(widest, Math.Max(Math.Abs(start.Floats[2 * i] - meanX), Math.Abs(start.Floats[2 * i + 1] - meanY)));
        double scale = widest > 0 ? StartWidth / widest : 1;
        for (int i = 0; i < n; i++) (_x[i], _y[i]) = ((start.Floats[2 * i] - meanX) * scale, (start.Floats[2 * i + 1] - meanY) * scale);
    }

    /// <summary>A point on its way through an epoch, while the others stand still.</summary>
    private struct MovingPoint(Umap map, int self, double x, double y, RandomSource random, double rate)
    {
        public double X = x, Y = y, Rate = rate;

        /// <summary>Moves towards a point, and away from some that are drawn.</summary>
        public void Follow(int other, int pulls)
        {
            double a = map._a, b = map._b;
            for (int pull = 0; pull < pulls; pull++)
            {
                double dx = X - map._x[other], dy = Y - map._y[other], square = dx * dx + dy * dy;
                if (square == 0) break;
                double power = Math.Pow(square, b);
                Move(-2 * a * b * power / square / (1 + a * power), dx, dy);
            }
            for (int sample = 0; sample < map._settings.NegativeSamples; sample++)
            {
                int drawn = random.NextInt(map._x.Length);
                double dx = X - map._x[drawn], dy = Y - map._y[drawn], square = dx * dx + dy * dy;
                // Points in one place push each other nowhere: there is no direction to prefer.
                if (drawn == self || square == 0) continue;
                Move(2 * b / ((Nearest + square) * (1 + a * Math.Pow(square, b))), dx, dy);
            }
        }

        private void Move(double force, double dx, double dy) =>
            (X, Y) = (X + Rate * Math.Clamp(force * dx, -LongestMove, LongestMove), Y + Rate * Math.Clamp(force * dy, -LongestMove, LongestMove));
    }
}
