using System.Numerics;
using System.Numerics.Tensors;

namespace Vitrine.Cpu;

/// <content>Attention in heads: the scores of a block of queries stay in the cache between the two products, and are computed again on the way back.</content>
internal sealed unsafe partial class CpuDevice
{
    // Queries a block: four tiles of the tallest kind.
    private const int QueryBlock = 48;

    /// <summary>Rows of a matrix are Row apart, sequences Batch; a head's columns follow one another.</summary>
    private struct Rows
    {
        public float* At;
        public long Row, Batch;

        public readonly float* Head(int n, int head, int size) => At + n * Batch + head * size;
    }

    private struct AttentionJob
    {
        public int N, Heads, T, S, D, V;
        public float Scale;
        public bool Causal, MaskIsBool;
        public Rows Q, K, Values, Y, GradQ, GradK, GradV, GradY;
        public float* LogSums;
        public void* Mask;
        public long MaskN, MaskHead, MaskT, MaskS;
        public float Dropout;
        public ulong Key;
        public float* GradScores;

        public readonly int Blocks => (T + QueryBlock - 1) / QueryBlock;

        public readonly int Stride => (S + 15) / 16 * 16 + 16;
    }

    public override Tensor Attention(in AttentionCall call)
    {
        Tensor y = Tensor.Uninitialized([call.N, call.T, call.V]);
        y.Saved = Tensor.Uninitialized([call.N, call.Heads, call.T]);
        if (y.Count == 0) return y;
        fixed (float* q = call.Q.Floats, k = Or(call.Keys), v = Or(call.Values), py = y.MutableFloats, logs = y.Saved.MutableFloats,
            mask = call.Mask is { DType: DType.Float32 } m ? m.Floats : default)
        fixed (bool* allowed = call.Mask is { DType: DType.Bool } b ? b.Bools : default)
        {
            AttentionJob job = Job(call, q, k, v, mask, allowed);
            job.Y = new Rows { At = py, Row = call.V, Batch = (long)call.T * call.V };
            job.LogSums = logs;
            long work = (long)QueryBlock * job.S * (job.D + job.V);
            Parallel.For(job.N * job.Heads * job.Blocks, (int)Math.Max(1, 128 * 1024 / Math.Max(1, work)), &Forward, &job);
        }
        return y;

        static void Forward(void* context, int start, int end)
        {
            var job = (AttentionJob*)context;
            float* scores = Scratch.Get(ScratchUse.ChunkC, (QueryBlock + 1L) * job->Stride), kept = scores + (long)QueryBlock * job->Stride;
            int turned = -1;
            for (int item = start; item < end; item++)
            {
                int pair = item / job->Blocks, n = pair / job->Heads, head = pair % job->Heads, first = item % job->Blocks * QueryBlock;
                int rows = Math.Min(QueryBlock, job->T - first), seen = Seen(job, first + rows - 1);
                float* keys = Scratch.Get(ScratchUse.ChunkB, PanelSize(job->S, job->D));
                if (turned != pair) Turn(job->K.Head(n, head, job->D), job->K.Row, job->S, job->D, keys);
                turned = pair;
                Times(job->Q.Head(n, head, job->D) + first * job->Q.Row, (nint)job->Q.Row, rows, keys, job->D, seen, scores, job->Stride);
                for (int r = 0; r < rows; r++)
                {
                    float* row = scores + (long)r * job->Stride;
                    int own = Seen(job, first + r);
                    AddMask(job, n, head, first + r, row, own);
                    float max = TensorPrimitives.Max(new ReadOnlySpan<float>(row, own)) * (job->Mask == null ? job->Scale : 1);
                    if (float.IsNegativeInfinity(max)) max = 0;
                    float sum = Exponentials(row, own, job->Mask == null ? job->Scale : 1, max);
                    TensorPrimitives.Multiply(new ReadOnlySpan<float>(row, own), 1 / sum, new Span<float>(row, own));
                    if (job->Dropout > 0)
                    {
                        Kept(job, pair, first + r, kept, own);
                        TensorPrimitives.Multiply(new ReadOnlySpan<float>(row, own), new ReadOnlySpan<float>(kept, own), new Span<float>(row, own));
                    }
                    new Span<float>(row + own, seen - own).Clear();
                    job->LogSums[(long)pair * job->T + first + r] = max + MathF.Log(sum);
                }
                float* y = job->Y.Head(n, head, job->V) + first * job->Y.Row;
                Product(scores, job->Stride, 1, rows, seen, job->Values.Head(n, head, job->V), (nint)job->Values.Row, job->V, y, (nint)job->Y.Row,
                    accumulate: false);
            }
        }
    }

