namespace Vitrine;

/// <summary>Elementwise functions of one argument; <c>a</c> and <c>b</c> are the parameters of a kernel call.</summary>
internal enum Unary
{
    /// <summary>a x + b.</summary>
    Affine,
    Abs, Sign, Exp, Log,
    /// <summary>log(1 + x), accurate for small x.</summary>
    Log1p,
    Sqrt, Rsqrt, Reciprocal, Sin, Cos, Tanh, Sigmoid, Softplus, Erf, Square,
    Relu,
    /// <summary>x where x > 0, else a x.</summary>
    LeakyRelu,
    /// <summary>x where x > 0, else a (e^x - 1).</summary>
    Elu,
    /// <summary>b x where x > 0, else b a (e^x - 1).</summary>
    Selu,
    Gelu, GeluTanh, Silu, Mish, HardSigmoid, HardSwish, Softsign,
    /// <summary>x limited to [a, b].</summary>
    Clamp,
    /// <summary>x to the power a.</summary>
    Power,
    Floor, Ceiling, Round,
    Tan, Asin, Acos, Atan, Sinh, Cosh, Asinh, Acosh, Atanh,
}

/// <summary>
/// Elementwise functions of two arguments, with broadcasting. The kinds that end in Grad take (gradient, input or output) of the unary function.
/// </summary>
internal enum Binary
{
    Add, Subtract, Multiply, Divide, Maximum, Minimum, Power,
    /// <summary>g where x > 0, else 0.</summary>
    ReluGrad,
    /// <summary>g where x > 0, else a g.</summary>
    LeakyReluGrad,
    /// <summary>g (1 - y^2), y = tanh x.</summary>
    TanhGrad,
    /// <summary>g y (1 - y), y = sigmoid x.</summary>
    SigmoidGrad,
    /// <summary>g times the derivative of the exact GELU at x.</summary>
    GeluGrad,
    /// <summary>g times the derivative of the tanh form of GELU at x.</summary>
    GeluTanhGrad,
    /// <summary>g times the derivative of SiLU at x.</summary>
    SiluGrad,
    /// <summary>g times the derivative of Mish at x.</summary>
    MishGrad,
    /// <summary>g where y > 0, else g (y + a), y = ELU of x with that a, which is not negative.</summary>
    EluGrad,
    /// <summary>g times the derivative of softplus at x.</summary>
    SoftplusGrad,
    /// <summary>g times the derivative of hard swish at x.</summary>
    HardSwishGrad,
}

/// <summary>
/// A unary function as part of a chain, and how its gradient is found: the kernel that takes the gradient and the function's input or (ofOutput) output, with
/// the parameter slopeA; no kernel where the gradient is multiplied by slopeA.
/// </summary>
internal readonly record struct ChainStep(Unary Kind, float A, float B, Binary? Slope, bool OfOutput, float SlopeA);

/// <summary>Elementwise comparisons.</summary>
internal enum Comparison
{
    Equal, NotEqual, Less, LessOrEqual, Greater, GreaterOrEqual,
}

/// <summary>Reductions over axes.</summary>
internal enum Reduction
{
    Sum, Product, Maximum, Minimum,
}

/// <summary>A window that slides over the last two axes; a mean divides by the divisor where it is not zero.</summary>
internal readonly record struct Window(
    int KernelH, int KernelW, int StrideH, int StrideW, int PadH, int PadW, int OutH, int OutW, bool CountPadding = true,
    int DilationH = 1, int DilationW = 1, int Divisor = 0);

/// <summary>
/// Rows that are normalised each on its own: row (n, g) has P x Q elements, and element (p, q) of it the weight g P + p. Where they are not centred, their mean
/// counts as 0: division by the root mean square.
/// </summary>
internal readonly record struct NormRows(int N, int G, int P, int Q, bool Centred = true);

/// <summary>Normalisation over neighbouring channels: size, alpha, beta and k of <see cref="Ops.LocalResponseNormOp"/>.</summary>
internal readonly record struct ResponseNorm(int Size, float Alpha, float Beta, float K);

/// <summary>
/// One direction of one recurrent layer: see <see cref="Ops.RecurrentOp"/>. States behind the output are wanted where <c>WantLast</c> says so.
/// </summary>
internal readonly record struct RecurrentCall(
    RecurrentKind Kind, bool Reverse, bool WantLast, Tensor X, Tensor Input, Tensor Hidden, Tensor? InputBias, Tensor? HiddenBias, Tensor? H0, Tensor? C0,
        Tensor? Lengths);

