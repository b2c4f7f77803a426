using System.Numerics;

namespace Vitrine.Cpu;

/// <content>Normalisation over neighbouring channels: the channels of a run of places stay in the cache.</content>
internal sealed unsafe partial class CpuDevice
{
    // Places of a block: all channels of so many are done together.
    private const int ResponsePlaces = 64;

    private struct ResponseJob
    {
        public float* G, X, Y;
        public int C, Inner;
        public ResponseNorm Norm;

        public readonly int Blocks => (Inner + ResponsePlaces - 1) / ResponsePlaces;
    }

    public override Tensor LocalResponseNorm(in ResponseNorm norm, Tensor x)
    {
        Tensor y = Tensor.Uninitialized(x.Shape);
        if (y.Count == 0) return y;
        fixed (float* px = x.Floats, py = y.MutableFloats)
        {
            var job = new ResponseJob { X = px, Y = py, C = x.Shape[1], Inner = x.Count / (x.Shape[0] * x.Shape[1]), Norm = norm };
            Parallel.For(x.Shape[0] * job.Blocks, GrainOf(20L * job.C * ResponsePlaces), &Body, &job);
        }
        return y;

        static void Body(void* context, int start, int end)
        {
            var job = (ResponseJob*)context;
            for (int item = start; item < end; item++)
            {
                int first = item % job->Blocks * ResponsePlaces, count = Math.Min(ResponsePlaces, job->Inner - first);
                long at = (long)(item / job->Blocks) * job->C * job->Inner + first;
                for (int c = 0; c < job->C; c++)
                {
                    for (int i = 0; i < count; i += VectorMath.Count)
                    {
                        long own = at + (long)c * job->Inner + i;
                        Vector<float> denominator = Denominator(job, at + i, c, count - i);
                        VectorMath.Store(VectorMath.Load(job->X + own, count - i) * Power(denominator, -job->Norm.Beta), job->Y + own, count - i);
                    }
                }
            }
        }
    }

    public override Tensor LocalResponseNormGrad(in ResponseNorm norm, Tensor grad, Tensor x)
    {
        Tensor y = Tensor.Uninitialized(x.Shape);
        if (y.Count == 0) return y;
        fixed (float* pg = grad.Floats, px = x.Floats, py = y.MutableFloats)
        {
            var job = new ResponseJob { G = pg, X = px, Y = py, C = x.Shape[1], Inner = x.Count / (x.Shape[0] * x.Shape[1]), Norm = norm };
            Parallel.For(x.Shape[0] * job.Blocks, GrainOf(30L * job.C * ResponsePlaces), &Body, &job);
        }
        return y;

        static void Body(void* context, int start, int end)
        {
            var job = (ResponseJob*)context;
            ResponseNorm norm = job->Norm;
            // y_c = x_c d_c^-b, so gx_c = g_c d_c^-b - 2 b alpha / size x_c times the sum of g x d^(-b - 1) over the channels that c is a neighbour of.
            float* shares = Scratch.Get(ScratchUse.ChunkA, (long)job->C * ResponsePlaces);
            Vector<float> factor = new(-2 * norm.Beta * norm.Alpha / norm.Size);
            for (int item = start; item < end; item++)
            {
                int first = item % job->Blocks * ResponsePlaces, count = Math.Min(ResponsePlaces, job->Inner - first);
                long at = (long)(item / job->Blocks) * job->C * job->Inner + first;
                for (int c = 0; c < job->C; c++)
                {
                    for (int i = 0; i < count; i += VectorMath.Count)
                    {
                        long own = at + (long)c * job->Inner + i;
                        Vector<float> denominator = Denominator(job, at + i, c, count - i);
                        Vector<float> direct = VectorMath.Load(job->G + own, count - i) * Power(denominator, -norm.Beta);
                        VectorMath.Store(direct, job->Y + own, count - i);
                        (direct * VectorMath.Load(job->X + own, count - i) / denominator).Store(shares + c * ResponsePlaces + i);
                    }
                }
                for (int c = 0; c < job->C; c++)
                {
                    int from = Math.Max(0, c - (norm.Size - 1) / 2), to = Math.Min(job->C - 1, c + norm.Size / 2);
                    for (int i = 0; i < count; i += VectorMath.Count)
                    {
                        long own = at + (long)c * job->Inner + i;
                        Vector<float> sum = default;
                        for (int j = from; j <= to; j++) sum += Vector.Load(shares + j * ResponsePlaces + i);
                        Vector<float> indirect = factor * VectorMath.Load(job->X + own, count - i) * sum;
                        VectorMath.Store(VectorMath.Load(job->Y + own, count - i) + indirect, job->Y + own, count - i);
                    }
                }
            }
        }
    }

    /// <summary>k + alpha / size times the sum of squares over the neighbours of a channel, at consecutive places.</summary>
    private static Vector<float> Denominator(ResponseJob* job, long at, int channel, int count)
    {
        int from = Math.Max(0, channel - job->Norm.Size / 2), to = Math.Min(job->C - 1, channel + (job->Norm.Size - 1) / 2);
        Vector<float> sum = default;
        for (int c = from; c <= to; c++)
        {
            Vector<float> x = VectorMath.Load(job->X + at + (long)c * job->Inner, count);
            sum = Vector.FusedMultiplyAdd(x, x, sum);
        }
        return Vector.FusedMultiplyAdd(sum, new(job->Norm.Alpha / job->Norm.Size), new(job->Norm.K));
    }

    private static Vector<float> Power(Vector<float> x, float exponent) => Vector.Exp(Vector.Log(x) * exponent);
}
