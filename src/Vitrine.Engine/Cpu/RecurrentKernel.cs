using System.Numerics;

namespace Vitrine.Cpu;

/// <summary>What one step of a recurrent layer does with the numbers of one hidden unit; vectors hold neighbouring units.</summary>
internal unsafe interface IRecurrentCell
{
    /// <summary>Gates whose weights lie one below the other.</summary>
    static abstract int Gates { get; }

    /// <summary>Numbers a unit and step that the forward pass leaves for the backward pass.</summary>
    static abstract int Saved { get; }

    /// <summary>Numbers a unit and step that the backward pass finds: gradients of what the input, then of what the hidden state put into the gates.</summary>
    static abstract int Parts { get; }

    /// <summary>Whether there is a cell state, the last number of those saved.</summary>
    static abstract bool HasCell { get; }

    /// <summary>
    /// From what the input put into the gates (in the place of what is saved) and the hidden state's products (<paramref name="sums"/>, gates
    /// <paramref name="gate"/> apart) to what is saved and the next hidden state.
    /// </summary>
    static abstract Vector<float> Forward(RecurrentJob* job, int n, int j, int count, float* sums, int gate);

    /// <summary>From the gradient of the hidden state to those of the gates; returns what flows to the state before, other than through the gates.</summary>
    static abstract Vector<float> Backward(RecurrentJob* job, int n, int j, int count, Vector<float> grad);
}

/// <summary>A recurrent layer in one direction at one step. Sequences are n, units j.</summary>
internal unsafe struct RecurrentJob
{
    public int N, T, H, Rows;

    /// <summary>The step, and the one read before it; -1 at the first.</summary>
    public int Step, Before;

    /// <summary>[N, T, Saved H], [N, T, Parts H].</summary>
    public float* Saved, Grads;

    /// <summary>The output, and its gradient; rows of sequences are YRow apart.</summary>
    public float* Y, GradY;
    public long YRow;

    /// <summary>The states to start from [N, H]; not null (H0), or null for zeros (C0).</summary>
    public float* H0, C0;
    public long* Lengths;

    /// <summary>The bias that the reset gate of a GRU acts on, or null.</summary>
    public float* Bias;

    /// <summary>The hidden weights as tiles read them.</summary>
    public float* Packed;

    /// <summary>Hidden states (or gradients of gates) of the step before and of this one; rows are Stride apart, so that they do not meet in one cache set.</summary>
    public float* From, To;
    public int Stride;

    /// <summary>Gradients on their way to the step before [N, H].</summary>
    public float* CarryH, CarryC;

    /// <summary>Whether no step came before, and whether only the gradient of the first state is left to find.</summary>
    public bool First, Final;

    public readonly bool Counts(int n, int t) => Lengths == null || t < Lengths[n];

    public readonly float* SavedAt(int n, int t, int parts) => Saved + ((long)n * T + t) * parts * H;

    /// <summary>The hidden state that the step started from.</summary>
    public readonly float* HiddenBefore(int n) => Before < 0 || !Counts(n, Before) ? H0 + (long)n * H : Y + n * YRow + (long)Before * H;
}

/// <summary>The loops of recurrent layers: one product with the hidden weights a step, with the gates on top of it, shared out by blocks of units.</summary>
internal static unsafe class RecurrentKernel
{
    // So many rows of packed weights stay in the first-level cache while panels of sequences pass.
    private const int KBlock = 256;

    // Multiply-adds that are worth handing to another thread.
    private const long ChunkWork = 128 * 1024;

    /// <summary>The distance of rows of From and To for so many numbers.</summary>
    public static int StrideFor(int numbers) => (numbers + 15) / 16 * 16 + 16;

    /// <summary>All steps forwards. Expects what the input puts into the gates in Saved.</summary>
    public static void Forward<TCell>(RecurrentJob* job, bool reverse, float* weights)
        where TCell : IRecurrentCell
    {
        int h = job->H, width = Tile.Width, blocks = (h + width - 1) / width, panels = (job->N + job->Rows - 1) / job->Rows;
        job->Packed = Scratch.Get(ScratchUse.Weights, (long)blocks * TCell.Gates * h * width);
        for (int panel = 0; panel < blocks * TCell.Gates; panel++)
        {
            int j = panel / TCell.Gates * width, gate = panel % TCell.Gates;
            Transpose.Run(weights + ((long)gate * h + j) * h, h, Math.Min(width, h - j), h, job->Packed + (long)panel * h * width, width);
        }
        int grain = Grain((long)job->Rows * width * TCell.Gates * h);
        for (int step = 0; step < job->T; step++)
        {
            job->Step = reverse ? job->T - 1 - step : step;
            job->Before = step == 0 ? -1 : reverse ? job->Step + 1 : job->Step - 1;
            Parallel.For(blocks * panels, grain, &ForwardBody<TCell>, job);
            Turn(job);
        }
    }