/// <summary>The gradients of a <see cref="RecurrentCall"/> that were wanted.</summary>
internal readonly record struct RecurrentGrads(Tensor? X, Tensor? Input, Tensor? Hidden, Tensor? InputBias, Tensor? HiddenBias, Tensor? H0, Tensor? C0);

/// <summary>
/// Attention in heads: queries, keys and values [N, T, 3 E] in one tensor, or apart; see <see cref="Ops.AttentionOp"/>. A weight is dropped where the number at
/// its place of <see cref="Device.Uniform"/> with the key, of shape [N, heads, T, S], lies below <c>Dropout</c>.
/// </summary>
internal readonly record struct AttentionCall(Tensor Q, Tensor? Keys, Tensor? Values, Tensor? Mask, int Heads, bool Causal, float Dropout, ulong Key)
{
    public int N => Q.Shape[0];

    public int T => Q.Shape[1];

    public int S => (Keys ?? Q).Shape[1];

    public int E => Keys is null ? Q.Shape[2] / 3 : Q.Shape[2];

    public int V => Values is null ? E : Values.Shape[2];
}

/// <summary>
/// The backend seam: the kernels that operators are made of. A kernel takes tensors and returns a new one; shapes were checked by the operator.
/// </summary>
internal abstract class Device
{
    /// <summary>y = f(x), elementwise.</summary>
    public abstract Tensor Apply(Unary kind, Tensor x, float a = 0, float b = 0);

    /// <summary>Unary functions one after the other, of x or of x + added (of the same shape), block by block in the cache.</summary>
    public abstract Tensor Chain(ReadOnlySpan<ChainStep> steps, Tensor x, Tensor? added);

    /// <summary>
    /// The gradient of <see cref="Chain"/>, from its result y, in one pass: functions between are computed again. Where every gradient is found from an output
    /// alone, x is not read.
    /// </summary>
    public abstract Tensor ChainGrad(ReadOnlySpan<ChainStep> steps, Tensor grad, Tensor x, Tensor? added, Tensor y);

    /// <summary>z = f(x, y), elementwise, broadcasting (but for the Grad kinds) to <paramref name="shape"/>.</summary>
    public abstract Tensor Apply(Binary kind, Tensor x, Tensor y, Shape shape, float a = 0);

    /// <summary>Truth values of a comparison (of floats or of integers), broadcasting to <paramref name="shape"/>.</summary>
    public abstract Tensor Compare(Comparison kind, Tensor x, Tensor y, Shape shape);

    /// <summary>x where the condition holds, else y; all of <paramref name="shape"/>, but x and y may be single numbers.</summary>
    public abstract Tensor Where(Tensor condition, Tensor x, Tensor y, Shape shape);

    /// <summary>Reduces the middle of [outer, reduced, inner] to a tensor of <paramref name="shape"/> (outer x inner elements).</summary>
    public abstract Tensor Reduce(Reduction kind, Tensor x, int outer, int reduced, int inner, Shape shape);

    /// <summary>The first position of the largest (or smallest) of the middle of [outer, reduced, inner]; integers.</summary>
    public abstract Tensor ArgReduce(bool largest, Tensor x, int outer, int reduced, int inner, Shape shape);

    /// <summary>Reads elements at offset + sum of index x stride into a new tensor: permute, slice, flip, expand. Any element type.</summary>
    public abstract Tensor Strided(Tensor x, Shape shape, ReadOnlySpan<int> strides, int offset);

    /// <summary>
    /// The adjoint of <see cref="Strided"/>: a tensor of <paramref name="shape"/>, all background but where elements of x are put (each place at most
    /// once).
    /// </summary>
    public abstract Tensor StridedPut(Tensor x, Shape shape, ReadOnlySpan<int> strides, int offset, float background = 0);

    /// <summary>Lays tensors [outer, n_i, inner] one after the other along the middle. Any element type.</summary>
    public abstract Tensor Concat(ReadOnlySpan<Tensor> parts, int outer, int inner, Shape shape);

    /// <summary>op(A) op(B) for matrices in the last two axes, batched over broadcast leading axes given by <paramref name="shape"/>.</summary>
    public abstract Tensor MatMul(Tensor a, Tensor b, bool transposeA, bool transposeB, Shape shape);