    public override (Tensor Q, Tensor? K, Tensor? V, Tensor? Scores) AttentionGrad(in AttentionCall call, Tensor y, Tensor grad, bool wantScores)
    {
        Tensor gq = Tensor.Uninitialized(call.Q.Shape);
        Tensor? scores = wantScores ? Tensor.Zeros([call.N, call.Heads, call.T, call.S]) : null;
        Tensor? gk = call.Keys is null ? null : Tensor.Uninitialized(call.Keys.Shape),
            gv = call.Values is null ? null : Tensor.Uninitialized(call.Values.Shape);
        if (y.Count == 0)
        {
            gq.MutableFloats.Clear();
            gk?.MutableFloats.Clear();
            gv?.MutableFloats.Clear();
            return (gq, gk, gv, scores);
        }
        fixed (float* q = call.Q.Floats, k = Or(call.Keys), v = Or(call.Values), pg = grad.Floats, logs = y.Saved!.Floats,
            mask = call.Mask is { DType: DType.Float32 } m ? m.Floats : default)
        fixed (bool* allowed = call.Mask is { DType: DType.Bool } b ? b.Bools : default)
        fixed (float* pq = gq.MutableFloats, pk = Or(gk), pv = Or(gv), pscores = Or(scores))
        {
            AttentionJob job = Job(call, q, k, v, mask, allowed);
            AttentionJob to = Job(call, pq, pk, pv, mask, allowed);
            (job.GradQ, job.GradK, job.GradV) = (to.Q, to.K, to.Values);
            job.GradY = new Rows { At = pg, Row = call.V, Batch = (long)call.T * call.V };
            job.LogSums = logs;
            job.GradScores = pscores;
            long work = (long)job.T * job.S * (3 * job.D + 2 * job.V);
            Parallel.For(job.N * job.Heads, (int)Math.Max(1, 128 * 1024 / Math.Max(1, work)), &Backward, &job);
        }
        return (gq, gk, gv, scores);

        static void Backward(void* context, int start, int end)
        {
            var job = (AttentionJob*)context;
            int stride = job->Stride;
            long block = (long)QueryBlock * stride;
            float* p = Scratch.Get(ScratchUse.ChunkC, 2 * block + stride), dp = p + block, kept = dp + block;
            float* keys = Scratch.Get(ScratchUse.ChunkB, PanelSize(job->S, job->D)), values = Scratch.Get(ScratchUse.ChunkA, PanelSize(job->S, job->V));
            for (int pair = start; pair < end; pair++)
            {
                int n = pair / job->Heads, head = pair % job->Heads;
                float* q = job->Q.Head(n, head, job->D), k = job->K.Head(n, head, job->D), v = job->Values.Head(n, head, job->V);
                float* g = job->GradY.Head(n, head, job->V);
                float* gq = job->GradQ.Head(n, head, job->D), gk = job->GradK.Head(n, head, job->D), gv = job->GradV.Head(n, head, job->V);
                Turn(k, job->K.Row, job->S, job->D, keys);
                Turn(v, job->Values.Row, job->S, job->V, values);
                for (int s = 0; s < job->S; s++)
                {
                    new Span<float>(gk + s * job->GradK.Row, job->D).Clear();
                    new Span<float>(gv + s * job->GradV.Row, job->V).Clear();
                }
                for (int first = 0; first < job->T; first += QueryBlock)
                {
                    int rows = Math.Min(QueryBlock, job->T - first), seen = Seen(job, first + rows - 1);
                    float* qBlock = q + first * job->Q.Row, gBlock = g + first * job->GradY.Row;
                    Times(qBlock, (nint)job->Q.Row, rows, keys, job->D, seen, p, stride);
                    Times(gBlock, (nint)job->GradY.Row, rows, values, job->V, seen, dp, stride);
                    for (int r = 0; r < rows; r++)
                    {
                        float* row = p + (long)r * stride, drow = dp + (long)r * stride;
                        int own = Seen(job, first + r);
                        AddMask(job, n, head, first + r, row, own);
                        Exponentials(row, own, job->Mask == null ? job->Scale : 1, job->LogSums[(long)pair * job->T + first + r]);
                        // The gradient of the scores: p (dp - p . dp), where dp is 0 for what was dropped.
                        if (job->Dropout > 0)
                        {
                            Kept(job, pair, first + r, kept, own);
                            TensorPrimitives.Multiply(new ReadOnlySpan<float>(drow, own), new ReadOnlySpan<float>(kept, own), new Span<float>(drow, own));
                        }
                        float dot = TensorPrimitives.Dot(new ReadOnlySpan<float>(row, own), new ReadOnlySpan<float>(drow, own));
                        TensorPrimitives.Subtract(new ReadOnlySpan<float>(drow, own), dot, new Span<float>(drow, own));
                        TensorPrimitives.Multiply(new ReadOnlySpan<float>(drow, own), new ReadOnlySpan<float>(row, own), new Span<float>(drow, own));
                        if (job->GradScores != null)
                        {
                            float* scores = job->GradScores + ((long)pair * job->T + first + r) * job->S;
                            new ReadOnlySpan<float>(drow, own).CopyTo(new Span<float>(scores, own));
                        }
                        TensorPrimitives.Multiply(new ReadOnlySpan<float>(drow, own), job->Scale, new Span<float>(drow, own));
                        // From here on the weights as they met the values.
                        if (job->Dropout > 0)
                        {
                            TensorPrimitives.Multiply(new ReadOnlySpan<float>(row, own), new ReadOnlySpan<float>(kept, own), new Span<float>(row, own));
                        }
                        new Span<float>(row + own, seen - own).Clear();
                        new Span<float>(drow + own, seen - own).Clear();
                    }
                    Product(p, 1, stride, seen, rows, gBlock, (nint)job->GradY.Row, job->V, gv, (nint)job->GradV.Row, accumulate: true);
                    Product(dp, stride, 1, rows, seen, k, (nint)job->K.Row, job->D, gq + first * job->GradQ.Row, (nint)job->GradQ.Row, accumulate: false);
                    Product(dp, 1, stride, seen, rows, qBlock, (nint)job->Q.Row, job->D, gk, (nint)job->GradK.Row, accumulate: true);
                }
            }
        }
    }

