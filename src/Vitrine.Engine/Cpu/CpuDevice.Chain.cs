using System.Numerics.Tensors;

namespace Vitrine.Cpu;

/// <content>Chains of unary functions: memory is read and written once, what lies between stays in the first-level cache.</content>
internal sealed unsafe partial class CpuDevice
{
    // Numbers of a block; a handful of such rows stay in the first-level cache.
    private const int ChainBlock = 1024;

    private struct ChainJob
    {
        public ChainStep* Steps;
        public int Count;

        /// <summary>The last function whose input is needed to find a gradient, or -1.</summary>
        public int Inputs;

        public float* G, X, Added, Y, Result;
    }

    public override Tensor Chain(ReadOnlySpan<ChainStep> steps, Tensor x, Tensor? added)
    {
        Tensor y = Tensor.Uninitialized(x.Shape);
        if (y.Count == 0) return y;
        fixed (ChainStep* ps = steps)
        fixed (float* px = x.Floats, pa = Or(added), py = y.MutableFloats)
        {
            var job = new ChainJob { Steps = ps, Count = steps.Length, X = px, Added = pa, Y = py };
            Parallel.For(x.Count, ElementGrain, &Body, &job);
        }
        return y;

        static void Body(void* context, int start, int end)
        {
            var job = (ChainJob*)context;
            for (int at = start; at < end; at += ChainBlock)
            {
                int count = Math.Min(ChainBlock, end - at);
                float* x = job->X + at, y = job->Y + at;
                if (job->Added != null)
                {
                    TensorPrimitives.Add(new ReadOnlySpan<float>(x, count), new ReadOnlySpan<float>(job->Added + at, count), new Span<float>(y, count));
                    x = y;
                }
                ApplyChain(job->Steps, job->Count, x, y, count);
            }
        }
    }

    public override Tensor ChainGrad(ReadOnlySpan<ChainStep> steps, Tensor grad, Tensor x, Tensor? added, Tensor y)
    {
        Tensor result = Tensor.Uninitialized(y.Shape);
        if (y.Count == 0) return result;
        fixed (ChainStep* ps = steps)
        fixed (float* pg = grad.Floats, px = x.Floats, pa = Or(added), py = y.Floats, pr = result.MutableFloats)
        {
            var job = new ChainJob { Steps = ps, Count = steps.Length, Inputs = NeededInputs(steps), G = pg, X = px, Added = pa, Y = py, Result = pr };
            Parallel.For(y.Count, ElementGrain, &Body, &job);
        }
        return result;

        static void Body(void* context, int start, int end)
        {
            var job = (ChainJob*)context;
            float* between = Scratch.Get(ScratchUse.ChunkA, (long)(job->Count + 1) * ChainBlock);
            for (int at = start; at < end; at += ChainBlock)
            {
                int count = Math.Min(ChainBlock, end - at);
                for (int i = 0; i <= job->Inputs; i++)
                {
                    var to = new Span<float>(between + i * ChainBlock, count);
                    ReadOnlySpan<float> from = new(i == 0 ? job->X + at : between + (i - 1) * ChainBlock, count);
                    if (i > 0) UnaryKernels.Apply(job->Steps[i - 1].Kind, from, to, job->Steps[i - 1].A, job->Steps[i - 1].B);
                    else if (job->Added == null) from.CopyTo(to);
                    else TensorPrimitives.Add(from, new ReadOnlySpan<float>(job->Added + at, count), to);
                }
                ReadOnlySpan<float> g = new(job->G + at, count);
                var result = new Span<float>(job->Result + at, count);
                for (int i = job->Count - 1; i >= 0; i--)
                {
                    ChainStep step = job->Steps[i];
                    int place = step.OfOutput ? i + 1 : i;
                    float* z = place == job->Count ? job->Y + at : between + place * ChainBlock;
                    if (step.Slope is { } slope) BinaryKernels.Apply(slope, g, new(z, count), result, step.SlopeA);
                    else TensorPrimitives.Multiply(g, step.SlopeA, result);
                    g = result;
                }
            }
        }
    }

    /// <summary>The functions of a chain on consecutive numbers, from x to y, which may be the same place.</summary>
    internal static void ApplyChain(ChainStep* steps, int number, float* x, float* y, int count)
    {
        for (int i = 0; i < number; i++)
        {
            UnaryKernels.Apply(steps[i].Kind, new ReadOnlySpan<float>(i == 0 ? x : y, count), new Span<float>(y, count), steps[i].A, steps[i].B);
        }
    }

    private static int NeededInputs(ReadOnlySpan<ChainStep> steps)
    {
        for (int i = steps.Length - 1; i >= 0; i--)
        {
            if (steps[i].Slope is null) continue;
            if (!steps[i].OfOutput) return i;
            if (i + 1 < steps.Length) return i + 1;
        }
        return -1;
    }
}
