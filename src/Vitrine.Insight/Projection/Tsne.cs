namespace Vitrine.Insight;

/// <summary>How t-SNE finds the forces between points.</summary>
public enum TsneMethod
{
    /// <summary>Exact up to 500 points; beyond, in each step Barnes-Hut or interpolated, whichever takes less time for so many points on so wide a
    /// map.</summary>
    Auto,

    /// <summary>Every pair (van der Maaten and Hinton 2008): time and memory grow with N².</summary>
    Exact,

    /// <summary>A tree of cells (van der Maaten 2014).</summary>
    BarnesHut,

    /// <summary>Interpolation on a grid and Fourier transforms (Linderman et al. 2019).</summary>
    Interpolated,
}

/// <summary>What t-SNE is to do; the defaults are those of scikit-learn.</summary>
public sealed record TsneSettings
{
    /// <summary>How many neighbours a point feels, roughly: at least 1, less than the number of points less 1.</summary>
    public double Perplexity { get; init; } = 30;

    /// <summary>How forces are found.</summary>
    public TsneMethod Method { get; init; } = TsneMethod.Auto;

    /// <summary>How many nearest points attract a point; 0 for all in the exact method and three times the perplexity in the others.</summary>
    public int Neighbours { get; init; }

    /// <summary>Barnes-Hut: a cell is far when its width is less than this times its distance; 0 (exact) to 0.7.</summary>
    public double Angle { get; init; } = 0.5;

    /// <summary>How many steps <see cref="Tsne.Run"/> takes.</summary>
    public int Steps { get; init; } = 1000;

    /// <summary>What attraction is multiplied by at first.</summary>
    public double Exaggeration { get; init; } = 12;

    /// <summary>For how many steps it is; after them momentum rises from 0.5 to 0.8.</summary>
    public int ExaggerationSteps { get; init; } = 250;

    /// <summary>The step size; 0 for N / 48, at least 50 (Belkina et al. 2019).</summary>
    public double LearningRate { get; init; }

    /// <summary>
    /// Whether a start that is given is shrunk to the size of the principal components' (deviation 1e-4). Points are then free to move past each other, and the
    /// arrangement of groups is lost in half of all maps: a start that is to be followed by the eye stays as large as it is.
    /// </summary>
    public bool ShrinkStart { get; init; }

    /// <summary>Of the random projections that find neighbours of many points, and principal components of many dimensions.</summary>
    public ulong Seed { get; init; }

    internal TsneMethod MethodFor(int n) => Method != TsneMethod.Auto ? Method
        : n <= 500 ? TsneMethod.Exact : TsneMethod.Auto;

    internal int NeighboursFor(int n) =>
        Neighbours > 0 ? Math.Min(Neighbours, n - 1) : MethodFor(n) == TsneMethod.Exact ? n - 1 : Math.Min(n - 1, (int)(3 * Perplexity + 1));

    internal void Check(int n)
    {
        if (!(Perplexity >= 1) || Perplexity >= n - 1)
        {
            throw new ArgumentException($"Perplexity {Perplexity} does not suit {n} points: it must be at least 1 and less than {n - 1}.");
        }
        if (Neighbours < 0 || (Neighbours > 0 && Math.Min(Neighbours, n - 1) <= Perplexity))
        {
            throw new ArgumentException($"{Neighbours} neighbours cannot have perplexity {Perplexity}: take more than that, or 0 for the usual number.");
        }
        if (!(Angle is >= 0 and <= BarnesHut.WidestAngle))
        {
            throw new ArgumentException($"The angle of Barnes and Hut's cells is 0 to {BarnesHut.WidestAngle}, not {Angle}.");
        }
        if (Steps < 0 || ExaggerationSteps < 0) throw new ArgumentException($"A number of steps cannot be negative ({Steps}, {ExaggerationSteps}).");
        if (!(Exaggeration > 0) || !double.IsFinite(Exaggeration)) throw new ArgumentException($"Exaggeration is a positive number, not {Exaggeration}.");
        if (!(LearningRate >= 0) || !double.IsFinite(LearningRate))
        {
            throw new ArgumentException($"The learning rate is a positive number, or 0 for the usual one; not {LearningRate}.");
        }
    }
}

