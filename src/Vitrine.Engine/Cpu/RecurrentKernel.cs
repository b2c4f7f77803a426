using System.Numerics;
using System.Runtime.Intrinsics.X86;

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
    public int N, T, H;

    /// <summary>Whether steps are taken from the last to the first.</summary>
    public bool Reverse;

    /// <summary>The most sequences in a tile, how many this tile has, and how many one thread takes through all steps.</summary>
    public int Rows, Count, Group;

    /// <summary>
    /// Blocks of units; the numbers of the first step and of the one behind the last, in the order of reading; what is done with a block and a tile.
    /// </summary>
    public int Blocks, StepFrom, StepTo;
    public nint Item;

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

    /// <summary>
    /// Hidden states (or gradients of gates) of the step before and of this one; rows are Stride apart, so that they do not meet in one cache set.
    /// </summary>
    public float* From, To;
    public int Stride;

    /// <summary>Gradients on their way to the step before [N, H].</summary>
    public float* CarryH, CarryC;

    /// <summary>Backwards: whether no step came before, and whether only the gradient of the first state is left to find.</summary>
    public bool First, Final;

    /// <summary>Goes to the step of this number in the order of reading; -1 is where only the gradient of the first state is left to find.</summary>
    public void At(int number)
    {
        First = number == T - 1;
        Final = number < 0;
        Step = Reverse ? T - 1 - number : number;
        Before = number <= 0 ? -1 : Reverse ? Step + 1 : Step - 1;
    }

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

    // Below this many sequences tiles would be too flat for sequences to be shared out.
    private const int FewSequences = 16;

    // Numbers of hidden weights that a core's own caches hold, more or less: two megabytes.
    private const long CachedWeights = 512 * 1024;

    /// <summary>The distance of rows of From and To for so many numbers.</summary>
    public static int StrideFor(int numbers) => (numbers + 15) / 16 * 16 + 16;

    /// <summary>All steps forwards. Expects what the input puts into the gates in Saved; leaves the last hidden states in From.</summary>
    public static void Forward<TCell>(RecurrentJob* job, float* weights)
        where TCell : IRecurrentCell
    {
        int h = job->H, width = Tile.Width, blocks = (h + width - 1) / width;
        job->Packed = Scratch.Get(ScratchUse.Weights, (long)blocks * TCell.Gates * h * width);
        for (int panel = 0; panel < blocks * TCell.Gates; panel++)
        {
            int j = panel / TCell.Gates * width, gate = panel % TCell.Gates;
            Transpose.Run(weights + ((long)gate * h + j) * h, h, Math.Min(width, h - j), h, job->Packed + (long)panel * h * width, width);
        }
        Steps(job, 0, job->T, TCell.Gates, &ForwardItem<TCell>);
    }

    /// <summary>All steps backwards, to Grads, CarryH and CarryC.</summary>
    public static void Backward<TCell>(RecurrentJob* job, float* weights)
        where TCell : IRecurrentCell
    {
        int h = job->H, k = TCell.Gates * h, width = Tile.Width, blocks = (h + width - 1) / width;
        job->Packed = Scratch.Get(ScratchUse.Weights, (long)blocks * k * width);
        for (int block = 0; block < blocks; block++)
        {
            int j = block * width;
            Transpose.Copy(weights + j, h, k, Math.Min(width, h - j), job->Packed + (long)block * k * width, width);
        }
        Steps(job, job->T - 1, -2, TCell.Gates, &BackwardItem<TCell>);
    }

    // Two ways to share the work. Sequences are independent: with enough of them each thread takes some through all steps, and meets the others at the end
    // only.
    // A few sequences, or weights that one core's cache does not hold, are shared out by units within each step.
    private static void Steps(RecurrentJob* job, int from, int to, int gates, delegate*<RecurrentJob*, int, int, void> item)
    {
        (job->StepFrom, job->StepTo, job->Item, job->Blocks) = (from, to, (nint)item, (job->H + Tile.Width - 1) / Tile.Width);
        if (job->N >= FewSequences && (long)gates * job->H * job->H <= CachedWeights)
        {
            int groups = (job->N + 11) / 12;
            groups += groups % 2;
            job->Rows = (job->N + groups - 1) / groups;
            // The rows of a group are one tile where tiles are tall enough.
            job->Group = job->Rows;
            job->Rows = Tile.PanelRows(job->Rows);
            Parallel.For((job->N + job->Group - 1) / job->Group, 1, &GroupBody, job);
            if ((to - from) % 2 != 0) Turn(job);
            job->At(to > from ? to - 1 : to + 1);
            return;
        }
        job->Rows = Tile.PanelRows(job->N);
        int panels = (job->N + job->Rows - 1) / job->Rows, grain = (int)Math.Max(1, ChunkWork / ((long)job->Rows * Tile.Width * gates * job->H));
        for (int step = from; step != to; step += to > from ? 1 : -1)
        {
            job->At(step);
            Parallel.For(job->Blocks * panels, grain, &StepBody, job);
            Turn(job);
        }
    }

    private static void GroupBody(void* context, int start, int end)
    {
        RecurrentJob own = *(RecurrentJob*)context;
        var item = (delegate*<RecurrentJob*, int, int, void>)own.Item;
        float* from = own.From, to = own.To;
        for (int group = start; group < end; group++)
        {
            (int first, int last) = (group * own.Group, Math.Min(own.N, (group + 1) * own.Group));
            own.From = from;
            own.To = to;
            for (int step = own.StepFrom; step != own.StepTo; step += own.StepTo > own.StepFrom ? 1 : -1)
            {
                own.At(step);
                for (int block = 0; block < own.Blocks; block++)
                {
                    for (int n = first; n < last; n += own.Rows)
                    {
                        own.Count = Math.Min(own.Rows, last - n);
                        item(&own, block, n);
                    }
                }
                Turn(&own);
            }
        }
    }

    private static void StepBody(void* context, int start, int end)
    {
        RecurrentJob own = *(RecurrentJob*)context;
        var item = (delegate*<RecurrentJob*, int, int, void>)own.Item;
        int panels = (own.N + own.Rows - 1) / own.Rows;
        for (int i = start; i < end; i++)
        {
            int n = i % panels * own.Rows;
            own.Count = Math.Min(own.Rows, own.N - n);
            item(&own, i / panels, n);
        }
    }

    // What this step wrote is what the next one reads.
    private static void Turn(RecurrentJob* job)
    {
        float* from = job->From;
        job->From = job->To;
        job->To = from;
    }

    private static void ForwardItem<TCell>(RecurrentJob* job, int block, int first)
        where TCell : IRecurrentCell
    {
        int h = job->H, t = job->Step, rows = job->Count, width = Tile.Width, gate = job->Rows * width, unit = block * width, cols = Math.Min(width, h - unit);
        float* sums = Scratch.Get(ScratchUse.ChunkC, TCell.Gates * gate);
        for (int r = 0; r < rows; r++) Prefetch(job->SavedAt(first + r, t, TCell.Saved) + unit, TCell.Saved, h);
        for (int q = 0; q < TCell.Gates; q++)
        {
            Product(job->From + (long)first * job->Stride, job->Stride, job->Packed + ((long)block * TCell.Gates + q) * h * width, rows, cols, h,
                sums + q * gate);
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
                    float* cell = job->SavedAt(n, t, TCell.Saved) + (TCell.Saved - 1) * h + j;
                    if (TCell.HasCell) VectorMath.Store(CellBefore(job, n, j, count, TCell.Saved), cell, count);
                }
                VectorMath.Store(state, y + j, count);
            }
        }
    }

    private static void BackwardItem<TCell>(RecurrentJob* job, int block, int first)
        where TCell : IRecurrentCell
    {
        int h = job->H, k = TCell.Gates * h, t = job->Step, rows = job->Count, width = Tile.Width, unit = block * width, cols = Math.Min(width, h - unit);
        float* sums = Scratch.Get(ScratchUse.ChunkC, job->Rows * width);
        for (int r = 0; r < rows && !job->Final; r++)
        {
            Prefetch(job->SavedAt(first + r, t, TCell.Saved) + unit, TCell.Saved, h);
            Prefetch(job->Grads + ((long)(first + r) * job->T + t) * TCell.Parts * h + unit, TCell.Parts, h);
            Prefetch(job->GradY + (first + r) * job->YRow + (long)t * h + unit, 1, h);
        }
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

    // What a step reads lies a whole sequence apart, where no hardware looks ahead: it is called for before the product, and here after it.
    private static void Prefetch(float* x, int parts, int h)
    {
        if (!Sse.IsSupported) return;
        for (int part = 0; part < parts; part++, x += h)
        {
            Sse.Prefetch0(x);
            Sse.Prefetch0(x + 16);
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
        Vector<float> i = VectorMath.Load(s, count), f = VectorMath.Load(s + h, count), g = VectorMath.Load(s + 2 * h, count);
        Vector<float> o = VectorMath.Load(s + 3 * h, count);
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
        Vector<float> r = VectorMath.Load(s, count), z = VectorMath.Load(s + h, count), fresh = VectorMath.Load(s + 2 * h, count),
            share = VectorMath.Load(s + 3 * h, count);
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
