using System.Numerics.Tensors;

namespace Vitrine.Cpu;

/// <content>Resampling: weighted sums of a few positions of an axis, and of places in a plane.</content>
internal sealed unsafe partial class CpuDevice
{
    private struct ResampleJob
    {
        public float* X, Y, Weights;
        public int* Index;
        public int Taps, N, M, Inner;
        public bool Adjoint;
    }

    public override Tensor Resample(
        Tensor x, ReadOnlySpan<int> index, ReadOnlySpan<float> weights, int taps, int outer, int n, int inner, Shape shape, bool adjoint)
    {
        Tensor y = adjoint ? Tensor.Zeros(shape) : Tensor.Uninitialized(shape);
        if (y.Count == 0) return y;
        fixed (float* px = x.Floats, py = y.MutableFloats, pw = weights)
        fixed (int* pi = index)
        {
            int m = taps == 0 ? 0 : index.Length / taps;
            var job = new ResampleJob { X = px, Y = py, Weights = pw, Index = pi, Taps = taps, N = n, M = m, Inner = inner, Adjoint = adjoint };
            Parallel.For(outer, GrainOf((long)m * taps * inner), &Body, &job);
        }
        return y;

        static void Body(void* context, int start, int end)
        {
            var job = (ResampleJob*)context;
            int inner = job->Inner;
            // The long side is the one that is read, or in the adjoint written, by index.
            float* large = job->Adjoint ? job->Y : job->X, small = job->Adjoint ? job->X : job->Y;
            for (int o = start; o < end; o++)
            {
                float* indexed = large + (long)o * job->N * inner;
                for (int j = 0; j < job->M; j++)
                {
                    float* row = small + ((long)o * job->M + j) * inner;
                    if (!job->Adjoint) new Span<float>(row, inner).Clear();
                    for (int t = 0; t < job->Taps; t++)
                    {
                        float weight = job->Weights[j * job->Taps + t];
                        if (weight == 0) continue; // Tables are padded with these.
                        float* at = indexed + (long)job->Index[j * job->Taps + t] * inner;
                        float* from = job->Adjoint ? row : at, to = job->Adjoint ? at : row;
                        if (inner == 1) *to += weight * *from;
                        else TensorPrimitives.MultiplyAdd(
                            new ReadOnlySpan<float>(from, inner), weight, new ReadOnlySpan<float>(to, inner), new Span<float>(to, inner));
                    }
                }
            }
        }
    }

    /// <summary>What one place of a grid reads: up to 16 positions of a plane with their weights, and how the weights change with the place.</summary>
    private ref struct Taps
    {
        public int Count;
        public Span<int> Position;
        public Span<float> Weight, ByX, ByY;

        public void Add(int h, int w, int row, int column, double weight, double byX, double byY)
        {
            if ((uint)row >= (uint)h || (uint)column >= (uint)w) return;
            Position[Count] = row * w + column;
            Weight[Count] = (float)weight;
            ByX[Count] = (float)byX;
            ByY[Count++] = (float)byY;
        }
    }

    private struct GridJob
    {
        public float* X, Grid, G, Y;
        public int C, H, W, Places;
        public GridSampling Sampling;
        public int Task;
    }

    public override Tensor GridSample(in GridSampling sampling, Tensor x, Tensor grid) =>
        Grid(sampling, x, grid, null, Tensor.Uninitialized([x.Shape[0], x.Shape[1], grid.Shape[1], grid.Shape[2]]), x.Shape, 0);

    public override Tensor GridSampleInput(in GridSampling sampling, Tensor grad, Tensor grid, Shape shape) =>
        Grid(sampling, null, grid, grad, Tensor.Zeros(shape), shape, 1);

    public override Tensor GridSampleGrid(in GridSampling sampling, Tensor grad, Tensor x, Tensor grid) =>
        Grid(sampling, x, grid, grad, Tensor.Uninitialized(grid.Shape), x.Shape, 2);

    /// <summary>One walk over the places for all three tasks: 0 reads, 1 puts gradients back, 2 finds the gradient of the places.</summary>
    private static Tensor Grid(in GridSampling sampling, Tensor? x, Tensor grid, Tensor? grad, Tensor result, Shape image, int task)
    {
        if (result.Count == 0) return result;
        fixed (float* px = x is null ? default : x.Floats, pp = grid.Floats, pg = grad is null ? default : grad.Floats, py = result.MutableFloats)
        {
            int places = grid.Shape[1] * grid.Shape[2];
            var job = new GridJob
            {
                X = px,
                Grid = pp,
                G = pg,
                Y = py,
                C = image[1],
                H = image[2],
                W = image[3],
                Places = places,
                Sampling = sampling,
                Task = task
            };
            // An image is one item: its places may put gradients to the same position.
            Parallel.For(image[0], GrainOf(16L * places * image[1]), &Body, &job);
        }
        return result;

        static void Body(void* context, int start, int end)
        {
            var job = (GridJob*)context;
            var taps = new Taps { Position = stackalloc int[16], Weight = stackalloc float[16], ByX = stackalloc float[16], ByY = stackalloc float[16] };
            int plane = job->H * job->W;
            for (int n = start; n < end; n++)
            {
                for (int p = 0; p < job->Places; p++)
                {
                    float* place = job->Grid + ((long)n * job->Places + p) * 2;
                    taps.Count = 0;
                    Find(ref taps, job->Sampling, place[0], place[1], job->H, job->W);
                    double byX = 0, byY = 0;
                    for (int c = 0; c < job->C; c++)
                    {
                        long image = ((long)n * job->C + c) * plane, at = ((long)n * job->C + c) * job->Places + p;
                        switch (job->Task)
                        {
                            case 0:
                                float sum = 0;
                                for (int t = 0; t < taps.Count; t++) sum += taps.Weight[t] * job->X[image + taps.Position[t]];
                                job->Y[at] = sum;
                                break;
                            case 1:
                                for (int t = 0; t < taps.Count; t++) job->Y[image + taps.Position[t]] += taps.Weight[t] * job->G[at];
                                break;
                            default:
                                for (int t = 0; t < taps.Count; t++)
                                {
                                    float product = job->G[at] * job->X[image + taps.Position[t]];
                                    byX += product * taps.ByX[t];
                                    byY += product * taps.ByY[t];
                                }
                                break;
                        }
                    }
                    if (job->Task != 2) continue;
                    float* gradient = job->Y + ((long)n * job->Places + p) * 2;
                    gradient[0] = (float)byX;
                    gradient[1] = (float)byY;
                }
            }
        }
    }