/// <summary>How far a map is.</summary>
/// <param name="Step">Steps made.</param>
/// <param name="Steps">Steps to make.</param>
/// <param name="Divergence">KL(P || Q) in nats, without exaggeration.</param>
/// <param name="Map">[N, 2], a copy.</param>
public readonly record struct TsneProgress(int Step, int Steps, double Divergence, Tensor Map);

/// <summary>
/// t-distributed stochastic neighbour embedding (van der Maaten and Hinton 2008): a map in which near points stay near. As projections of hidden activity it
/// shows what a layer tells apart (Rauber, Fadel, Falcao, Telea 2017). The same seed gives the same bytes with any number of threads.
/// </summary>
public sealed class Tsne
{
    private const double StartDeviation = 1e-4;
    private const double EarlyMomentum = 0.5;
    private const double LateMomentum = 0.8;
    private const double LeastGain = 0.01;
    private const int ReportEvery = 50;

    private readonly TsneSettings _settings;
    private readonly Rows _rows;
    private readonly int[]? _order; // many points are kept in an order in which near ones follow each other; null for that of the caller
    private readonly Affinities _affinities;
    private readonly Repulsion _repulsion;
    private readonly double _rate;
    private readonly double[] _x, _y, _places, _forceX, _forceY, _gradX, _gradY, _speedX, _speedY, _gainX, _gainY;

    /// <summary>Finds neighbours and the start of a map.</summary>
    /// <param name="points">[N, D]; further axes count as one.</param>
    /// <param name="settings">What to do; null for the defaults.</param>
    /// <param name="start">[N, 2], where the map starts (see <see cref="TsneSettings.ShrinkStart"/>); null for the two principal components.</param>
    /// <param name="cancel">Stops the search for neighbours.</param>
    /// <exception cref="ArgumentException">The settings do not suit the points, or a number is not finite.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public Tsne(Tensor points, TsneSettings? settings = null, Tensor? start = null, CancellationToken cancel = default)
    {
        _settings = settings ?? new TsneSettings();
        _rows = Rows.Of(points, "points", least: 4);
        int n = _rows.Count;
        _settings.Check(n);
        if (2L * n * _settings.NeighboursFor(n) > Array.MaxLength)
        {
            throw new ArgumentException($"{n} points with {_settings.NeighboursFor(n)} neighbours each are too many pairs; take fewer, or Barnes-Hut.");
        }
        if (start is not null && start.Shape != [n, 2])
        {
            throw new ArgumentException($"The start of a map of {n} points is [{n}, 2], not {start.Shape}.", nameof(start));
        }
        if (n > NeighbourGraph.MostExact)
        {
            _order = NeighbourForest.Order(_rows, _settings.Seed);
            _rows = _rows.InOrder(_order);
        }
        _rate = _settings.LearningRate > 0 ? _settings.LearningRate : Math.Max(n / 48.0, 50);
        _repulsion = _settings.MethodFor(n) switch
        {
            TsneMethod.Exact => new ExactRepulsion(),
            TsneMethod.BarnesHut => new BarnesHut(_settings.Angle),
            TsneMethod.Interpolated => new InterpolatedRepulsion(),
            _ => new QuickerRepulsion(_settings.Angle),
        };
        _affinities = Affinities.Of(NeighbourGraph.Of(_rows, _settings.NeighboursFor(n), _settings.Seed, cancel), _settings.Perplexity);
        (_x, _y, _places) = (new double[n], new double[n], new double[2 * n]);
        (_forceX, _forceY, _gradX, _gradY) = (new double[n], new double[n], new double[n], new double[n]);
        (_speedX, _speedY, _gainX, _gainY) = (new double[n], new double[n], new double[n], new double[n]);
        Rest();
        if (start is null) Begin(Pca.Plane(_rows, _settings.Seed), shrink: true, order: null);
        else Begin(Rows.Of(start, "start of a map").Tensor, _settings.ShrinkStart, _order);
    }

    /// <summary>Steps made.</summary>
    public int Iteration { get; private set; }

    /// <summary>[N, 2]: a copy of the map as it is now.</summary>
    public Tensor Map => Pairs(_x, _y);

