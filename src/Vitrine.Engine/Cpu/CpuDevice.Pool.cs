using System.Runtime.InteropServices;

namespace Vitrine.Cpu;

/// <content>Pooling over the last two axes; a plane is one image of one channel.</content>
internal sealed unsafe partial class CpuDevice
{
    private struct PoolJob
    {
        public float* X, Y;
        public int* Positions;
        public int H, W;
        public Window Window;
    }

    public override Tensor MaxPool(in Window w, Tensor x, Shape shape)
    {
        Tensor y = Tensor.Uninitialized(shape), positions = Tensor.Uninitialized(shape);
        y.Saved = positions;
        if (y.Count == 0) return y;
        fixed (float* px = x.Floats, py = y.MutableFloats)
        fixed (int* pp = MemoryMarshal.Cast<float, int>(positions.MutableFloats))
        {
            var job = new PoolJob { X = px, Y = py, Positions = pp, H = x.Shape[-2], W = x.Shape[-1], Window = w };
            bool halving = w is { KernelH: 2, KernelW: 2, StrideH: 2, StrideW: 2, PadH: 0, PadW: 0, DilationH: 1, DilationW: 1 } && 2 * w.OutH <= job.H && 2 * w.OutW <= job.W;
            Parallel.For(y.Count / (w.OutH * w.OutW), GrainOf((long)w.OutH * w.OutW * w.KernelH * w.KernelW), halving ? &Halving : &General, &job);
        }
        return y;

        static void General(void* context, int start, int end)
        {
            var job = (PoolJob*)context;
            ref readonly Window w = ref job->Window;
            for (int plane = start; plane < end; plane++)
            {
                float* x = job->X + (long)plane * job->H * job->W;
                long at = (long)plane * w.OutH * w.OutW;
                for (int oh = 0; oh < w.OutH; oh++)
                {
                    int top = oh * w.StrideH - w.PadH, bottom = Math.Min(top + (w.KernelH - 1) * w.DilationH + 1, job->H);
                    top = Inside(top, w.DilationH);
                    for (int ow = 0; ow < w.OutW; ow++, at++)
                    {
                        int left = ow * w.StrideW - w.PadW, right = Math.Min(left + (w.KernelW - 1) * w.DilationW + 1, job->W);
                        left = Inside(left, w.DilationW);
                        float best = float.NegativeInfinity;
                        int position = Math.Min(top, job->H - 1) * job->W + Math.Min(left, job->W - 1);
                        for (int h = top; h < bottom; h += w.DilationH)
                        {
                            for (int i = left; i < right; i += w.DilationW)
                            {
                                float value = x[h * job->W + i];
                                if (!(value > best) && !float.IsNaN(value)) continue;
                                best = value;
                                position = h * job->W + i;
                            }
                        }
                        job->Y[at] = best;
                        job->Positions[at] = position;
                    }
                }
            }
        }

        // The first place of a window that is not padding.
        static int Inside(int start, int dilation) => start >= 0 ? start : (dilation - -start % dilation) % dilation;

        static void Halving(void* context, int start, int end)
        {
            var job = (PoolJob*)context;
            int width = job->W, oh = job->Window.OutH, ow = job->Window.OutW;
            for (int plane = start; plane < end; plane++)
            {
                float* x = job->X + (long)plane * job->H * width;
                float* y = job->Y + (long)plane * oh * ow;
                int* positions = job->Positions + (long)plane * oh * ow;
                for (int h = 0; h < oh; h++)
                {
                    float* upper = x + 2 * h * width, lower = upper + width;
                    for (int i = 0; i < ow; i++)
                    {
                        int position = 2 * h * width + 2 * i;
                        float best = upper[2 * i];
                        if (upper[2 * i + 1] > best) { best = upper[2 * i + 1]; position = 2 * h * width + 2 * i + 1; }
                        if (lower[2 * i] > best) { best = lower[2 * i]; position = (2 * h + 1) * width + 2 * i; }
                        if (lower[2 * i + 1] > best) { best = lower[2 * i + 1]; position = (2 * h + 1) * width + 2 * i + 1; }
                        *y++ = best;
                        *positions++ = position;
                    }
                }
            }
        }
    }

    public override Tensor AdaptiveMaxPool(Tensor x, Shape shape)
    {
        Tensor y = Tensor.Uninitialized(shape), positions = Tensor.Uninitialized(shape);
        y.Saved = positions;
        int h = x.Shape[-2], w = x.Shape[-1], outH = shape[-2], outW = shape[-1];
        ReadOnlySpan<float> from = x.Floats;
        Span<float> to = y.MutableFloats;
        Span<int> at = MemoryMarshal.Cast<float, int>(positions.MutableFloats);
        for (int i = 0; i < to.Length; i++)
        {
            int plane = i / (outH * outW), row = i / outW % outH, column = i % outW;
            float best = float.NegativeInfinity;
            int position = -1;
            // Window j of n over a length l reaches from floor(j l / n) to ceil((j + 1) l / n).
            for (int r = (int)((long)row * h / outH); r < (int)(((row + 1L) * h + outH - 1) / outH); r++)
            {
                for (int c = (int)((long)column * w / outW); c < (int)(((column + 1L) * w + outW - 1) / outW); c++)
                {
                    float value = from[(plane * h + r) * w + c];
                    if (position >= 0 && !(value > best) && !float.IsNaN(value)) continue;
                    best = value;
                    position = r * w + c;
                }
            }
            to[i] = best;
            at[i] = position;
        }
        return y;
    }