    private static void Find(ref Taps taps, in GridSampling s, double gridX, double gridY, int h, int w)
    {
        bool cubic = s.Mode == GridMode.Bicubic;
        (double x, double slopeX) = Place(gridX, w, s);
        (double y, double slopeY) = Place(gridY, h, s);
        // Bicubic sampling reflects or clamps each position it reads, the others the place itself.
        if (!cubic)
        {
            (x, slopeX) = Bounded(x, slopeX, w, s);
            (y, slopeY) = Bounded(y, slopeY, h, s);
        }
        if (!double.IsFinite(x) || !double.IsFinite(y)) return;
        x = Math.Clamp(x, -1e9, 1e9);
        y = Math.Clamp(y, -1e9, 1e9);
        if (s.Mode == GridMode.Nearest)
        {
            // Halves to even, as PyTorch rounds.
            taps.Add(h, w, (int)Math.Round(y), (int)Math.Round(x), 1, 0, 0);
            return;
        }
        int left = (int)Math.Floor(x), top = (int)Math.Floor(y);
        double fx = x - left, fy = y - top;
        if (!cubic)
        {
            taps.Add(h, w, top, left, (1 - fx) * (1 - fy), -(1 - fy) * slopeX, -(1 - fx) * slopeY);
            taps.Add(h, w, top, left + 1, fx * (1 - fy), (1 - fy) * slopeX, -fx * slopeY);
            taps.Add(h, w, top + 1, left, (1 - fx) * fy, -fy * slopeX, (1 - fx) * slopeY);
            taps.Add(h, w, top + 1, left + 1, fx * fy, fy * slopeX, fx * slopeY);
            return;
        }
        for (int i = -1; i <= 2; i++)
        {
            (double wy, double dy) = Cubic(fy - i);
            int row = (int)Bounded(top + i, 1, h, s).Value;
            for (int j = -1; j <= 2; j++)
            {
                (double wx, double dx) = Cubic(fx - j);
                taps.Add(h, w, row, (int)Bounded(left + j, 1, w, s).Value, wx * wy, dx * wy * slopeX, wx * dy * slopeY);
            }
        }
    }

    /// <summary>From [-1, 1] to positions, and how fast.</summary>
    private static (double Value, double Slope) Place(double at, int size, in GridSampling s) => s.AlignCorners
        ? ((at + 1) / 2 * (size - 1), (size - 1) / 2.0)
        : (((at + 1) * size - 1) / 2, size / 2.0);

    /// <summary>A place brought inside by the way the border is continued; where it was moved to the border it has no slope.</summary>
    private static (double Value, double Slope) Bounded(double at, double slope, int size, in GridSampling s)
    {
        if (s.Padding == GridPadding.Zeros) return (at, slope);
        if (s.Padding == GridPadding.Reflection)
        {
            double low = s.AlignCorners ? 0 : -0.5, span = s.AlignCorners ? size - 1 : size;
            if (span == 0) return (0, 0);
            double distance = at - low;
            if (distance < 0) (distance, slope) = (-distance, -slope);
            double flips = Math.Floor(distance / span), rest = distance - flips * span;
            if (flips % 2 == 0) at = rest + low;
            else (at, slope) = (span - rest + low, -slope);
        }
        // PyTorch gives the border itself no slope.
        return at <= 0 ? (0, 0) : at >= size - 1 ? (size - 1, 0) : (at, slope);
    }

    /// <summary>The cubic convolution kernel with a = -0.75 (Keys 1981) at a distance, and its derivative.</summary>
    private static (double Value, double Slope) Cubic(double x)
    {
        const double a = -0.75;
        double d = Math.Abs(x), sign = Math.Sign(x);
        if (d <= 1) return (((a + 2) * d - (a + 3)) * d * d + 1, (3 * (a + 2) * d - 2 * (a + 3)) * d * sign);
        return d < 2 ? (((a * d - 5 * a) * d + 8 * a) * d - 4 * a, ((3 * a * d - 10 * a) * d + 8 * a) * sign) : (0, 0);
    }
}