    /// <summary>The perplexity of each point's neighbours that the search reached; more than asked for where many points coincide.</summary>
    public IReadOnlyList<double> Perplexities
    {
        get
        {
            double[] all = new double[_x.Length];
            for (int i = 0; i < all.Length; i++) all[_order?[i] ?? i] = _affinities.Perplexity[i];
            return all;
        }
    }

    /// <summary>About how many bytes a map takes while it is made, the points themselves not counted.</summary>
    /// <param name="points">N.</param>
    /// <param name="dimensions">D.</param>
    /// <param name="settings">What is to be done; null for the defaults.</param>
    public static long EstimateBytes(int points, int dimensions, TsneSettings? settings = null)
    {
        settings ??= new TsneSettings();
        long n = points, k = settings.NeighboursFor(points);
        // Index, distance and probability of each neighbour; the same turned round; and both joined, with the copy that trims them.
        long graph = n * k * (8 + 4 + 8 + 16 + 16);
        long centred = 2 * n * dimensions * sizeof(float), block = Math.Min(n * n, 4L << 20) * sizeof(float);
        long map = 14 * n * sizeof(double);
        long ordered = points > NeighbourGraph.MostExact ? n * (dimensions + 1) * sizeof(float) : 0;
        return graph + centred + block + map + ordered + settings.MethodFor(points) switch
        {
            TsneMethod.Exact => 0,
            TsneMethod.BarnesHut => n * BarnesHut.BytesAPoint,
            TsneMethod.Interpolated => InterpolatedRepulsion.MostBytes + n * InterpolatedRepulsion.BytesAPoint,
            _ => n * (BarnesHut.BytesAPoint + InterpolatedRepulsion.BytesAPoint) + InterpolatedRepulsion.MostBytes,
        };
    }

