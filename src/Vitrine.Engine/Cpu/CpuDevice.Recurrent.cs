namespace Vitrine.Cpu;

/// <content>Recurrent layers over whole sequences.</content>
internal sealed unsafe partial class CpuDevice
{
    public override Tensor Recurrent(in RecurrentCall call)
    {
        (int gates, int parts, _) = Extents(call.Kind);
        int n = call.X.Shape[0], steps = call.X.Shape[1], inputs = call.X.Shape[2], h = call.Hidden.Shape[1];
        bool cell = call.Kind == RecurrentKind.Lstm;
        int states = call.WantLast ? cell ? 2 : 1 : 0;
        Tensor y = Tensor.Uninitialized([n, steps + states, h]), saved = Tensor.Uninitialized([n, steps, parts * h]);
        y.Saved = saved;
        if (y.Count == 0) return y;
        Tensor? bias = call.InputBias is null ? null : Tensor.Uninitialized([gates * h]);
        if (bias is not null)
        {
            // What no gate keeps apart is added once, to the input's share.
            ReadOnlySpan<float> second = call.HiddenBias!.Floats;
            int together = call.Kind == RecurrentKind.Gru ? 2 * h : gates * h;
            call.InputBias!.Floats.CopyTo(bias.MutableFloats);
            System.Numerics.Tensors.TensorPrimitives.Add(call.InputBias.Floats[..together], second[..together], bias.MutableFloats);
        }
        fixed (float* px = call.X.Floats, wi = call.Input.Floats, wh = call.Hidden.Floats, pb = Or(bias), hb = Or(call.HiddenBias), py = y.MutableFloats,
            ps = saved.MutableFloats)
        fixed (float* h0 = Or(call.H0), c0 = Or(call.C0))
        fixed (long* lengths = call.Lengths is null ? default : call.Lengths.Longs)
        {
            Gemm.Run(false, true, n * steps, gates * h, inputs, px, inputs, wi, inputs, ps, parts * h, accumulate: false, columnBias: pb);
            RecurrentJob job = Job(call, py, ps, h0, c0, lengths, h);
            if (call.Kind == RecurrentKind.Gru && hb != null) job.Bias = hb + 2 * h;
            for (int i = 0; i < n; i++) new ReadOnlySpan<float>(job.H0 + (long)i * h, h).CopyTo(new Span<float>(job.From + (long)i * job.Stride, h));
            switch (call.Kind)
            {
                case RecurrentKind.Lstm: RecurrentKernel.Forward<LstmCell>(&job, wh); break;
                case RecurrentKind.Gru: RecurrentKernel.Forward<GruCell>(&job, wh); break;
                case RecurrentKind.Relu: RecurrentKernel.Forward<PlainCell<N1>>(&job, wh); break;
                default: RecurrentKernel.Forward<PlainCell<N0>>(&job, wh); break;
            }
            for (int i = 0; i < n && states > 0; i++)
            {
                float* last = py + i * job.YRow + (long)steps * h;
                new ReadOnlySpan<float>(job.From + (long)i * job.Stride, h).CopyTo(new Span<float>(last, h));
                if (cell) new ReadOnlySpan<float>(job.SavedAt(i, job.Step, parts) + (parts - 1) * h, h).CopyTo(new Span<float>(last + h, h));
            }
        }
        return y;
    }

