using Vitrine.Ops;

namespace Vitrine;

// Layers without parameters: they give an operator a name of its own in the network.

/// <summary>A layer that applies one operator.</summary>
/// <param name="weights">Its place in the network.</param>
/// <param name="op">What it applies.</param>
public sealed class Layer(Weights weights, Op op) : Module(weights)
{
    private readonly ChainOp? _chain = op is UnaryOp { Step: not null } function ? new ChainOp(function) : null;

    /// <summary>The operator.</summary>
    public Op Op => op;

    /// <summary>max(x, 0).</summary>
    public static Layer Relu(Weights weights) => new(weights, ReluOp.Instance);

    /// <summary>The hyperbolic tangent.</summary>
    public static Layer Tanh(Weights weights) => new(weights, TanhOp.Instance);

    /// <summary>1 / (1 + e^-x).</summary>
    public static Layer Sigmoid(Weights weights) => new(weights, SigmoidOp.Instance);

    /// <summary>x where x > 0, else slope x.</summary>
    public static Layer LeakyRelu(Weights weights, float slope = 0.01f) => new(weights, new LeakyReluOp(slope));

    /// <summary>The maximum of each window over the last two axes.</summary>
    public static Layer MaxPool2d(Weights weights, int kernel, int? stride = null, int padding = 0, bool ceilMode = false) =>
        new(weights, new MaxPool2dOp(PoolGeometry.Square(kernel, stride, padding, ceilMode)));

    /// <summary>The mean of each window over the last two axes.</summary>
    public static Layer AvgPool2d(Weights weights, int kernel, int? stride = null, int padding = 0, bool ceilMode = false, bool countPadding = true) =>
        new(weights, new AvgPool2dOp(PoolGeometry.Square(kernel, stride, padding, ceilMode, countPadding)));

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => op.Apply(x);

    /// <summary>
    /// Calls the layer on a + b. Where the run allows it, an activation function (ReLU, tanh, sigmoid, GELU, SiLU and the like) and a sum of one shape are
    /// computed in one pass over memory.
    /// </summary>
    /// <param name="run">The forward pass.</param>
    /// <param name="a">A term.</param>
    /// <param name="b">A term; broadcasts with the other.</param>
    public Tensor CallOnSum(Run run, Tensor a, Tensor b)
    {
        if (_chain is null || !run.Joins || a.Shape != b.Shape) return Call(run, a + b);
        using Run.Entered entered = run.Enter(this);
        return _chain.Apply(a, b);
    }

    /// <summary>Calls the layer on a convolution of x: in one pass where the layer is a ReLU and the run allows it. For networks written by hand;
    /// <see cref="Sequential"/> does so by itself.</summary>
    /// <param name="run">The forward pass.</param>
    /// <param name="convolution">What comes before the layer.</param>
    /// <param name="x">[N, C, H, W].</param>
    public Tensor CallOn(Run run, Conv2d convolution, Tensor x)
    {
        ArgumentNullException.ThrowIfNull(convolution);
        return op is ReluOp && run.Joins ? convolution.Call(run, x, convolution.WithRelu) : Call(run, convolution.Call(run, x));
    }
}

/// <summary>Joins all axes but the first.</summary>
/// <param name="weights">Its place in the network.</param>
public sealed class Flatten(Weights weights) : Module(weights)
{
    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => x.Flatten();
}

/// <summary>In training, sets elements to zero with probability p and divides the others by 1 - p (Srivastava et al. 2014); otherwise does nothing.</summary>
public sealed class Dropout : Module
{
    private readonly float _p;

    /// <summary>Creates the layer.</summary>
    /// <param name="weights">Its place in the network.</param>
    /// <param name="p">The probability, in [0, 1).</param>
    public Dropout(Weights weights, float p = 0.5f)
        : base(weights)
    {
        if (p is < 0 or >= 1) throw new ArgumentOutOfRangeException(nameof(p), p, "The probability to drop lies in [0, 1).");
        _p = p;
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x)
    {
        if (!run.Training || _p == 0) return x;
        return x * Kept(run.Random.Uniform(x.Shape), _p);
    }

    /// <summary>What elements are multiplied by, from a uniform number for each.</summary>
    internal static Tensor Kept(Tensor uniform, float p) => uniform.GreaterOrEqual(Tensor.Scalar(p)).Cast(DType.Float32) * (1 / (1 - p));
}

/// <summary>A table [V, D] whose rows stand for tokens. Parameter <c>weight</c>.</summary>
public sealed class Embedding : Module
{
    /// <summary>Creates the table.</summary>
    /// <param name="weights">Where its parameter comes from.</param>
    /// <param name="count">V: how many tokens there are.</param>
    /// <param name="size">D: how many numbers stand for one.</param>
    public Embedding(Weights weights, int count, int size)
        : base(weights) => Weight = weights.Parameter("weight", [count, size], Init.Normal(1));

    /// <summary>[V, D].</summary>
    public Parameter Weight { get; }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor tokens) => Weight.Value.Embedding(tokens); // [...] -> [..., D]
}

/// <summary>Modules one after the other.</summary>
/// <param name="weights">Its place in the network.</param>
/// <param name="modules">What is called in turn; each has its own place below <paramref name="weights"/>.</param>
public sealed class Sequential(Weights weights, params IReadOnlyList<Module> modules) : Module(weights)
{
    private (FusedOp Op, int Layers)?[]? _joints;

    /// <summary>What is called in turn.</summary>
    public IReadOnlyList<Module> Modules => modules;

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x)
    {
        Tensor input = x;
        for (int i = 0; i < modules.Count; i++)
        {
            Tensor next;
            if (run.Joins && (_joints ??= Joints())[i] is var (op, layers))
            {
                next = (modules[i], op) switch
                {
                    (Conv2d convolution, Conv2dReluOp joined) => convolution.Call(run, x, joined),
                    (Linear linear, LinearChainOp joined) => linear.Call(run, x, joined),
                    (Residual residual, ChainOp joined) => residual.Call(run, x, joined),
                    _ => op.Apply(x),
                };
                i += layers;
            }
            else
            {
                next = modules[i].Call(run, x);
            }
            run.Done(x, input, next);
            x = next;
        }
        return x;
    }

    /// <summary>For each module the operator that does it and the activation functions after it in one pass, and how many layers after it these are.</summary>
    private (FusedOp Op, int Layers)?[] Joints()
    {
        var joints = new (FusedOp Op, int Layers)?[modules.Count];
        var functions = new List<UnaryOp>(); // of the layers that follow
        for (int i = modules.Count - 1; i >= 0; i--)
        {
            UnaryOp[] after = [.. functions];
            if (modules[i] is Layer { Op: UnaryOp { Step: not null } function }) functions.Insert(0, function);
            else functions.Clear();
            if (after.Length == 0) continue;
            if (functions.Count > 0) joints[i] = (new ChainOp([.. functions]), after.Length);
            else if (modules[i] is Conv2d convolution && after[0] is ReluOp) joints[i] = (convolution.WithRelu, 1);
            else if (modules[i] is Linear) joints[i] = (new LinearChainOp(new ChainOp(after)), after.Length);
            else if (modules[i] is Residual) joints[i] = (new ChainOp(after), after.Length);
        }
        return joints;
    }
}