    /// <summary>Makes one step: gradient descent with momentum and gains (Jacobs 1988).</summary>
    public void Step()
    {
        bool early = Iteration < _settings.ExaggerationSteps;
        if (Iteration == _settings.ExaggerationSteps) Rest();
        ComputeGradient(early ? _settings.Exaggeration : 1);
        double momentum = early ? EarlyMomentum : LateMomentum;
        Work.Split(_x.Length, 4096, (start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                Move(ref _x[i], ref _speedX[i], ref _gainX[i], _gradX[i], momentum);
                Move(ref _y[i], ref _speedY[i], ref _gainY[i], _gradY[i], momentum);
            }
        });
        Iteration++;
    }

    /// <summary>Makes the steps that are left.</summary>
    /// <param name="progress">Is told every 50 steps, and at the end.</param>
    /// <param name="cancel">Stops between two steps; what was done stays, and a further call goes on.</param>
    /// <returns>The map, [N, 2].</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public Tensor Run(IProgress<TsneProgress>? progress = null, CancellationToken cancel = default)
    {
        while (Iteration < _settings.Steps)
        {
            cancel.ThrowIfCancellationRequested();
            Step();
            if (progress is not null && (Iteration % ReportEvery == 0 || Iteration == _settings.Steps))
            {
                progress.Report(new TsneProgress(Iteration, _settings.Steps, Divergence(), Map));
            }
        }
        return Map;
    }

    /// <summary>
    /// KL(P || Q) in nats, over the pairs that attract each other. Its normaliser Z comes from the method's own forces, or from every pair, which takes O(N²).
    /// </summary>
    /// <param name="exact">Whether to compute Z from every pair.</param>
    public double Divergence(bool exact = false)
    {
        double z = (exact ? new ExactRepulsion() : _repulsion).Forces(_x, _y, _forceX, _forceY);
        double[] sums = new double[_x.Length];
        Work.Split(_x.Length, 256, (start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                for (int at = _affinities.Start[i]; at < _affinities.Start[i + 1]; at++)
                {
                    int j = _affinities.Column[at];
                    double p = _affinities.Value[at], dx = _x[i] - _x[j], dy = _y[i] - _y[j];
                    if (p > 0) sums[i] += p * Math.Log(p * z * (1 + dx * dx + dy * dy));
                }
            }
        });
        return sums.Sum();
    }

    /// <summary>[N, 2]: the derivative of the divergence with respect to the map as it is now, without exaggeration.</summary>
    public Tensor Gradient()
    {
        ComputeGradient(1);
        return Pairs(_gradX, _gradY);
    }

    /// <summary>Puts new points into the map as it is now; the map stays, and new points do not feel each other. See <see cref="TsneEmbedding"/>.</summary>
    /// <param name="points">[M, D] with the map's D.</param>
    /// <param name="cancel">Stops between two steps.</param>
    /// <returns>[M, 2].</returns>
    /// <exception cref="ArgumentException">The points have another number of dimensions, or a number is not finite.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public Tensor Embed(Tensor points, CancellationToken cancel = default) => TsneEmbedding.Of(_rows, _x, _y, points, _settings.Perplexity, cancel);

    /// <summary>Maps of the same points seen through several layers or epochs; each starts from the one before, so that the eye can follow.</summary>
    /// <param name="sequence">Each [N, D], with the same N in the same order; D may differ.</param>
    /// <param name="settings">What to do; null for the defaults.</param>
    /// <param name="cancel">Stops between two steps.</param>
    /// <exception cref="ArgumentException">The numbers of points differ.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static IReadOnlyList<Tensor> Sequence(IReadOnlyList<Tensor> sequence, TsneSettings? settings = null, CancellationToken cancel = default)
    {
        var maps = new List<Tensor>(sequence.Count);
        foreach (Tensor points in sequence)
        {
            if (maps.Count > 0 && points.Shape[0] != maps[0].Shape[0])
            {
                throw new ArgumentException($"Aligned maps show the same points: map 0 has {maps[0].Shape[0]}, number {maps.Count} has {points.Shape[0]}.");
            }
            maps.Add(new Tsne(points, settings, maps.Count > 0 ? maps[^1] : null, cancel).Run(null, cancel));
        }
        return maps;
    }

    private void Begin(Tensor start, bool shrink, int[]? order)
    {
        double sum = 0, squares = 0;
        int n = _x.Length;
        for (int i = 0; i < n; i++) sum += start.Floats[2 * i];
        for (int i = 0; i < n; i++) squares += Math.Pow(start.Floats[2 * i] - sum / n, 2);
        double scale = shrink && squares > 0 ? StartDeviation / Math.Sqrt(squares / n) : 1;
        for (int i = 0; i < n; i++)
        {
            int from = order?[i] ?? i;
            (_x[i], _y[i]) = (start.Floats[2 * from] * scale, start.Floats[2 * from + 1] * scale);
        }
    }

    // [N, 2], in the order of the caller.
    private Tensor Pairs(double[] x, double[] y)
    {
        float[] all = new float[2 * x.Length];
        for (int i = 0; i < x.Length; i++)
        {
            int to = _order?[i] ?? i;
            (all[2 * to], all[2 * to + 1]) = ((float)x[i], (float)y[i]);
        }
        return Tensor.From(all, [x.Length, 2]);
    }

    // Both phases start without speed, as in scikit-learn.
    private void Rest()
    {
        Array.Clear(_speedX);
        Array.Clear(_speedY);
        Array.Fill(_gainX, 1);
        Array.Fill(_gainY, 1);
    }

    private void ComputeGradient(double exaggeration)
    {
        double z = _repulsion.Forces(_x, _y, _forceX, _forceY);
        Work.Split(_x.Length, 4096, (start, end) =>
        {
            for (int i = start; i < end; i++) (_places[2 * i], _places[2 * i + 1]) = (_x[i], _y[i]);
        });
        Work.Split(_x.Length, 64, (start, end) =>
        {
            for (int i = start; i < end; i++)
            {
                (double sumX, double sumY) = _affinities.Attraction(i, _places);
                _gradX[i] = 4 * (exaggeration * sumX - _forceX[i] / z);
                _gradY[i] = 4 * (exaggeration * sumY - _forceY[i] / z);
            }
        });
    }

    private void Move(ref double place, ref double speed, ref double gain, double gradient, double momentum)
    {
        gain = Math.Max(LeastGain, speed * gradient < 0 ? gain + 0.2 : gain * 0.8);
        speed = momentum * speed - _rate * gain * gradient;
        place += speed;
    }
}
