using System.Runtime.Intrinsics;

namespace Vitrine.Insight;

/// <summary>
/// Barnes and Hut's tree: a far cell acts as its centre of mass (van der Maaten 2014), O(N log N). Eight points that follow each other on Morton's curve go
/// through the tree together, one to a lane; a cell is far when it is for all of them, which is never less exact than point by point.
/// </summary>
/// <param name="angle">A cell is far when its width is less than this times its distance.</param>
internal sealed class BarnesHut(double angle) : Repulsion
{
    /// <summary>Above it a cell could count as far for a point inside it.</summary>
    public const double WidestAngle = 0.7;

    /// <summary>What is kept for each point: cells (up to three a point), its place and its turn.</summary>
    public const long BytesAPoint = 3 * 48 + 40;

    // A cell of the last level is a two-millionth of the map wide: what falls into one is one leaf.
    private const int Levels = 21;
    private const int DigitBits = 11;
    private const int Digits = (2 * Levels + DigitBits - 1) / DigitBits;
    private const int LeafSize = 4;
    private const int Lanes = 8;

    private Cell[] _cells = new Cell[64];
    private int _count;
    private double[] _x = [], _y = [], _sums = [];
    private ulong[] _codes = [], _spareCodes = [];
    private int[] _order = [], _spareOrder = [];
    private readonly int[] _counts = new int[Digits << DigitBits];

    // In preorder, so that the cell after the last one inside is where a far cell leads to.
    private struct Cell
    {
        public double X, Y, Mass, Near;
        public int Skip, Start, End;
    }

    public override double Forces(double[] x, double[] y, double[] forceX, double[] forceY)
    {
        int n = x.Length;
        Build(x, y);
        Work.Split((n + Lanes - 1) / Lanes, 8, (start, end) =>
        {
            Span<double> lanes = stackalloc double[3 * Lanes];
            for (int group = start; group < end; group++)
            {
                int first = group * Lanes, count = Math.Min(Lanes, n - first);
                for (int l = 0; l < Lanes; l++) (lanes[l], lanes[Lanes + l]) = (_x[first + Math.Min(l, count - 1)], _y[first + Math.Min(l, count - 1)]);
                Vector512<double> px = Vector512.Create<double>(lanes), py = Vector512.Create<double>(lanes[Lanes..]);
                (Vector512<double> fx, Vector512<double> fy, Vector512<double> z) = Walk(px, py);
                fx.CopyTo(lanes);
                fy.CopyTo(lanes[Lanes..]);
                z.CopyTo(lanes[(2 * Lanes)..]);
                for (int l = 0; l < count; l++)
                {
                    int i = _order[first + l];
                    (forceX[i], forceY[i], _sums[i]) = (lanes[l], lanes[Lanes + l], lanes[2 * Lanes + l] - 1); // less the pair with itself
                }
            }
        });
        return _sums.Sum();
    }

    private (Vector512<double> X, Vector512<double> Y, Vector512<double> Z) Walk(Vector512<double> px, Vector512<double> py)
    {
        Vector512<double> fx = default, fy = default, z = default, one = Vector512<double>.One;
        ReadOnlySpan<Cell> cells = _cells.AsSpan(0, _count);
        for (int at = 0; at < cells.Length;)
        {
            ref readonly Cell cell = ref cells[at];
            Vector512<double> dx = px - Vector512.Create(cell.X), dy = py - Vector512.Create(cell.Y), square = dx * dx + dy * dy;
            if (Vector512.GreaterThanAll(square, Vector512.Create(cell.Near)))
            {
                Vector512<double> w = one / (one + square), share = w * cell.Mass;
                z += share;
                share *= w;
                fx += share * dx;
                fy += share * dy;
                at = cell.Skip;
                continue;
            }
            if (cell.Skip == at + 1)
            {
                for (int j = cell.Start; j < cell.End; j++)
                {
                    dx = px - Vector512.Create(_x[j]);
                    dy = py - Vector512.Create(_y[j]);
                    Vector512<double> w = one / (one + dx * dx + dy * dy);
                    z += w;
                    w *= w;
                    fx += w * dx;
                    fy += w * dy;
                }
            }
            at++;
        }
        return (fx, fy, z);
    }