    /// <summary>All steps backwards, to Grads, CarryH and CarryC.</summary>
    public static void Backward<TCell>(RecurrentJob* job, bool reverse, float* weights)
        where TCell : IRecurrentCell
    {
        int h = job->H, k = TCell.Gates * h, width = Tile.Width, blocks = (h + width - 1) / width, panels = (job->N + job->Rows - 1) / job->Rows;
        job->Packed = Scratch.Get(ScratchUse.Weights, (long)blocks * k * width);
        for (int block = 0; block < blocks; block++)
        {
            int j = block * width;
            Transpose.Copy(weights + j, h, k, Math.Min(width, h - j), job->Packed + (long)block * k * width, width);
        }
        int grain = Grain((long)job->Rows * width * k);
        for (int step = job->T - 1; step >= -1; step--)
        {
            job->First = step == job->T - 1;
            job->Final = step < 0;
            job->Step = reverse ? job->T - 1 - step : step;
            job->Before = step <= 0 ? -1 : reverse ? job->Step + 1 : job->Step - 1;
            Parallel.For(blocks * panels, grain, &BackwardBody<TCell>, job);
            Turn(job);
        }
    }

    // What this step wrote is what the next one reads.
    private static void Turn(RecurrentJob* job)
    {
        float* from = job->From;
        job->From = job->To;
        job->To = from;
    }

    private static int Grain(long work) => (int)Math.Max(1, ChunkWork / work);

    private static void ForwardBody<TCell>(void* context, int start, int end)
        where TCell : IRecurrentCell
    {
        var job = (RecurrentJob*)context;
        int h = job->H, t = job->Step, width = Tile.Width, panels = (job->N + job->Rows - 1) / job->Rows, gate = job->Rows * width;
        float* sums = Scratch.Get(ScratchUse.ChunkC, TCell.Gates * gate);
        for (int item = start; item < end; item++)
        {
            int block = item / panels, first = item % panels * job->Rows, rows = Math.Min(job->Rows, job->N - first), unit = block * width, cols = Math.Min(width, h - unit);
            for (int q = 0; q < TCell.Gates; q++)
            {
                Product(job->From + (long)first * job->Stride, job->Stride, job->Packed + ((long)block * TCell.Gates + q) * h * width, rows, cols, h, sums + q * gate);
            }
            for (int r = 0; r < rows; r++)
            {
                int n = first + r;
                bool counts = job->Counts(n, t);
                float* to = job->To + (long)n * job->Stride, y = job->Y + n * job->YRow + (long)t * h, from = job->From + (long)n * job->Stride;
                for (int j = unit; j < unit + cols; j += VectorMath.Count)
                {
                    int count = unit + cols - j;
                    Vector<float> state = default;
                    if (counts)
                    {
                        state = TCell.Forward(job, n, j, count, sums + r * width + j - unit, gate);
                        VectorMath.Store(state, to + j, count);
                    }
                    else
                    {
                        VectorMath.Store(VectorMath.Load(from + j, count), to + j, count);
                        if (TCell.HasCell) VectorMath.Store(CellBefore(job, n, j, count, TCell.Saved), job->SavedAt(n, t, TCell.Saved) + (TCell.Saved - 1) * h + j, count);
                    }
                    VectorMath.Store(state, y + j, count);
                }
            }
        }
    }