    /// <summary>
    /// x W^T + b, [N, in] x [out, in] -> [N, out], and a chain of unary functions on each part of it while that is in the cache. Where
    /// <paramref name="save"/> says so, <c>Saved</c> of the result holds what the chain starts from.
    /// </summary>
    public abstract Tensor Linear(Tensor x, Tensor weight, Tensor? bias, Shape shape, ReadOnlySpan<ChainStep> steps = default, bool save = false);

    /// <summary>Cross-correlation, NCHW by OIHW, with bias and optionally ReLU on top.</summary>
    public abstract Tensor Conv2d(in Cpu.ConvShape s, Tensor x, Tensor weight, Tensor? bias, bool relu);

    /// <summary>The gradient of a convolution with respect to its input; also the transposed convolution.</summary>
    public abstract Tensor Conv2dInput(in Cpu.ConvShape s, Tensor grad, Tensor weight);

    /// <summary>The gradient of a convolution with respect to its weight.</summary>
    public abstract Tensor Conv2dWeight(in Cpu.ConvShape s, Tensor grad, Tensor x);

    /// <summary>Maxima of windows; <c>Saved</c> of the result holds the position of each in its plane, 32-bit integers in the bits of Float32.</summary>
    public abstract Tensor MaxPool(in Window w, Tensor x, Shape shape);

    /// <summary>Maxima of windows that divide each plane as evenly as possible; <c>Saved</c> as <see cref="MaxPool"/> has it.</summary>
    public abstract Tensor AdaptiveMaxPool(Tensor x, Shape shape);

    /// <summary>Puts gradients where the maxima stood.</summary>
    public abstract Tensor MaxPoolGrad(Tensor grad, Tensor positions, Shape shape);

    /// <summary>Reads the elements where the maxima stood: the adjoint of <see cref="MaxPoolGrad"/>.</summary>
    public abstract Tensor MaxPoolRead(Tensor x, Tensor positions, Shape shape);

    /// <summary>Means of windows.</summary>
    public abstract Tensor AvgPool(in Window w, Tensor x, Shape shape);

    /// <summary>The adjoint of <see cref="AvgPool"/>.</summary>
    public abstract Tensor AvgPoolGrad(in Window w, Tensor grad, Shape shape);

    /// <summary>Softmax or log-softmax over the middle of [outer, n, inner].</summary>
    public abstract Tensor Softmax(Tensor x, int outer, int n, int inner, bool log);

    /// <summary>The gradient of <see cref="Softmax"/>, from its output.</summary>
    public abstract Tensor SoftmaxGrad(Tensor grad, Tensor y, int outer, int n, int inner, bool log);

    /// <summary>(x - mean) x inverse deviation x weight + bias per channel of [N, C, inner]; statistics [2, C] (mean, inverse deviation).</summary>
    public abstract Tensor BatchNorm(Tensor x, Tensor statistics, Tensor? weight, Tensor? bias);

    /// <summary>Per channel mean and biased variance of [N, C, inner], as [2, C].</summary>
    public abstract Tensor ChannelMoments(Tensor x);

    /// <summary>Per channel sum of g and sum of g x normalised x, as [2, C].</summary>
    public abstract Tensor BatchNormSums(Tensor grad, Tensor x, Tensor statistics);

    /// <summary>The gradient of training-mode batch norm with respect to x.</summary>
    public abstract Tensor BatchNormGrad(Tensor grad, Tensor x, Tensor statistics, Tensor? weight, Tensor sums);

    /// <summary>
    /// Each row less its mean, over its deviation, times weight plus bias; <c>Saved</c> of the result holds [2, rows] mean and inverse deviation.
    /// </summary>
    public abstract Tensor RowNorm(in NormRows rows, Tensor x, Tensor? weight, Tensor? bias, float epsilon);

    /// <summary>The gradient of <see cref="RowNorm"/> with respect to x.</summary>
    public abstract Tensor RowNormGrad(in NormRows rows, Tensor grad, Tensor x, Tensor statistics, Tensor? weight);

    /// <summary>Per weight the sum of g and the sum of g x normalised x, as [2, G P].</summary>
    public abstract Tensor RowNormSums(in NormRows rows, Tensor grad, Tensor x, Tensor statistics);

    /// <summary>Each element of [N, C, ...] divided by a power of the sum of squares over neighbouring channels.</summary>
    public abstract Tensor LocalResponseNorm(in ResponseNorm norm, Tensor x);

