using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

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
            bool halving = w is { KernelH: 2, KernelW: 2, StrideH: 2, StrideW: 2, PadH: 0, PadW: 0, DilationH: 1, DilationW: 1 } && 2 * w.OutH <= job.H
                && 2 * w.OutW <= job.W;
            Parallel.For(
                y.Count / (w.OutH * w.OutW), GrainOf((long)w.OutH * w.OutW * w.KernelH * w.KernelW),
                    halving ? &Halving : WideMaxPool.Fits(w) ? &Wide : &General, &job);
        }
        return y;

        static void Wide(void* context, int start, int end)
        {
            var job = (PoolJob*)context;
            int plane = job->H * job->W, result = job->Window.OutH * job->Window.OutW;
            for (int i = start; i < end; i++)
            {
                WideMaxPool.Plane(job->Window, job->X + (long)i * plane, job->H, job->W, job->Y + (long)i * result, job->Positions + (long)i * result);
            }
        }

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
                for (int h = 0; h < oh; h++, y += ow, positions += ow) HalveRows(x, 2 * h * width, width, ow, y, positions);
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

    /// <summary>Maxima of 2 x 2 squares of two rows; without branches, since which of four numbers is the largest cannot be predicted.</summary>
    private static void HalveRows(float* plane, int row, int width, int count, float* y, int* positions)
    {
        // The last vector of a row overlaps the one before it: writing the same maxima twice is cheaper than a scalar rest.
        if (Avx512F.IsSupported && count >= 16)
        {
            Vector512<int> even = Vector512.CreateSequence(0, 2), odd = even + Vector512<int>.One;
            for (int next = 0; next < count; next += 16)
            {
                int i = Math.Min(next, count - 16);
                float* upper = plane + row + 2 * i, lower = upper + width;
                Vector512<float> u0 = Vector512.Load(upper), u1 = Vector512.Load(upper + 16), l0 = Vector512.Load(lower), l1 = Vector512.Load(lower + 16);
                Vector512<int> at = even + Vector512.Create(row + 2 * i);
                Vector512<float> best = Avx512F.PermuteVar16x32x2(u0, even, u1);
                Better(Avx512F.PermuteVar16x32x2(u0, odd, u1), at + Vector512<int>.One, ref best, ref at);
                Vector512<int> below = even + Vector512.Create(row + width + 2 * i);
                Better(Avx512F.PermuteVar16x32x2(l0, even, l1), below, ref best, ref at);
                Better(Avx512F.PermuteVar16x32x2(l0, odd, l1), below + Vector512<int>.One, ref best, ref at);
                best.Store(y + i);
                at.Store(positions + i);
            }
        }
        else if (Avx2.IsSupported && count >= 8)
        {
            Vector256<int> order = Vector256.Create(0, 1, 4, 5, 2, 3, 6, 7), even = Vector256.CreateSequence(0, 2);
            for (int next = 0; next < count; next += 8)
            {
                int i = Math.Min(next, count - 8);
                float* upper = plane + row + 2 * i, lower = upper + width;
                Vector256<float> u0 = Vector256.Load(upper), u1 = Vector256.Load(upper + 8), l0 = Vector256.Load(lower), l1 = Vector256.Load(lower + 8);
                Vector256<int> at = even + Vector256.Create(row + 2 * i), below = even + Vector256.Create(row + width + 2 * i);
                Vector256<float> best = Avx2.PermuteVar8x32(Avx.Shuffle(u0, u1, 0b10_00_10_00), order);
                BetterHalf(Avx2.PermuteVar8x32(Avx.Shuffle(u0, u1, 0b11_01_11_01), order), at + Vector256<int>.One, ref best, ref at);
                BetterHalf(Avx2.PermuteVar8x32(Avx.Shuffle(l0, l1, 0b10_00_10_00), order), below, ref best, ref at);
                BetterHalf(Avx2.PermuteVar8x32(Avx.Shuffle(l0, l1, 0b11_01_11_01), order), below + Vector256<int>.One, ref best, ref at);
                best.Store(y + i);
                at.Store(positions + i);
            }
        }
        else if (Sse.IsSupported && count >= 4)
        {
            Vector128<int> even = Vector128.CreateSequence(0, 2);
            for (int next = 0; next < count; next += 4)
            {
                int i = Math.Min(next, count - 4);
                float* upper = plane + row + 2 * i, lower = upper + width;
                Vector128<float> u0 = Vector128.Load(upper), u1 = Vector128.Load(upper + 4), l0 = Vector128.Load(lower), l1 = Vector128.Load(lower + 4);
                Vector128<int> at = even + Vector128.Create(row + 2 * i), below = even + Vector128.Create(row + width + 2 * i);
                Vector128<float> best = Sse.Shuffle(u0, u1, 0b10_00_10_00);
                BetterQuarter(Sse.Shuffle(u0, u1, 0b11_01_11_01), at + Vector128<int>.One, ref best, ref at);
                BetterQuarter(Sse.Shuffle(l0, l1, 0b10_00_10_00), below, ref best, ref at);
                BetterQuarter(Sse.Shuffle(l0, l1, 0b11_01_11_01), below + Vector128<int>.One, ref best, ref at);
                best.Store(y + i);
                at.Store(positions + i);
            }
        }
        else
        {
            for (int i = 0; i < count; i++)
            {
                int at = row + 2 * i, position = at;
                float best = plane[at];
                Choose(plane, at + 1, ref best, ref position);
                Choose(plane, at + width, ref best, ref position);
                Choose(plane, at + width + 1, ref best, ref position);
                y[i] = best;
                positions[i] = position;
            }
        }

        static void Choose(float* plane, int at, ref float best, ref int position)
        {
            bool better = plane[at] > best || float.IsNaN(plane[at]);
            position = better ? at : position;
            best = better ? plane[at] : best;
        }

        static void Better(Vector512<float> value, Vector512<int> at, ref Vector512<float> best, ref Vector512<int> position)
        {
            Vector512<float> better = Vector512.GreaterThan(value, best) | ~Vector512.Equals(value, value);
            best = Vector512.ConditionalSelect(better, value, best);
            position = Vector512.ConditionalSelect(better.AsInt32(), at, position);
        }

        static void BetterQuarter(Vector128<float> value, Vector128<int> at, ref Vector128<float> best, ref Vector128<int> position)
        {
            Vector128<float> better = Vector128.GreaterThan(value, best) | ~Vector128.Equals(value, value);
            best = Vector128.ConditionalSelect(better, value, best);
            position = Vector128.ConditionalSelect(better.AsInt32(), at, position);
        }

        static void BetterHalf(Vector256<float> value, Vector256<int> at, ref Vector256<float> best, ref Vector256<int> position)
        {
            Vector256<float> better = Vector256.GreaterThan(value, best) | ~Vector256.Equals(value, value);
            best = Vector256.ConditionalSelect(better, value, best);
            position = Vector256.ConditionalSelect(better.AsInt32(), at, position);
        }
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