    public override Tensor MaxPoolGrad(Tensor grad, Tensor positions, Shape shape)
    {
        Tensor gx = Tensor.Uninitialized(shape);
        if (gx.Count == 0) return gx;
        int planeIn = shape[-2] * shape[-1], planeOut = grad.Shape[-2] * grad.Shape[-1];
        fixed (float* pg = grad.Floats, px = gx.MutableFloats)
        fixed (int* pp = MemoryMarshal.Cast<float, int>(positions.Floats))
        {
            var job = new PoolJob { X = px, Y = pg, Positions = pp, H = planeIn, W = planeOut };
            Parallel.For(gx.Count / planeIn, GrainOf(planeIn), &Body, &job);
        }
        return gx;

        static void Body(void* context, int start, int end)
        {
            var job = (PoolJob*)context;
            for (int plane = start; plane < end; plane++)
            {
                float* x = job->X + (long)plane * job->H, g = job->Y + (long)plane * job->W;
                int* positions = job->Positions + (long)plane * job->W;
                new Span<float>(x, job->H).Clear();
                for (int i = 0; i < job->W; i++) x[positions[i]] += g[i];
            }
        }
    }

    public override Tensor MaxPoolRead(Tensor x, Tensor positions, Shape shape)
    {
        Tensor y = Tensor.Uninitialized(shape);
        if (y.Count == 0) return y;
        int planeIn = x.Shape[-2] * x.Shape[-1], planeOut = shape[-2] * shape[-1];
        ReadOnlySpan<float> from = x.Floats;
        ReadOnlySpan<int> at = MemoryMarshal.Cast<float, int>(positions.Floats);
        Span<float> to = y.MutableFloats;
        for (int i = 0; i < to.Length; i++) to[i] = from[i / planeOut * planeIn + at[i]];
        return y;
    }

    public override Tensor AvgPool(in Window w, Tensor x, Shape shape)
    {
        Tensor y = Tensor.Uninitialized(shape);
        if (y.Count == 0) return y;
        fixed (float* px = x.Floats, py = y.MutableFloats)
        {
            var job = new PoolJob { X = px, Y = py, H = x.Shape[-2], W = x.Shape[-1], Window = w };
            Parallel.For(y.Count / (w.OutH * w.OutW), GrainOf((long)w.OutH * w.OutW * w.KernelH * w.KernelW), &Body, &job);
        }
        return y;

        static void Body(void* context, int start, int end) => Average((PoolJob*)context, start, end, spread: false);
    }

    public override Tensor AvgPoolGrad(in Window w, Tensor grad, Shape shape)
    {
        Tensor gx = Tensor.Uninitialized(shape);
        if (gx.Count == 0) return gx;
        fixed (float* pg = grad.Floats, px = gx.MutableFloats)
        {
            var job = new PoolJob { X = px, Y = pg, H = shape[-2], W = shape[-1], Window = w };
            int planes = gx.Count / (job.H * job.W);
            Parallel.For(planes, GrainOf((long)w.OutH * w.OutW * w.KernelH * w.KernelW), &Body, &job);
        }
        return gx;

        static void Body(void* context, int start, int end)
        {
            var job = (PoolJob*)context;
            new Span<float>(job->X + (long)start * job->H * job->W, (end - start) * job->H * job->W).Clear();
            Average(job, start, end, spread: true);
        }
    }

    /// <summary>Means of windows of x into y or, when spreading, shares of y into the windows of x.</summary>
    private static void Average(PoolJob* job, int start, int end, bool spread)
    {
        ref readonly Window w = ref job->Window;
        for (int plane = start; plane < end; plane++)
        {
            float* x = job->X + (long)plane * job->H * job->W;
            float* y = job->Y + (long)plane * w.OutH * w.OutW;
            for (int oh = 0; oh < w.OutH; oh++)
            {
                int top = oh * w.StrideH - w.PadH, end0 = Math.Min(top + w.KernelH, job->H + w.PadH);
                int fromH = Math.Max(top, 0), toH = Math.Min(end0, job->H);
                for (int ow = 0; ow < w.OutW; ow++, y++)
                {
                    int left = ow * w.StrideW - w.PadW, end1 = Math.Min(left + w.KernelW, job->W + w.PadW);
                    int fromW = Math.Max(left, 0), toW = Math.Min(end1, job->W);
                    int counted = w.Divisor != 0 ? w.Divisor : w.CountPadding ? (end0 - top) * (end1 - left) : (toH - fromH) * (toW - fromW);
                    float share = 1f / counted;
                    if (spread)
                    {
                        float g = *y * share;
                        for (int h = fromH; h < toH; h++)
                        {
                            for (int i = fromW; i < toW; i++) x[h * job->W + i] += g;
                        }
                    }
                    else
                    {
                        float sum = 0;
                        for (int h = fromH; h < toH; h++)
                        {
                            for (int i = fromW; i < toW; i++) sum += x[h * job->W + i];
                        }
                        *y = sum * share;
                    }
                }
            }
        }
    }
}