    public override RecurrentGrads RecurrentGrad(in RecurrentCall call, Tensor y, Tensor grad, bool wantX, bool wantInput, bool wantHidden, bool wantBiases)
    {
        (int gates, int saved, int parts) = Extents(call.Kind);
        int n = call.X.Shape[0], steps = call.X.Shape[1], inputs = call.X.Shape[2], h = call.Hidden.Shape[1], rows = n * steps;
        bool gru = call.Kind == RecurrentKind.Gru, cell = call.Kind == RecurrentKind.Lstm;
        Tensor dg = Tensor.Uninitialized([rows, parts * h]), dh0 = Tensor.Zeros([n, h]), dc0 = cell ? Tensor.Zeros([n, h]) : dh0;
        Tensor? dx = wantX ? Tensor.Uninitialized(call.X.Shape) : null, dwi = wantInput ? Tensor.Zeros(call.Input.Shape) : null;
        Tensor? dwh = wantHidden ? Tensor.Zeros(call.Hidden.Shape) : null, dbi = null, dbh = null;
        if (y.Count == 0)
        {
            return new RecurrentGrads(dx, dwi, dwh, wantBiases ? Tensor.Zeros([gates * h]) : null, wantBiases ? Tensor.Zeros([gates * h]) : null, dh0, dc0);
        }
        fixed (float* px = call.X.Floats, wi = call.Input.Floats, wh = call.Hidden.Floats, py = y.Floats, pg = grad.Floats, ps = y.Saved!.Floats,
            pd = dg.MutableFloats)
        fixed (float* h0 = Or(call.H0), c0 = Or(call.C0), carryH = dh0.MutableFloats, carryC = dc0.MutableFloats)
        fixed (long* lengths = call.Lengths is null ? default : call.Lengths.Longs)
        {
            RecurrentJob job = Job(call, py, ps, h0, c0, lengths, gates * h);
            job.GradY = pg;
            job.Grads = pd;
            job.CarryH = carryH;
            job.CarryC = carryC;
            for (int i = 0; i < n && call.WantLast; i++)
            {
                float* last = pg + i * job.YRow + (long)steps * h;
                new ReadOnlySpan<float>(last, h).CopyTo(new Span<float>(carryH + (long)i * h, h));
                if (cell) new ReadOnlySpan<float>(last + h, h).CopyTo(new Span<float>(carryC + (long)i * h, h));
            }
            switch (call.Kind)
            {
                case RecurrentKind.Lstm: RecurrentKernel.Backward<LstmCell>(&job, wh); break;
                case RecurrentKind.Gru: RecurrentKernel.Backward<GruCell>(&job, wh); break;
                case RecurrentKind.Relu: RecurrentKernel.Backward<PlainCell<N1>>(&job, wh); break;
                default: RecurrentKernel.Backward<PlainCell<N0>>(&job, wh); break;
            }
            int ld = parts * h, m = gates * h;
            if (dx is not null) fixed (float* p = dx.MutableFloats) Gemm.Run(false, false, rows, inputs, m, pd, ld, wi, inputs, p, inputs, accumulate: false);
            if (dwi is not null) fixed (float* p = dwi.MutableFloats) Gemm.Run(true, false, m, inputs, rows, pd, ld, px, inputs, p, inputs, accumulate: false);
            if (dwh is not null)
            {
                Tensor before = Tensor.Uninitialized([rows, h]);
                fixed (float* pw = dwh.MutableFloats, pb = before.MutableFloats)
                {
                    for (int t = 0; t < steps; t++)
                    {
                        job.Step = t;
                        job.Before = call.Reverse ? t == steps - 1 ? -1 : t + 1 : t - 1;
                        for (int i = 0; i < n; i++) new ReadOnlySpan<float>(job.HiddenBefore(i), h).CopyTo(new Span<float>(pb + ((long)i * steps + t) * h, h));
                    }
                    // A GRU's reset gate stands between the hidden state's share of n and n itself: its gradient is the fourth part.
                    Gemm.Run(true, false, gru ? 2 * h : m, h, rows, pd, ld, pb, h, pw, h, accumulate: false);
                    if (gru) Gemm.Run(true, false, h, h, rows, pd + 3 * h, ld, pb, h, pw + 2L * h * h, h, accumulate: false);
                }
                MemoryScope.Release(before.Storage);
            }
        }
        if (wantBiases)
        {
            Tensor sums = Reduce(Reduction.Sum, dg, 1, rows, parts * h, [parts * h]);
            dbi = sums.Alias([gates * h], 0);
            dbh = dbi;
            if (gru)
            {
                dbh = Tensor.From(dbi.Floats, dbi.Shape);
                sums.Floats[(3 * h)..].CopyTo(dbh.MutableFloats[(2 * h)..]);
            }
        }
        MemoryScope.Release(dg.Storage);
        return new RecurrentGrads(dx, dwi, dwh, dbi, dbh, dh0, dc0);
    }

    private static ReadOnlySpan<float> Or(Tensor? x) => x is null ? default : x.Floats;

    private static (int Gates, int Saved, int Parts) Extents(RecurrentKind kind) => kind switch
    {
        RecurrentKind.Lstm => (LstmCell.Gates, LstmCell.Saved, LstmCell.Parts),
        RecurrentKind.Gru => (GruCell.Gates, GruCell.Saved, GruCell.Parts),
        _ => (1, 1, 1),
    };

    private static RecurrentJob Job(in RecurrentCall call, float* y, float* saved, float* h0, float* c0, long* lengths, int numbers)
    {
        int n = call.X.Shape[0], steps = call.X.Shape[1], h = call.Hidden.Shape[1], states = call.WantLast ? call.Kind == RecurrentKind.Lstm ? 2 : 1 : 0;
        int stride = RecurrentKernel.StrideFor(numbers);
        float* buffers = Scratch.Get(ScratchUse.Image, 2L * n * stride);
        if (h0 == null)
        {
            h0 = Scratch.Get(ScratchUse.Table, (long)n * h);
            new Span<float>(h0, n * h).Clear();
        }
        return new RecurrentJob
        {
            N = n,
            T = steps,
            H = h,
            Reverse = call.Reverse,
            Saved = saved,
            Y = y,
            YRow = (long)(steps + states) * h,
            H0 = h0,
            C0 = c0,
            Lengths = lengths,
            Stride = stride,
            From = buffers,
            To = buffers + (long)n * stride,
        };
    }
}
