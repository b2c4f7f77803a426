namespace Vitrine.Cpu;

/// <content>Matrix products and convolutions.</content>
internal sealed unsafe partial class CpuDevice
{
    public override Tensor MatMul(Tensor a, Tensor b, bool transposeA, bool transposeB, Shape shape)
    {
        Tensor c = Tensor.Uninitialized(shape);
        int m = shape[-2], n = shape[-1], k = transposeA ? a.Shape[-2] : a.Shape[-1];
        int lda = a.Shape[-1], ldb = b.Shape[-1];
        int sizeA = a.Shape[-2] * lda, sizeB = b.Shape[-2] * ldb, sizeC = m * n;
        if (c.Count == 0) return c;
        fixed (float* pa = a.Floats, pb = b.Floats, pc = c.MutableFloats)
        {
            int batch = c.Count / sizeC, batchA = sizeA == 0 ? 1 : a.Count / sizeA, batchB = sizeB == 0 ? 1 : b.Count / sizeB;
            if (batch == 1) Gemm.Run(transposeA, transposeB, m, n, k, pa, lda, pb, ldb, pc, n, accumulate: false);
            else if (batchB == 1 && !transposeA && batchA == batch) Gemm.Run(false, transposeB, m * batch, n, k, pa, lda, pb, ldb, pc, n, accumulate: false);
            else if ((batchA == batch || batchA == 1) && (batchB == batch || batchB == 1))
            {
                Gemm.Batched(batch, transposeA, transposeB, m, n, k, pa, lda, batchA == 1 ? 0 : sizeA, pb, ldb, batchB == 1 ? 0 : sizeB, pc, n, sizeC,
                    accumulate: false);
            }
            else
            {
                Shape leading = [.. shape.Dims[..^2]], leadingA = [.. a.Shape.Dims[..^2]], leadingB = [.. b.Shape.Dims[..^2]];
                Broadcast plan = Broadcast.Of([.. leading.Dims, 1], [.. leadingA.Dims, 1], [.. leadingB.Dims, 1]);
                int inner = plan.Extents[plan.Rank - 1];
                for (int i = 0; i < batch; i++)
                {
                    plan.Locate(i / inner, out int ia, out int ib);
                    ia += i % inner * plan.StridesX[plan.Rank - 1];
                    ib += i % inner * plan.StridesY[plan.Rank - 1];
                    Gemm.Run(transposeA, transposeB, m, n, k, pa + (long)ia * sizeA, lda, pb + (long)ib * sizeB, ldb, pc + (long)i * sizeC, n,
                        accumulate: false);
                }
            }
        }
        return c;
    }

    public override Tensor Linear(Tensor x, Tensor weight, Tensor? bias, Shape shape, ReadOnlySpan<ChainStep> steps = default, bool save = false)
    {
        Tensor y = Tensor.Uninitialized(shape), sums = save ? Tensor.Uninitialized(shape) : y;
        if (save) y.Saved = sums;
        int outputs = weight.Shape[0], inputs = weight.Shape[1];
        fixed (ChainStep* ps = steps)
        fixed (float* px = x.Floats, pw = weight.Floats, pb = bias is null ? default : bias.Floats, pc = sums.MutableFloats, py = y.MutableFloats)
        {
            var chain = new Gemm.Chained { Steps = ps, Count = steps.Length, Y = py };
            int rows = outputs == 0 ? 0 : y.Count / outputs;
            Gemm.Run(false, true, rows, outputs, inputs, px, inputs, pw, inputs, pc, outputs, accumulate: false, columnBias: pb, chain);
        }
        return y;
    }

    public override Tensor Conv2d(in ConvShape s, Tensor x, Tensor weight, Tensor? bias, bool relu)
    {
        Tensor y = Tensor.Uninitialized([s.N, s.O, s.OH, s.OW]);
        fixed (float* px = x.Floats, pw = weight.Floats, pb = bias is null ? default : bias.Floats, py = y.MutableFloats) Conv.Forward(s, px, pw, pb, py, relu);
        return y;
    }

    public override Tensor Conv2dInput(in ConvShape s, Tensor grad, Tensor weight)
    {
        Tensor gx = Tensor.Uninitialized([s.N, s.C, s.H, s.W]);
        fixed (float* pg = grad.Floats, pw = weight.Floats, px = gx.MutableFloats) Conv.GradInput(s, pg, pw, px);
        return gx;
    }

    public override Tensor Conv2dWeight(in ConvShape s, Tensor grad, Tensor x)
    {
        Tensor gw = Tensor.Uninitialized([s.O, s.C / s.Groups, s.KH, s.KW]);
        fixed (float* pg = grad.Floats, px = x.Floats, pw = gw.MutableFloats) Conv.GradWeight(s, pg, px, pw);
        return gw;
    }
}