    private static void BackwardBody<TCell>(void* context, int start, int end)
        where TCell : IRecurrentCell
    {
        var job = (RecurrentJob*)context;
        int h = job->H, k = TCell.Gates * h, t = job->Step, width = Tile.Width, panels = (job->N + job->Rows - 1) / job->Rows;
        float* sums = Scratch.Get(ScratchUse.ChunkC, job->Rows * width);
        for (int item = start; item < end; item++)
        {
            int block = item / panels, first = item % panels * job->Rows, rows = Math.Min(job->Rows, job->N - first), unit = block * width, cols = Math.Min(width, h - unit);
            if (job->First) new Span<float>(sums, job->Rows * width).Clear();
            else Product(job->From + (long)first * job->Stride, job->Stride, job->Packed + (long)block * k * width, rows, cols, k, sums);
            for (int r = 0; r < rows; r++)
            {
                int n = first + r;
                bool counts = !job->Final && job->Counts(n, t);
                for (int j = unit; j < unit + cols; j += VectorMath.Count)
                {
                    int count = unit + cols - j;
                    float* carry = job->CarryH + (long)n * h + j;
                    Vector<float> grad = VectorMath.Load(carry, count) + VectorMath.Load(sums + r * width + j - unit, count);
                    if (counts)
                    {
                        grad = TCell.Backward(job, n, j, count, grad + VectorMath.Load(job->GradY + n * job->YRow + (long)t * h + j, count));
                    }
                    else if (!job->Final)
                    {
                        float* grads = job->Grads + ((long)n * job->T + t) * TCell.Parts * h + j, to = job->To + (long)n * job->Stride + j;
                        for (int part = 0; part < TCell.Parts; part++) VectorMath.Store(default, grads + part * h, count);
                        for (int q = 0; q < TCell.Gates; q++) VectorMath.Store(default, to + q * h, count);
                    }
                    VectorMath.Store(grad, carry, count);
                }
            }
        }
    }

    internal static Vector<float> CellBefore(RecurrentJob* job, int n, int j, int count, int parts)
    {
        if (job->Before >= 0) return VectorMath.Load(job->SavedAt(n, job->Before, parts) + (parts - 1) * job->H + j, count);
        return job->C0 == null ? default : VectorMath.Load(job->C0 + (long)n * job->H + j, count);
    }

    private static void Product(float* a, int stride, float* packed, int rows, int cols, int k, float* c)
    {
        int width = Tile.Width;
        Tile tile = new() { Rows = rows, Cols = cols, ARow = stride, AStep = 1, BStep = width, C = c, CRow = width };
        for (int p = 0; p < k; p += KBlock)
        {
            tile.K = Math.Min(KBlock, k - p);
            tile.A = a + p;
            tile.B = packed + (nint)p * width;
            tile.Accumulate = p > 0;
            Tile.Run(&tile);
        }
    }
}

/// <summary>Long short-term memory; saved are i, f, g, o and c.</summary>
internal readonly unsafe struct LstmCell : IRecurrentCell
{
    public static int Gates => 4;

    public static int Saved => 5;

    public static int Parts => 4;

    public static bool HasCell => true;

    public static Vector<float> Forward(RecurrentJob* job, int n, int j, int count, float* sums, int gate)
    {
        int h = job->H;
        float* s = job->SavedAt(n, job->Step, 5) + j;
        Vector<float> i = VectorMath.Sigmoid(VectorMath.Load(s, count) + Vector.Load(sums));
        Vector<float> f = VectorMath.Sigmoid(VectorMath.Load(s + h, count) + Vector.Load(sums + gate));
        Vector<float> g = VectorMath.Tanh(VectorMath.Load(s + 2 * h, count) + Vector.Load(sums + 2 * gate));
        Vector<float> o = VectorMath.Sigmoid(VectorMath.Load(s + 3 * h, count) + Vector.Load(sums + 3 * gate));
        Vector<float> c = f * RecurrentKernel.CellBefore(job, n, j, count, 5) + i * g;
        VectorMath.Store(i, s, count);
        VectorMath.Store(f, s + h, count);
        VectorMath.Store(g, s + 2 * h, count);
        VectorMath.Store(o, s + 3 * h, count);
        VectorMath.Store(c, s + 4 * h, count);
        return o * VectorMath.Tanh(c);
    }

    public static Vector<float> Backward(RecurrentJob* job, int n, int j, int count, Vector<float> grad)
    {
        int h = job->H;
        float* s = job->SavedAt(n, job->Step, 5) + j, carry = job->CarryC + (long)n * h + j;
        Vector<float> i = VectorMath.Load(s, count), f = VectorMath.Load(s + h, count), g = VectorMath.Load(s + 2 * h, count), o = VectorMath.Load(s + 3 * h, count);
        Vector<float> one = Vector<float>.One, tanh = VectorMath.Tanh(VectorMath.Load(s + 4 * h, count));
        Vector<float> dc = VectorMath.Load(carry, count) + grad * o * (one - tanh * tanh);
        VectorMath.Store(dc * f, carry, count);
        Put(0, dc * g * i * (one - i));
        Put(1, dc * RecurrentKernel.CellBefore(job, n, j, count, 5) * f * (one - f));
        Put(2, dc * i * (one - g * g));
        Put(3, grad * tanh * o * (one - o));
        return default;

        void Put(int q, Vector<float> value)
        {
            VectorMath.Store(value, job->Grads + ((long)n * job->T + job->Step) * 4 * h + q * h + j, count);
            VectorMath.Store(value, job->To + (long)n * job->Stride + q * h + j, count);
        }
    }
}

