using System.Runtime.CompilerServices;
using V = System.Numerics.Vector<float>;

namespace Vitrine.Cpu;

/// <summary>
/// One optimizer's formula, for as many neighbouring weights as a vector holds. It only ever sees a weight with its own gradient and state, so the last few
/// weights of a tensor go through the same code in a padded vector, and neither the vector's width nor the number of threads changes a result.
/// </summary>
internal interface IUpdateRule
{
    /// <summary>Changes the weights <paramref name="w"/>; a, b and c are the optimizer's slots, zeros where it has none.</summary>
    void Apply(ref V w, V g, ref V a, ref V b, ref V c);
}

/// <summary>Fused updates of parameters: one pass over the weights, their gradients and the optimizer's state.</summary>
internal static unsafe class UpdateKernels
{
    private const int Grain = 16 * 1024;

    /// <summary>Applies a rule to every weight; <paramref name="slots"/> has up to three tensors of the weights' size.</summary>
    public static void Run<TRule>(Span<float> weights, ReadOnlySpan<float> gradient, ReadOnlySpan<Tensor> slots, TRule rule)
        where TRule : unmanaged, IUpdateRule
    {
        fixed (float* w = weights, g = gradient)
        fixed (float* a = Slot(slots, 0), b = Slot(slots, 1), c = Slot(slots, 2))
        {
            var job = new Job<TRule> { Weights = w, Gradient = g, A = a, B = b, C = c, Rule = rule };
            Parallel.For(weights.Length, Grain, &Body<TRule>, &job);
        }
    }

    private static Span<float> Slot(ReadOnlySpan<Tensor> slots, int i) => i < slots.Length ? slots[i].MutableFloats : default;

    private static void Body<TRule>(void* context, int start, int end)
        where TRule : unmanaged, IUpdateRule
    {
        Job<TRule> job = *(Job<TRule>*)context;
        int i = start;
        for (; i <= end - V.Count; i += V.Count) Apply(in job.Rule, job.Weights + i, job.Gradient + i, At(job.A, i), At(job.B, i), At(job.C, i));
        if (i == end) return;

        int left = end - i;
        float* part = stackalloc float[5 * V.Count];
        new Span<float>(part, 5 * V.Count).Clear();
        float* w = part, g = w + V.Count, a = g + V.Count, b = a + V.Count, c = b + V.Count;
        Copy(job.Weights + i, w, left);
        Copy(job.Gradient + i, g, left);
        Copy(At(job.A, i), a, left);
        Copy(At(job.B, i), b, left);
        Copy(At(job.C, i), c, left);
        Apply(in job.Rule, w, g, a, b, c);
        Copy(w, job.Weights + i, left);
        Copy(a, At(job.A, i), left);
        Copy(b, At(job.B, i), left);
        Copy(c, At(job.C, i), left);
    }

    // Without this the compiler leaves the larger rules as calls, which pass every vector through memory: seven times slower for Adam.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Apply<TRule>(in TRule rule, float* weights, float* gradient, float* slotA, float* slotB, float* slotC)
        where TRule : unmanaged, IUpdateRule
    {
        V w = System.Numerics.Vector.Load(weights), a = Load(slotA), b = Load(slotB), c = Load(slotC);
        rule.Apply(ref w, System.Numerics.Vector.Load(gradient), ref a, ref b, ref c);
        System.Numerics.Vector.Store(w, weights);
        if (slotA != null) System.Numerics.Vector.Store(a, slotA);
        if (slotB != null) System.Numerics.Vector.Store(b, slotB);
        if (slotC != null) System.Numerics.Vector.Store(c, slotC);
    }

    private static float* At(float* slot, int i) => slot == null ? null : slot + i;

    private static V Load(float* slot) => slot == null ? V.Zero : System.Numerics.Vector.Load(slot);

    private static void Copy(float* from, float* to, int count)
    {
        if (from != null && to != null) new ReadOnlySpan<float>(from, count).CopyTo(new Span<float>(to, count));
    }

    private struct Job<TRule>
        where TRule : unmanaged, IUpdateRule
    {
        public float* Weights, Gradient, A, B, C;
        public TRule Rule;
    }
}
