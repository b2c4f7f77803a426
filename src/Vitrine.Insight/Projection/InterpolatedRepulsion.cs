using System.Buffers;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Vitrine.Insight;

/// <summary>
/// Linderman et al. (2019): points hand their charges to a grid by polynomial interpolation, the grid is convolved with the kernels by a Fourier transform,
/// and forces are read off the grid; O(N) and a transform of a grid that grows with the map. Here each point uses the 6 x 6 grid nodes around it (Lagrange
/// polynomials of degree 5), nodes are as near as was asked up to a map a thousand of them wide, and the spacing moves in steps so that the kernels'
/// transforms last for many iterations.
/// </summary>
/// <param name="widestSpacing">How far nodes are apart at most, while the grid's largest transform suffices.</param>
internal sealed class InterpolatedRepulsion(double widestSpacing = InterpolatedRepulsion.Fine) : Repulsion
{
    /// <summary>Keeps the error of forces under half a thousandth where points are as dense as t-SNE packs them.</summary>
    public const double Fine = 1.0 / 5;

    /// <summary>Keeps the error of forces under a thousandth: that of a tree at the usual angle is about a hundredth.</summary>
    public const double Coarse = 3.0 / 10;

    private const int SmallestLength = 256;
    private const int LargestLength = 2048;
    private const int SpacingsToADoubling = 8;
    private const int Nodes = 6;
    private const int Lanes = LaneFft.Lanes;

    // Rows whose starts are a power of two apart would all fall on the same few places of the cache when columns are read.
    private const int Padding = 8;

    private LaneFft _fft = new(4);
    private int _stride;
    private double _spacing;
    private double[] _kernelRe = [], _kernelIm = []; // [L, stride], transforms of w and w²
    private double[] _massRe = [], _massIm = [], _placeRe = [], _placeIm = []; // [L / 2, stride]
    private int[] _row = [], _rowStart = [];

    // In the order of rows: the points' numbers, first columns, places about the middle, and weights [N, 2, Lanes].
    private int[] _order = [], _column = [];
    private double[] _x = [], _y = [], _weights = [];

    /// <summary>What is kept for each point: its weights, place, nodes and turn.</summary>
    public const long BytesAPoint = (2 * Lanes + 3) * sizeof(double) + 3 * sizeof(int);

    /// <summary>The most bytes the grids take.</summary>
    public static long MostBytes => 2L * sizeof(double) * LargestLength * (LargestLength + Padding) * 2;

    public override double Forces(double[] x, double[] y, double[] forceX, double[] forceY)
    {
        double left = x.Min(), bottom = y.Min(), span = Math.Max(x.Max() - left, y.Max() - bottom);
        Fit(span);
        int length = _fft.Length, grid = length / 2;
        Place(x, y, left, bottom, span);

        // A mass of one each, and the place as a complex charge; about the middle, where the differences below lose the least.
        Work.Split(grid, 8, (start, end) =>
        {
            for (int r = start; r < end; r++)
            {
                Span<double> mass = _massRe.AsSpan(r * _stride, length);
                Span<double> placeX = _placeRe.AsSpan(r * _stride, length), placeY = _placeIm.AsSpan(r * _stride, length);
                mass.Clear();
                placeX.Clear();
                placeY.Clear();
                _massIm.AsSpan(r * _stride, length).Clear();
                ref double toMass = ref MemoryMarshal.GetReference(mass), toX = ref MemoryMarshal.GetReference(placeX),
                    toY = ref MemoryMarshal.GetReference(placeY);
                for (int from = Math.Max(0, r - Nodes + 1); from <= r; from++)
                {
                    for (int at = _rowStart[from]; at < _rowStart[from + 1]; at++)
                    {
                        nuint column = (nuint)_column[at];
                        Vector512<double> share = Across(at) * Down(at, r - from);
                        Add(ref toMass, column, share);
                        Add(ref toX, column, share * _x[at]);
                        Add(ref toY, column, share * _y[at]);
                    }
                }
            }
        });
        Convolve(_massRe, _massIm, both: true);
        Convolve(_placeRe, _placeIm, both: false);

        double[] sums = new double[x.Length];
        Work.Split(grid, 8, (start, end) =>
        {
            ref double massRe = ref MemoryMarshal.GetArrayDataReference(_massRe), massIm = ref MemoryMarshal.GetArrayDataReference(_massIm);
            ref double placeRe = ref MemoryMarshal.GetArrayDataReference(_placeRe), placeIm = ref MemoryMarshal.GetArrayDataReference(_placeIm);
            for (int row = start; row < end; row++)
            {
                for (int at = _rowStart[row]; at < _rowStart[row + 1]; at++)
                {
                    Vector512<double> z = default, mass = default, placeX = default, placeY = default, across = Across(at);
                    for (int r = 0; r < Nodes; r++)
                    {
                        nuint node = (nuint)((row + r) * _stride + _column[at]);
                        Vector512<double> share = across * Down(at, r);
                        z += share * Vector512.LoadUnsafe(ref massRe, node);
                        mass += share * Vector512.LoadUnsafe(ref massIm, node);
                        placeX += share * Vector512.LoadUnsafe(ref placeRe, node);
                        placeY += share * Vector512.LoadUnsafe(ref placeIm, node);
                    }
                    int i = _order[at];
                    double weight = Vector512.Sum(mass);
                    forceX[i] = _x[at] * weight - Vector512.Sum(placeX);
                    forceY[i] = _y[at] * weight - Vector512.Sum(placeY);
                    sums[i] = Vector512.Sum(z) - 1; // less the pair with itself
                }
            }
        });
        return sums.Sum();
    }