/// <summary>Gated recurrent units; saved are r, z, n and the hidden state's share of n before the reset gate.</summary>
internal readonly unsafe struct GruCell : IRecurrentCell
{
    public static int Gates => 3;

    public static int Saved => 4;

    public static int Parts => 4;

    public static bool HasCell => false;

    public static Vector<float> Forward(RecurrentJob* job, int n, int j, int count, float* sums, int gate)
    {
        int h = job->H;
        float* s = job->SavedAt(n, job->Step, 4) + j;
        Vector<float> r = VectorMath.Sigmoid(VectorMath.Load(s, count) + Vector.Load(sums));
        Vector<float> z = VectorMath.Sigmoid(VectorMath.Load(s + h, count) + Vector.Load(sums + gate));
        Vector<float> share = Vector.Load(sums + 2 * gate);
        if (job->Bias != null) share += VectorMath.Load(job->Bias + j, count);
        Vector<float> fresh = VectorMath.Tanh(VectorMath.Load(s + 2 * h, count) + r * share);
        VectorMath.Store(r, s, count);
        VectorMath.Store(z, s + h, count);
        VectorMath.Store(fresh, s + 2 * h, count);
        VectorMath.Store(share, s + 3 * h, count);
        return fresh + z * (VectorMath.Load(job->From + (long)n * job->Stride + j, count) - fresh);
    }

    public static Vector<float> Backward(RecurrentJob* job, int n, int j, int count, Vector<float> grad)
    {
        int h = job->H;
        float* s = job->SavedAt(n, job->Step, 4) + j;
        Vector<float> r = VectorMath.Load(s, count), z = VectorMath.Load(s + h, count), fresh = VectorMath.Load(s + 2 * h, count), share = VectorMath.Load(s + 3 * h, count);
        Vector<float> one = Vector<float>.One, before = VectorMath.Load(job->HiddenBefore(n) + j, count);
        Vector<float> df = grad * (one - z) * (one - fresh * fresh), dr = df * share * r * (one - r), dz = grad * (before - fresh) * z * (one - z);
        float* grads = job->Grads + ((long)n * job->T + job->Step) * 4 * h + j, to = job->To + (long)n * job->Stride + j;
        VectorMath.Store(dr, grads, count);
        VectorMath.Store(dz, grads + h, count);
        VectorMath.Store(df, grads + 2 * h, count);
        VectorMath.Store(df * r, grads + 3 * h, count);
        VectorMath.Store(dr, to, count);
        VectorMath.Store(dz, to + h, count);
        VectorMath.Store(df * r, to + 2 * h, count);
        return grad * z;
    }
}

/// <summary>A plain layer with tanh (N0) or ReLU (N1); saved is the hidden state.</summary>
internal readonly unsafe struct PlainCell<TRelu> : IRecurrentCell
    where TRelu : struct, ICount
{
    public static int Gates => 1;

    public static int Saved => 1;

    public static int Parts => 1;

    public static bool HasCell => false;

    public static Vector<float> Forward(RecurrentJob* job, int n, int j, int count, float* sums, int gate)
    {
        float* s = job->SavedAt(n, job->Step, 1) + j;
        Vector<float> x = VectorMath.Load(s, count) + Vector.Load(sums), y = TRelu.Value == 1 ? Vector.Max(x, Vector<float>.Zero) : VectorMath.Tanh(x);
        VectorMath.Store(y, s, count);
        return y;
    }

    public static Vector<float> Backward(RecurrentJob* job, int n, int j, int count, Vector<float> grad)
    {
        Vector<float> y = VectorMath.Load(job->SavedAt(n, job->Step, 1) + j, count);
        Vector<float> dx = TRelu.Value == 1
            ? Vector.ConditionalSelect(Vector.GreaterThan(y, Vector<float>.Zero), grad, Vector<float>.Zero)
            : grad * (Vector<float>.One - y * y);
        VectorMath.Store(dx, job->Grads + ((long)n * job->T + job->Step) * job->H + j, count);
        VectorMath.Store(dx, job->To + (long)n * job->Stride + j, count);
        return default;
    }
}
