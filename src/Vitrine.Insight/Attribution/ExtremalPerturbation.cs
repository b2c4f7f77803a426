namespace Vitrine.Insight;

/// <summary>
/// Extremal perturbations (Fong, Patrick, Vedaldi 2019, "Understanding deep networks via extremal perturbations and smooth masks"): the smooth mask of a given
/// area through which the answer is largest. Outside of the mask the picture is blurred, the more the more closed the mask is. Masks of several areas are
/// averaged; the same for all channels.
/// </summary>
public sealed class ExtremalPerturbation : IAttribution
{
    // The paper's own settings: cooling of the soft maximum, learning rate and momentum of the ascent, weight of the area and its growth a step.
    private const float Coldness = 20;
    private const float Rate = 0.01f;
    private const float Momentum = 0.9f;
    private const float AreaWeight = 300;
    private const float AreaGrowth = 1.0035f;
    private const int Levels = 8;

    private readonly double[] _areas;
    private readonly int _steps;
    private readonly int _cell;
    private readonly double _blur;

    /// <summary>Describes the masks.</summary>
    /// <param name="areas">The shares of the picture that the masks leave open, each in (0, 1); null for 0.1.</param>
    /// <param name="steps">How many steps of gradient ascent are made; the paper makes 800.</param>
    /// <param name="cell">The mask's resolution in pixels; its smoothness is three times that. 0 for a 32nd of the picture, as the paper has
    /// it.</param>
    /// <param name="blur">The deviation of the strongest blur in pixels; 0 for an eleventh of the picture, as the paper has it.</param>
    /// <exception cref="ArgumentOutOfRangeException">An area is not a share, or another option is negative.</exception>
    public ExtremalPerturbation(IReadOnlyList<double>? areas = null, int steps = 100, int cell = 0, double blur = 0)
    {
        _areas = areas is null ? [0.1] : [.. areas];
        if (_areas.Length == 0 || _areas.Any(a => a is not (> 0 and < 1)))
        {
            throw new ArgumentOutOfRangeException(nameof(areas), "Areas are shares of the picture, each between 0 and 1.");
        }
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(cell);
        ArgumentOutOfRangeException.ThrowIfNegative(blur);
        _steps = steps;
        _cell = cell;
        _blur = blur;
    }