    /// <summary>The side of the grid's transform for a map of some width.</summary>
    /// <param name="span">The width.</param>
    /// <param name="widestSpacing">How far nodes are apart at most.</param>
    public static int LengthFor(double span, double widestSpacing)
    {
        int length = SmallestLength;
        while (length < LargestLength && span / (length / 2 - Nodes) > widestSpacing) length *= 2;
        return length;
    }

    // The smallest grid that is fine enough, and the kernels on it.
    private void Fit(double span)
    {
        int length = LengthFor(span, widestSpacing);
        double least = Math.Max(span, 1e-100) / (length / 2 - Nodes);
        double spacing = Math.Pow(2, Math.Ceiling(Math.Log2(least) * SpacingsToADoubling) / SpacingsToADoubling);
        if (length == _fft.Length && spacing == _spacing) return;
        if (length != _fft.Length)
        {
            _fft = new LaneFft(length);
            _stride = length + Padding;
            (_kernelRe, _kernelIm) = (new double[length * _stride], new double[length * _stride]);
            (_massRe, _massIm) = (new double[length / 2 * _stride], new double[length / 2 * _stride]);
            (_placeRe, _placeIm) = (new double[length / 2 * _stride], new double[length / 2 * _stride]);
        }
        _spacing = spacing;
        // Both kernels are even, so their transforms are real and one complex transform carries the two.
        double scale = 1.0 / ((double)length * length);
        Work.Split(length, 16, (start, end) =>
        {
            for (int r = start; r < end; r++)
            {
                double dy = Math.Min(r, length - r) * spacing;
                for (int c = 0; c < length; c++)
                {
                    double dx = Math.Min(c, length - c) * spacing, w = 1 / (1 + dx * dx + dy * dy);
                    _kernelRe[r * _stride + c] = w * scale;
                    _kernelIm[r * _stride + c] = w * w * scale;
                }
            }
        });
        RowTransforms(_kernelRe, _kernelIm, length, inverse: false);
        ColumnBlocks((column, re, im) =>
        {
            Load(_kernelRe, re, column, length);
            Load(_kernelIm, im, column, length);
            _fft.Forward(re, im);
            Store(_kernelRe, re, column, length);
            Store(_kernelIm, im, column, length);
        });
    }

    // Points by the row of their first node: a row and the five after it fit the cache, the whole grid does not.
    private void Place(double[] x, double[] y, double left, double bottom, double span)
    {
        int n = x.Length, grid = _fft.Length / 2;
        if (_row.Length != n)
        {
            (_row, _column, _order) = (new int[n], new int[n], new int[n]);
            (_x, _y, _weights) = (new double[n], new double[n], new double[n * 2 * Lanes]);
        }
        Work.Split(n, 4096, (start, end) =>
        {
            for (int i = start; i < end; i++) _row[i] = (int)((y[i] - bottom) / _spacing);
        });
        _rowStart = new int[grid + 1];
        foreach (int row in _row) _rowStart[row + 1]++;
        for (int r = 0; r < grid; r++) _rowStart[r + 1] += _rowStart[r];
        int[] fill = [.. _rowStart];
        for (int i = 0; i < n; i++) _order[fill[_row[i]]++] = i;
        double middleX = left + span / 2, middleY = bottom + span / 2;
        Work.Split(n, 512, (start, end) =>
        {
            for (int at = start; at < end; at++)
            {
                int i = _order[at];
                (_x[at], _y[at]) = (x[i] - middleX, y[i] - middleY);
                _column[at] = Weigh((x[i] - left) / _spacing, _weights.AsSpan(at * 2 * Lanes, Nodes));
                Weigh((y[i] - bottom) / _spacing, _weights.AsSpan(at * 2 * Lanes + Lanes, Nodes));
            }
        });
    }

    // The weights of a point's columns: six, and nothing for two more.
    private Vector512<double> Across(int at) => Vector512.LoadUnsafe(ref MemoryMarshal.GetArrayDataReference(_weights), (nuint)(at * 2 * Lanes));

    private double Down(int at, int row) => _weights[at * 2 * Lanes + Lanes + row];

    private static void Add(ref double row, nuint column, Vector512<double> shares) =>
        (Vector512.LoadUnsafe(ref row, column) + shares).StoreUnsafe(ref row, column);