    private static AttentionJob Job(in AttentionCall call, float* q, float* k, float* v, float* mask, bool* allowed)
    {
        bool packed = call.Keys is null;
        int e = call.E;
        var job = new AttentionJob
        {
            N = call.N,
            Heads = call.Heads,
            T = call.T,
            S = call.S,
            D = e / call.Heads,
            V = call.V / call.Heads,
            Causal = call.Causal,
            Dropout = call.Dropout,
            Key = call.Key,
            Scale = 1 / MathF.Sqrt(e / call.Heads),
            Mask = mask == null ? allowed : mask,
            MaskIsBool = mask == null,
            Q = new Rows { At = q, Row = call.Q.Shape[2], Batch = (long)call.T * call.Q.Shape[2] },
        };
        job.K = packed ? job.Q with { At = q + e } : new Rows { At = k, Row = e, Batch = (long)call.S * e };
        job.Values = packed ? job.Q with { At = q + 2 * e } : new Rows { At = v, Row = call.V, Batch = (long)call.S * call.V };
        if (call.Mask is null) return job;
        Span<int> strides = stackalloc int[call.Mask.Rank];
        call.Mask.Shape.Strides(strides);
        (job.MaskN, job.MaskHead, job.MaskT, job.MaskS) = (Stride(call.Mask, strides, 4), Stride(call.Mask, strides, 3), Stride(call.Mask, strides, 2),
            Stride(call.Mask, strides, 1));
        return job;

        static int Stride(Tensor mask, Span<int> strides, int fromEnd) => fromEnd > mask.Rank || mask.Shape[-fromEnd] == 1 ? 0 : strides[^fromEnd];
    }

    /// <summary>How many keys query t sees.</summary>
    private static int Seen(AttentionJob* job, int t) => job->Causal ? Math.Min(job->S, t + 1) : job->S;