    private void Build(double[] x, double[] y)
    {
        int n = x.Length;
        if (_order.Length != n)
        {
            (_x, _y, _sums) = (new double[n], new double[n], new double[n]);
            (_codes, _order, _spareCodes, _spareOrder) = (new ulong[n], new int[n], new ulong[n], new int[n]);
        }
        double left = x.Min(), bottom = y.Min(), width = Math.Max(Math.Max(x.Max() - left, y.Max() - bottom), double.Epsilon);
        double scale = (1L << Levels) / width * (1 - 1e-12);
        if (!double.IsFinite(scale)) scale = 0;
        for (int i = 0; i < n; i++)
        {
            _codes[i] = Spread((ulong)((x[i] - left) * scale)) | (Spread((ulong)((y[i] - bottom) * scale)) << 1);
            _order[i] = i;
        }
        Sort();
        for (int i = 0; i < n; i++) (_x[i], _y[i]) = (x[_order[i]], y[_order[i]]);
        _count = 0;
        Add(0, n, 0, width);
    }

    // By digits from the last to the first (radix): a step's tree is half as dear as with a sort by comparisons, which knows nothing of digits.
    private void Sort()
    {
        int n = _codes.Length;
        Array.Clear(_counts);
        foreach (ulong code in _codes)
        {
            for (int d = 0; d < Digits; d++) _counts[(d << DigitBits) + Digit(code, d)]++;
        }
        for (int d = 0; d < Digits; d++)
        {
            Span<int> next = _counts.AsSpan(d << DigitBits, 1 << DigitBits);
            int sum = 0;
            foreach (ref int count in next) (count, sum) = (sum, sum + count);
            for (int i = 0; i < n; i++)
            {
                ulong code = _codes[i];
                int at = next[Digit(code, d)]++;
                (_spareCodes[at], _spareOrder[at]) = (code, _order[i]);
            }
            (_codes, _spareCodes) = (_spareCodes, _codes);
            (_order, _spareOrder) = (_spareOrder, _order);
        }

        static int Digit(ulong code, int d) => (int)(code >> (d * DigitBits)) & ((1 << DigitBits) - 1);
    }

    private void Add(int start, int end, int level, double width)
    {
        // A level with one cell in use says nothing.
        while (level < Levels && end - start > 1 && Quarter(start, level) == Quarter(end - 1, level)) (level, width) = (level + 1, width / 2);
        if (_count == _cells.Length) Array.Resize(ref _cells, 2 * _count);
        int me = _count++;
        var cell = new Cell { Start = start, End = end, Mass = end - start, Near = width * width / (angle * angle) };
        if (end - start <= LeafSize || level == Levels)
        {
            for (int j = start; j < end; j++) (cell.X, cell.Y) = (cell.X + _x[j], cell.Y + _y[j]);
        }
        else
        {
            for (int from = start; from < end;)
            {
                int to = Boundary(from, end, level), child = _count;
                Add(from, to, level + 1, width / 2);
                Cell inside = _cells[child];
                (cell.X, cell.Y) = (cell.X + inside.X * inside.Mass, cell.Y + inside.Y * inside.Mass);
                from = to;
            }
        }
        cell.X /= cell.Mass;
        cell.Y /= cell.Mass;
        cell.Skip = _count;
        _cells[me] = cell;
    }

    private int Quarter(int i, int level) => (int)(_codes[i] >> (2 * (Levels - 1 - level))) & 3;

    // Where the quarter that the point at from is in ends.
    private int Boundary(int from, int end, int level)
    {
        int quarter = Quarter(from, level), low = from, high = end;
        while (high - low > 1)
        {
            int middle = (low + high) / 2;
            if (Quarter(middle, level) == quarter) low = middle;
            else high = middle;
        }
        return high;
    }

    // A zero bit between any two.
    private static ulong Spread(ulong v)
    {
        v = (v | (v << 16)) & 0x0000FFFF0000FFFF;
        v = (v | (v << 8)) & 0x00FF00FF00FF00FF;
        v = (v | (v << 4)) & 0x0F0F0F0F0F0F0F0F;
        v = (v | (v << 2)) & 0x3333333333333333;
        return (v | (v << 1)) & 0x5555555555555555;
    }
}
