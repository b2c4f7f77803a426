using Vitrine.Ops;

namespace Vitrine;

/// <summary>shortcut(x) + body(x) (He et al. 2016).</summary>
/// <param name="weights">Its place in the network.</param>
/// <param name="body">What is added; it has its own place below <paramref name="weights"/>.</param>
/// <param name="shortcut">What x passes to fit the body's result; null for x itself.</param>
public sealed class Residual(Weights weights, Module body, Module? shortcut = null) : Module(weights)
{
    /// <summary>What is added.</summary>
    public Module Body => body;

    /// <summary>What x passes to fit the body's result, or null.</summary>
    public Module? Shortcut => shortcut;

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor x) => (shortcut is null ? x : shortcut.Call(run, x)) + body.Call(run, x);

    /// <summary>The sum and the functions after it as one operator, for a run that <see cref="Run.Joins"/>.</summary>
    internal Tensor Call(Run run, Tensor x, ChainOp joined)
    {
        using Run.Entered entered = run.Enter(this);
        Tensor a = shortcut is null ? x : shortcut.Call(run, x), b = body.Call(run, x);
        return a.Shape == b.Shape ? joined.Apply(a, b) : joined.Apply(a + b);
    }
}