    /// <inheritdoc/>
    public string Name => "extremal perturbation";

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">What is attributed to is not of shape [N, C, H, W].</exception>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        Probes probes = Probes.On(model, input, target, wrt, progress: null, cancel);
        Shape shape = probes.Of.Shape;
        if (shape.Rank != 4) throw new ArgumentException($"Extremal perturbations look at pictures [N, C, H, W]; this has shape {shape}.", nameof(input));
        int examples = shape[0], height = shape[2], width = shape[3], plane = height * width;
        int cell = _cell > 0 ? _cell : Math.Max(1, Math.Max(height, width) / 32);
        double blur = _blur > 0 ? _blur : Math.Max(height, width) / 11.0;
        Tensor[] pyramid = [.. Enumerable.Range(0, Levels).Select(l => Blur.Gaussian(probes.Of, blur * (1 - l / (Levels - 1.0))))];
        var masks = new SmoothMasks(height, width, cell, 3 * cell);
        float[] map = new float[plane * examples];
        for (int a = 0; a < _areas.Length; a++)
        {
            float[] mask = Climb(model, input, target.ChosenAt(probes.Output), wrt, pyramid, masks, Reference(masks.Pixels, (int)(plane * _areas[a])), step =>
            {
                cancel.ThrowIfCancellationRequested();
                progress?.Report((a + (double)step / _steps) / _areas.Length);
            });
            for (int i = 0; i < map.Length; i++) map[i] += mask[i] / _areas.Length;
        }
        float[] values = new float[shape.Count];
        for (int i = 0; i < values.Length; i++) values[i] = map[i / probes.Size * plane + i % plane];
        return probes.Attribution(Name, values);
    }

    /// <summary>What a mask of the wanted area looks like when its pixels are sorted.</summary>
    private static Tensor Reference(int pixels, int open)
    {
        float[] sorted = new float[pixels];
        sorted.AsSpan(pixels - open).Fill(1);
        return Tensor.From(sorted, [1, pixels]);
    }

    private float[] Climb(Module model, Tensor input, Target target, string? wrt, Tensor[] pyramid, SmoothMasks masks, Tensor reference, Action<int> step)
    {
        int examples = pyramid[0].Shape[0];
        float[] cells = new float[examples * masks.Cells], velocity = new float[cells.Length];
        Array.Fill(cells, 0.5f);
        float weight = 0;
        for (int t = 0; t <= _steps; t++)
        {
            using var scope = MemoryScope.Open();
            Tensor grid = Tensor.From(cells, [examples, masks.Cells]).Watch();
            Tensor mask = masks.Of(grid, Coldness); // [N, pixels]
            Tensor reward = Answer(model, input, target, wrt, Through(masks.Inner(mask), pyramid));
            Tensor area = (mask.Sort(1).Values - reference).Square().Mean([1]) * weight;
            ReadOnlySpan<float> gradient = Autograd.Backward(reward - area, null, [grid])[0].Floats;
            if (t == 0) Start(cells, gradient, masks.Cells);
            for (int i = 0; t > 0 && i < cells.Length; i++)
            {
                velocity[i] = Momentum * velocity[i] + (1 - Momentum) * gradient[i];
                cells[i] = Math.Clamp(cells[i] + Rate * velocity[i], 0, 1);
            }
            weight = t == 0 ? AreaWeight : weight * AreaGrowth;
            step(t);
        }
        using var last = MemoryScope.Open();
        return masks.Inner(masks.Of(Tensor.From(cells, [examples, masks.Cells]), Coldness)).ToArray();
    }

    /// <summary>
    /// From half open a first step in the direction of the answer alone. The paper starts from open masks, whose pixels are all equal: which of them the area
    /// then keeps open is an accident of their order.
    /// </summary>
    private static void Start(float[] cells, ReadOnlySpan<float> gradient, int size)
    {
        for (int from = 0; from < cells.Length; from += size)
        {
            float steepest = 0;
            foreach (float slope in gradient.Slice(from, size)) steepest = Math.Max(steepest, Math.Abs(slope));
            for (int i = from; steepest > 0 && i < from + size; i++) cells[i] += 0.25f * gradient[i] / steepest;
        }
    }

    private static Tensor Answer(Module model, Tensor input, Target target, string? wrt, Tensor picture)
    {
        var run = new Run(recording: true, fused: false);
        if (target.Scope is { } asked) run.Tap(asked);
        if (wrt is not null) run.Edit(wrt, _ => picture);
        Tensor output = model.Call(run, wrt is null ? picture : input.Detach());
        return target.Score(target.Scope is null ? output : run.Taps[target.Scope]);
    }

    /// <summary>Each pixel from the level of blur that its mask asks for, between two levels by linear interpolation.</summary>
    private static Tensor Through(Tensor mask, Tensor[] pyramid)
    {
        Tensor level = mask * (pyramid.Length - 1f);
        Tensor? seen = null;
        for (int l = 0; l < pyramid.Length; l++)
        {
            Tensor share = (1 - (level - l).Abs()).Relu() * pyramid[l];
            seen = seen is null ? share : seen + share;
        }
        return seen!;
    }

    /// <summary>
    /// Smooth masks from coarse grids: a pixel is as open as the most open cell near it, less what its distance takes. They reach over the picture's edge by
    /// their smoothness, so that it costs as much area to open a cell at the edge as one in the middle.
    /// </summary>
    private sealed class SmoothMasks
    {
        private readonly int _height;
        private readonly int _width;
        private readonly int _margin;
        private readonly Tensor _cells; // the K cells around each pixel, [pixels K]
        private readonly Tensor _nearness; // [1, pixels, K]

        public SmoothMasks(int height, int width, int cell, int sigma)
        {
            _height = height;
            _width = width;
            _margin = sigma;
            int rows = (height + cell - 1) / cell, columns = (width + cell - 1) / cell, radius = 1 + (sigma + cell - 1) / cell, side = 2 * radius + 1;
            int across = width + 2 * sigma;
            Cells = rows * columns;
            Pixels = (height + 2 * sigma) * across;
            long[] cells = new long[Pixels * side * side];
            float[] nearness = new float[cells.Length];
            for (int at = 0; at < cells.Length; at++)
            {
                (int pixel, int k) = Math.DivRem(at, side * side);
                int y = pixel / across - sigma, x = pixel % across - sigma;
                int row = (int)Math.Floor((double)y / cell) + k / side - radius, column = (int)Math.Floor((double)x / cell) + k % side - radius;
                if (row < 0 || row >= rows || column < 0 || column >= columns) continue; // beyond the edge everything is closed
                double dy = y - (row + 0.5) * cell + 0.5, dx = x - (column + 0.5) * cell + 0.5;
                double far = Math.Max(0, Math.Sqrt(dy * dy + dx * dx) / sigma - 0.5);
                cells[at] = row * columns + column;
                nearness[at] = (float)Math.Exp(-2 * far * far);
            }
            _cells = Tensor.From(cells, [cells.Length]);
            _nearness = Tensor.From(nearness, [1, Pixels, side * side]);
        }

        /// <summary>How many numbers make a mask.</summary>
        public int Cells { get; }

        /// <summary>How many pixels a mask has, with those beyond the picture's edge.</summary>
        public int Pixels { get; }

        /// <summary>[N, cells] -> [N, pixels], in [0, 1].</summary>
        public Tensor Of(Tensor grid, float coldness)
        {
            Tensor near = grid.IndexSelect(1, _cells).Reshape(grid.Shape[0], Pixels, _nearness.Shape[2]) * _nearness;
            return (near * (near * coldness).Softmax(2)).Sum([2]).Clamp(0, 1);
        }

        /// <summary>The part inside the picture: [N, pixels] -> [N, 1, H, W].</summary>
        public Tensor Inner(Tensor mask) =>
            mask.Reshape(mask.Shape[0], 1, _height + 2 * _margin, _width + 2 * _margin)
                .Slice(2, _margin, _margin + _height).Slice(3, _margin, _margin + _width);
    }
}