    // Lagrange's weights of the nodes at -2 to 3 about a place between 0 and 1; the first node's number.
    private static int Weigh(double place, Span<double> weights)
    {
        int cell = (int)place;
        double t = place - cell, a = t + 2, b = t + 1, c = t - 1, d = t - 2, e = t - 3;
        weights[0] = -b * t * c * d * e / 120;
        weights[1] = a * t * c * d * e / 24;
        weights[2] = -a * b * c * d * e / 12;
        weights[3] = a * b * t * d * e / 12;
        weights[4] = -a * b * t * c * e / 24;
        weights[5] = a * b * t * c * d / 120;
        return cell;
    }

    // Rows beyond the first half are zero before, and are not looked at after.
    private void Convolve(double[] re, double[] im, bool both)
    {
        int length = _fft.Length, grid = length / 2;
        RowTransforms(re, im, grid, inverse: false);
        ColumnBlocks((column, blockRe, blockIm) =>
        {
            Load(re, blockRe, column, grid);
            Load(im, blockIm, column, grid);
            blockRe[grid..].Clear();
            blockIm[grid..].Clear();
            _fft.Forward(blockRe, blockIm);
            ref double kernelRe = ref MemoryMarshal.GetArrayDataReference(_kernelRe), kernelIm = ref MemoryMarshal.GetArrayDataReference(_kernelIm);
            for (int r = 0; r < length; r++)
            {
                nuint at = (nuint)(r * _stride + column);
                Vector512<double> w = Vector512.LoadUnsafe(ref kernelRe, at), square = Vector512.LoadUnsafe(ref kernelIm, at);
                // One real charge under both kernels is the complex charge w + i w²; a complex charge is under w² alone.
                (blockRe[r], blockIm[r]) = both
                    ? (blockRe[r] * w - blockIm[r] * square, blockRe[r] * square + blockIm[r] * w)
                    : (blockRe[r] * square, blockIm[r] * square);
            }
            _fft.Inverse(blockRe, blockIm);
            Store(re, blockRe, column, grid);
            Store(im, blockIm, column, grid);
        });
        RowTransforms(re, im, grid, inverse: true);
    }

    private void RowTransforms(double[] re, double[] im, int rows, bool inverse)
    {
        int length = _fft.Length;
        Work.Split(rows / Lanes, 1, (start, end) =>
        {
            Vector512<double>[] scratch = ArrayPool<Vector512<double>>.Shared.Rent(2 * length);
            Span<Vector512<double>> blockRe = scratch.AsSpan(0, length), blockIm = scratch.AsSpan(length, length);
            for (int block = start; block < end; block++)
            {
                int first = block * Lanes * _stride;
                Turn(re.AsSpan(first, Lanes * _stride), MemoryMarshal.Cast<Vector512<double>, double>(blockRe), length, inLanes: true);
                Turn(im.AsSpan(first, Lanes * _stride), MemoryMarshal.Cast<Vector512<double>, double>(blockIm), length, inLanes: true);
                if (inverse) _fft.Inverse(blockRe, blockIm);
                else _fft.Forward(blockRe, blockIm);
                Turn(re.AsSpan(first, Lanes * _stride), MemoryMarshal.Cast<Vector512<double>, double>(blockRe), length, inLanes: false);
                Turn(im.AsSpan(first, Lanes * _stride), MemoryMarshal.Cast<Vector512<double>, double>(blockIm), length, inLanes: false);
            }
            ArrayPool<Vector512<double>>.Shared.Return(scratch);
        });
    }

    private delegate void Block(int column, Span<Vector512<double>> re, Span<Vector512<double>> im);

    private void ColumnBlocks(Block body)
    {
        int length = _fft.Length;
        Work.Split(length / Lanes, 1, (start, end) =>
        {
            Vector512<double>[] scratch = ArrayPool<Vector512<double>>.Shared.Rent(2 * length);
            for (int block = start; block < end; block++) body(block * Lanes, scratch.AsSpan(0, length), scratch.AsSpan(length, length));
            ArrayPool<Vector512<double>>.Shared.Return(scratch);
        });
    }

    // Eight rows to one vector a column, or back.
    private void Turn(Span<double> rows, Span<double> lanes, int length, bool inLanes)
    {
        for (int l = 0; l < Lanes; l++)
        {
            Span<double> row = rows.Slice(l * _stride, length);
            if (inLanes)
            {
                for (int c = 0, to = l; c < row.Length; c++, to += Lanes) lanes[to] = row[c];
            }
            else
            {
                for (int c = 0, from = l; c < row.Length; c++, from += Lanes) row[c] = lanes[from];
            }
        }
    }

    private void Load(double[] grid, Span<Vector512<double>> block, int column, int rows)
    {
        for (int r = 0; r < rows; r++) block[r] = Vector512.Create<double>(grid.AsSpan(r * _stride + column, Lanes));
    }

    private void Store(double[] grid, Span<Vector512<double>> block, int column, int rows)
    {
        for (int r = 0; r < rows; r++) block[r].CopyTo(grid.AsSpan(r * _stride + column, Lanes));
    }
}