    /// <summary>The gradient of <see cref="LocalResponseNorm"/>, which computes the sums again.</summary>
    public abstract Tensor LocalResponseNormGrad(in ResponseNorm norm, Tensor grad, Tensor x);

    /// <summary>A recurrent layer over a whole sequence; <c>Saved</c> of the result holds what the gradient needs of every step.</summary>
    public abstract Tensor Recurrent(in RecurrentCall call);

    /// <summary>Gradients of <see cref="Recurrent"/> through time; those of the states to start from come for free.</summary>
    public abstract RecurrentGrads RecurrentGrad(in RecurrentCall call, Tensor y, Tensor grad, bool wantX, bool wantInput, bool wantHidden, bool wantBiases);

    /// <summary>Attention; <c>Saved</c> of the result holds the logarithm of each row's sum [N, heads, T].</summary>
    public abstract Tensor Attention(in AttentionCall call);

    /// <summary>
    /// Gradients of <see cref="Attention"/> with respect to queries, keys and values; in one tensor where these were. And with respect to scaled scores
    /// [N, heads, T, S], where <paramref name="wantScores"/> says so.
    /// </summary>
    public abstract (Tensor Q, Tensor? K, Tensor? V, Tensor? Scores) AttentionGrad(in AttentionCall call, Tensor y, Tensor grad, bool wantScores);

    /// <summary>
    /// out[o, j, i] = the sum over t of weights[j, t] x[o, index[j, t], i], along the middle of [outer, n, inner]; the adjoint puts instead of reading.
    /// </summary>
    public abstract Tensor Resample(Tensor x, ReadOnlySpan<int> index, ReadOnlySpan<float> weights, int taps, int outer, int n, int inner, Shape shape,
        bool adjoint);

    /// <summary>x [N, C, H, W] read at the places of grid [N, OH, OW, 2].</summary>
    public abstract Tensor GridSample(in GridSampling sampling, Tensor x, Tensor grid);

    /// <summary>The gradient of <see cref="GridSample"/> with respect to x, of the given shape.</summary>
    public abstract Tensor GridSampleInput(in GridSampling sampling, Tensor grad, Tensor grid, Shape shape);

    /// <summary>The gradient of <see cref="GridSample"/> with respect to the grid.</summary>
    public abstract Tensor GridSampleGrid(in GridSampling sampling, Tensor grad, Tensor x, Tensor grid);

    /// <summary>
    /// Positions along the middle of [outer, n, inner] in the order of their elements; equal elements keep their order. NaN counts as the largest.
    /// </summary>
    public abstract Tensor ArgSort(Tensor x, int outer, int n, int inner, bool descending);

    /// <summary>
    /// out[o, j, i] = x[o, index[...], i]: along the middle of [outer, n, inner], the same indices for every outer and inner. Any element type.
    /// </summary>
    public abstract Tensor IndexSelect(Tensor x, Tensor index, int outer, int n, int inner, Shape shape);

    /// <summary>The adjoint of <see cref="IndexSelect"/>: repeated indices add up.</summary>
    public abstract Tensor IndexAdd(Tensor grad, Tensor index, int outer, int n, int inner, Shape shape);

    /// <summary>out[o, j, i] = x[o, index[o, j, i], i] along the middle of [outer, n, inner] (index is [outer, m, inner]). Any element type.</summary>
    public abstract Tensor Gather(Tensor x, Tensor index, int outer, int n, int inner);

    /// <summary>The adjoint of <see cref="Gather"/>: repeated indices add up.</summary>
    public abstract Tensor ScatterAdd(Tensor grad, Tensor index, int outer, int n, int inner, Shape shape);

    /// <summary>x, with values[o, j, i] written to [o, index[o, j, i], i]; of values that meet the last stays.</summary>
    public abstract Tensor ScatterPut(Tensor x, Tensor values, Tensor index, int outer, int n, int inner);

    /// <summary>Running sums along the middle of [outer, n, inner], forwards or backwards.</summary>
    public abstract Tensor CumSum(Tensor x, int outer, int n, int inner, bool reverse);

    /// <summary>Another element type; truth values become 0 and 1, floats are truncated to integers.</summary>
    public abstract Tensor Cast(Tensor x, DType dtype);

    /// <summary>Uniform numbers in [0, 1): element i depends on the key and on i alone.</summary>
    public abstract Tensor Uniform(Shape shape, ulong key);
}
