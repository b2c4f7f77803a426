using System.Numerics;

namespace Vitrine.Cpu;

/// <summary>Fused updates of parameters: one pass over the weights, their gradients and the optimizer's state.</summary>
internal static unsafe class UpdateKernels
{
    private const int Grain = 16 * 1024;

    private struct SgdJob
    {
        public float* Values, Gradient, Velocity;
        public float Rate, Momentum, Decay;
        public bool Nesterov, First;
    }

    public static void Sgd(
        Span<float> values, ReadOnlySpan<float> gradient, Span<float> velocity, float rate, float momentum, float decay, bool nesterov, bool first)
    {
        fixed (float* pv = values, pg = gradient, pm = velocity)
        {
            var job = new SgdJob { Values = pv, Gradient = pg, Velocity = pm, Rate = rate, Momentum = momentum, Decay = decay, Nesterov = nesterov, First = first };
            Parallel.For(values.Length, Grain, &Body, &job);
        }

        static void Body(void* context, int start, int end)
        {
            var job = (SgdJob*)context;
            for (int i = start; i < end; i++)
            {
                float g = job->Gradient[i] + job->Decay * job->Values[i];
                if (job->Velocity != null)
                {
                    // PyTorch starts the velocity at the first gradient.
                    float v = job->First ? g : job->Momentum * job->Velocity[i] + g;
                    job->Velocity[i] = v;
                    g = job->Nesterov ? g + job->Momentum * v : v;
                }
                job->Values[i] -= job->Rate * g;
            }
        }
    }

    private struct AdamJob
    {
        public float* Values, Gradient, Mean, Square, Largest;
        public float Beta1, Rest1, Beta2, Rest2, StepSize, RootCorrection, Epsilon, L2, Shrink;
    }

    public static void Adam(
        Span<float> values, ReadOnlySpan<float> gradient, Span<float> mean, Span<float> square, Span<float> largest,
        double rate, double beta1, double beta2, double epsilon, float l2, float decoupled, long step)
    {
        fixed (float* pv = values, pg = gradient, pm = mean, ps = square, px = largest)
        {
            var job = new AdamJob
            {
                Values = pv,
                Gradient = pg,
                Mean = pm,
                Square = ps,
                Largest = px,
                Beta1 = (float)beta1,
                Rest1 = (float)(1 - beta1), // not 1 - (float)beta1, which for 0.999 is 5e-5 off
                Beta2 = (float)beta2,
                Rest2 = (float)(1 - beta2),
                StepSize = (float)(rate / (1 - Math.Pow(beta1, step))),
                RootCorrection = (float)(1 / Math.Sqrt(1 - Math.Pow(beta2, step))),
                Epsilon = (float)epsilon,
                L2 = l2,
                Shrink = (float)(1 - rate * decoupled),
            };
            Parallel.For(values.Length, Grain, &Body, &job);
        }

        static void Body(void* context, int start, int end)
        {
            AdamJob job = *(AdamJob*)context;
            int i = start;
            Vector<float> beta1 = new(job.Beta1), rest1 = new(job.Rest1), beta2 = new(job.Beta2), rest2 = new(job.Rest2);
            Vector<float> size = new(-job.StepSize), correction = new(job.RootCorrection), epsilon = new(job.Epsilon), l2 = new(job.L2), shrink = new(job.Shrink);
            for (; i <= end - Vector<float>.Count; i += Vector<float>.Count)
            {
                Vector<float> w = Vector.Load(job.Values + i) * shrink;
                Vector<float> g = Vector.FusedMultiplyAdd(w, l2, Vector.Load(job.Gradient + i));
                Vector<float> m = Vector.FusedMultiplyAdd(g, rest1, Vector.Load(job.Mean + i) * beta1);
                Vector<float> s = Vector.FusedMultiplyAdd(g * g, rest2, Vector.Load(job.Square + i) * beta2);
                m.Store(job.Mean + i);
                s.Store(job.Square + i);
                if (job.Largest != null)
                {
                    s = Vector.Max(s, Vector.Load(job.Largest + i));
                    s.Store(job.Largest + i);
                }
                Vector<float> root = Vector.FusedMultiplyAdd(Vector.SquareRoot(s), correction, epsilon);
                Vector.FusedMultiplyAdd(size, m / root, w).Store(job.Values + i);
            }
            for (; i < end; i++)
            {
                float w = job.Values[i] * job.Shrink;
                float g = MathF.FusedMultiplyAdd(w, job.L2, job.Gradient[i]);
                float m = MathF.FusedMultiplyAdd(g, job.Rest1, job.Mean[i] * job.Beta1);
                float s = MathF.FusedMultiplyAdd(g * g, job.Rest2, job.Square[i] * job.Beta2);
                job.Mean[i] = m;
                job.Square[i] = s;
                if (job.Largest != null) job.Largest[i] = s = MathF.Max(s, job.Largest[i]);
                float root = MathF.FusedMultiplyAdd(MathF.Sqrt(s), job.RootCorrection, job.Epsilon);
                job.Values[i] = MathF.FusedMultiplyAdd(-job.StepSize, m / root, w);
            }
        }
    }
}