    /// <summary>Where there is a mask: scores times the scale, with the mask applied.</summary>
    private static void AddMask(AttentionJob* job, int n, int head, int t, float* row, int count)
    {
        if (job->Mask == null) return;
        TensorPrimitives.Multiply(new ReadOnlySpan<float>(row, count), job->Scale, new Span<float>(row, count));
        long at = n * job->MaskN + head * job->MaskHead + t * job->MaskT;
        if (job->MaskIsBool)
        {
            bool* allowed = (bool*)job->Mask + at;
            for (int s = 0; s < count; s++) if (!allowed[s * job->MaskS]) row[s] = float.NegativeInfinity;
            return;
        }
        float* added = (float*)job->Mask + at;
        for (int s = 0; s < count; s++) row[s] += added[s * job->MaskS];
    }

    /// <summary>What the weights of a query are multiplied by: 0 where they are dropped, else one over the probability to stay.</summary>
    private static void Kept(AttentionJob* job, int pair, int t, float* row, int count)
    {
        RandomSource.Uniform(job->Key, ((long)pair * job->T + t) * job->S, new Span<float>(row, count));
        Vector<float> dropout = new(job->Dropout), kept = new(1 / (1 - job->Dropout));
        for (int s = 0; s < count; s += VectorMath.Count)
        {
            // Rows are longer than what is used of them by a vector and more.
            Vector.ConditionalSelect(Vector.GreaterThanOrEqual(Vector.Load(row + s), dropout), kept, Vector<float>.Zero).Store(row + s);
        }
    }

    /// <summary>x becomes e^(x scale - shift); returns the sum.</summary>
    private static float Exponentials(float* x, int count, float scale, float shift)
    {
        Vector<float> a = new(scale), b = new(-shift), sum = default;
        int i = 0;
        for (; i <= count - VectorMath.Count; i += VectorMath.Count)
        {
            Vector<float> e = VectorMath.Exp(Vector.FusedMultiplyAdd(Vector.Load(x + i), a, b));
            e.Store(x + i);
            sum += e;
        }
        float total = Vector.Sum(sum);
        if (i == count) return total;
        Vector<float> rest = VectorMath.Exp(Vector.FusedMultiplyAdd(VectorMath.Load(x + i, count - i), a, b));
        VectorMath.Store(rest, x + i, count - i);
        for (; i < count; i++) total += x[i];
        return total;
    }

    private static long PanelSize(int rows, int cols) => (long)(rows + Tile.Width - 1) / Tile.Width * Tile.Width * cols;

    /// <summary>A matrix [rows, cols] turned round, in panels as tiles read them.</summary>
    private static void Turn(float* x, long row, int rows, int cols, float* panels)
    {
        for (int j = 0; j < rows; j += Tile.Width)
        {
            Transpose.Run(x + j * row, (nint)row, Math.Min(Tile.Width, rows - j), cols, panels + (long)j * cols, Tile.Width);
        }
    }

    /// <summary>C[rows, cols] = A[rows, k] B, with B in panels that <see cref="Turn"/> made.</summary>
    private static void Times(float* a, nint aRow, int rows, float* panels, int k, int cols, float* c, int cRow)
    {
        for (int j = 0; j < cols; j += Tile.Width)
        {
            Product(a, aRow, 1, rows, k, panels + (long)j * k, Tile.Width, Math.Min(Tile.Width, cols - j), c + j, cRow, accumulate: false);
        }
    }

    /// <summary>C[rows, cols] (+)= A[rows, k] B[k, cols], unpacked, on the calling thread.</summary>
    private static void Product(float* a, nint aRow, nint aStep, int rows, int k, float* b, nint bStep, int cols, float* c, nint cRow, bool accumulate)
    {
        Tile tile = new() { K = k, ARow = aRow, AStep = aStep, BStep = bStep, CRow = cRow, Accumulate = accumulate };
        int height = Tile.PanelRows(rows);
        for (int j = 0; j < cols; j += Tile.Width)
        {
            tile.Cols = Math.Min(Tile.Width, cols - j);
            tile.B = b + j;
            for (int i = 0; i < rows; i += height)
            {
                tile.Rows = Math.Min(height, rows - i);
                tile.A = a + i * aRow;
                tile.C = c + i * cRow + j;
                Tile.Run(&tile);
            }
        }
    }
}
