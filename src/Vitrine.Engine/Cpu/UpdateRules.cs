using System.Numerics;
using System.Runtime.CompilerServices;
using V = System.Numerics.Vector<float>;

namespace Vitrine.Cpu;

// The formulas of the optimizers; the papers stand at the optimizers themselves. All but the last add decay times the weight to the gradient first (L2).

/// <summary>Slot a: the velocity, when there is momentum. Both slots start at zero, so the first velocity is the first gradient, as PyTorch has it.</summary>
internal readonly struct SgdRule(float rate, float momentum, float decay, bool nesterov) : IUpdateRule
{
    private readonly V _rate = new(-rate), _momentum = new(momentum), _decay = new(decay);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply(ref V w, V g, ref V a, ref V b, ref V c)
    {
        g = Vector.FusedMultiplyAdd(_decay, w, g);
        a = Vector.FusedMultiplyAdd(_momentum, a, g);
        w = Vector.FusedMultiplyAdd(_rate, nesterov ? Vector.FusedMultiplyAdd(_momentum, a, g) : a, w);
    }
}

/// <summary>Adam and AdamW. Slots: mean of gradients, mean of their squares, with AMSGrad the largest of these.</summary>
internal readonly struct AdamRule : IUpdateRule
{
    private readonly V _beta1, _rest1, _beta2, _rest2, _size, _correction, _epsilon, _decay, _shrink;
    private readonly bool _amsgrad;

    public AdamRule(double rate, double beta1, double beta2, double epsilon, double decay, double decoupled, bool amsgrad, long step)
    {
        _beta1 = new V((float)beta1);
        _rest1 = new V((float)(1 - beta1)); // not 1 - (float)beta1, which for 0.999 is 5e-5 off
        _beta2 = new V((float)beta2);
        _rest2 = new V((float)(1 - beta2));
        _size = new V(-(float)(rate / (1 - Math.Pow(beta1, step))));
        _correction = new V((float)(1 / Math.Sqrt(1 - Math.Pow(beta2, step))));
        _epsilon = new V((float)epsilon);
        _decay = new V((float)decay);
        _shrink = new V((float)(1 - rate * decoupled));
        _amsgrad = amsgrad;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply(ref V w, V g, ref V a, ref V b, ref V c)
    {
        w *= _shrink;
        g = Vector.FusedMultiplyAdd(w, _decay, g);
        a = Vector.FusedMultiplyAdd(g, _rest1, a * _beta1);
        b = Vector.FusedMultiplyAdd(g * g, _rest2, b * _beta2);
        V square = b;
        if (_amsgrad) square = c = Vector.Max(c, b);
        w = Vector.FusedMultiplyAdd(_size, a / Vector.FusedMultiplyAdd(Vector.SquareRoot(square), _correction, _epsilon), w);
    }
}

/// <summary>Slots: mean of gradients, mean of their squares. The step is a mixture of the gradient and its mean.</summary>
internal readonly struct NAdamRule(
    double byGradient, double byMean, double beta1, double beta2, double correction, double epsilon, double decay) : IUpdateRule
{
    private readonly V _byGradient = new((float)byGradient), _byMean = new((float)byMean), _beta1 = new((float)beta1), _rest1 = new((float)(1 - beta1));
    private readonly V _beta2 = new((float)beta2), _rest2 = new((float)(1 - beta2)), _correction = new((float)correction), _epsilon = new((float)epsilon);
    private readonly V _decay = new((float)decay);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply(ref V w, V g, ref V a, ref V b, ref V c)
    {
        g = Vector.FusedMultiplyAdd(_decay, w, g);
        a = Vector.FusedMultiplyAdd(g, _rest1, a * _beta1);
        b = Vector.FusedMultiplyAdd(g * g, _rest2, b * _beta2);
        V move = Vector.FusedMultiplyAdd(_byMean, a, _byGradient * g);
        w -= move / Vector.FusedMultiplyAdd(Vector.SquareRoot(b), _correction, _epsilon);
    }
}

/// <summary>Slots: mean of gradients, mean of their squares, which counts only once it is <paramref name="rectified"/>.</summary>
internal readonly struct RAdamRule(double size, bool rectified, double beta1, double beta2, double epsilon, double decay) : IUpdateRule
{
    private readonly V _size = new(-(float)size), _beta1 = new((float)beta1), _rest1 = new((float)(1 - beta1)), _beta2 = new((float)beta2);
    private readonly V _rest2 = new((float)(1 - beta2)), _epsilon = new((float)epsilon), _decay = new((float)decay);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply(ref V w, V g, ref V a, ref V b, ref V c)
    {
        g = Vector.FusedMultiplyAdd(_decay, w, g);
        a = Vector.FusedMultiplyAdd(g, _rest1, a * _beta1);
        b = Vector.FusedMultiplyAdd(g * g, _rest2, b * _beta2);
        w = Vector.FusedMultiplyAdd(_size, rectified ? a / (Vector.SquareRoot(b) + _epsilon) : a, w);
    }
}

/// <summary>Slots: mean of gradients, decaying maximum of their sizes.</summary>
internal readonly struct AdaMaxRule(double size, double beta1, double beta2, double epsilon, double decay) : IUpdateRule
{
    private readonly V _size = new(-(float)size), _beta1 = new((float)beta1), _rest1 = new((float)(1 - beta1)), _beta2 = new((float)beta2);
    private readonly V _epsilon = new((float)epsilon), _decay = new((float)decay);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply(ref V w, V g, ref V a, ref V b, ref V c)
    {
        g = Vector.FusedMultiplyAdd(_decay, w, g);
        a = Vector.FusedMultiplyAdd(g, _rest1, a * _beta1);
        b = Vector.Max(b * _beta2, Vector.Abs(g) + _epsilon);
        w = Vector.FusedMultiplyAdd(_size, a / b, w);
    }
}

/// <summary>Slots: mean of squares; the mean of gradients, when centred; the velocity, when there is momentum.</summary>
internal readonly struct RmsPropRule(double rate, double alpha, double epsilon, double decay, double momentum, bool centered) : IUpdateRule
{
    private readonly V _rate = new(-(float)rate), _alpha = new((float)alpha), _rest = new((float)(1 - alpha)), _epsilon = new((float)epsilon);
    private readonly V _decay = new((float)decay), _momentum = new((float)momentum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply(ref V w, V g, ref V a, ref V b, ref V c)
    {
        g = Vector.FusedMultiplyAdd(_decay, w, g);
        a = Vector.FusedMultiplyAdd(g * g, _rest, a * _alpha);
        // The velocity is the last slot there is; without momentum its slot is absent, reads as zero and is not written.
        if (centered)
        {
            b = Vector.FusedMultiplyAdd(_rest, g - b, b);
            c = Vector.FusedMultiplyAdd(_momentum, c, g / (Vector.SquareRoot(Vector.Max(V.Zero, a - b * b)) + _epsilon));
            w = Vector.FusedMultiplyAdd(_rate, c, w);
        }
        else
        {
            b = Vector.FusedMultiplyAdd(_momentum, b, g / (Vector.SquareRoot(a) + _epsilon));
            w = Vector.FusedMultiplyAdd(_rate, b, w);
        }
    }
}

/// <summary>Slot a: the sum of squares.</summary>
internal readonly struct AdaGradRule(double rate, double epsilon, double decay) : IUpdateRule
{
    private readonly V _rate = new(-(float)rate), _epsilon = new((float)epsilon), _decay = new((float)decay);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply(ref V w, V g, ref V a, ref V b, ref V c)
    {
        g = Vector.FusedMultiplyAdd(_decay, w, g);
        a = Vector.FusedMultiplyAdd(g, g, a);
        w = Vector.FusedMultiplyAdd(_rate, g / (Vector.SquareRoot(a) + _epsilon), w);
    }
}

/// <summary>Slots: mean of squared gradients, mean of squared steps.</summary>
internal readonly struct AdaDeltaRule(double rate, double rho, double epsilon, double decay) : IUpdateRule
{
    private readonly V _rate = new(-(float)rate), _rho = new((float)rho), _rest = new((float)(1 - rho)), _epsilon = new((float)epsilon);
    private readonly V _decay = new((float)decay);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply(ref V w, V g, ref V a, ref V b, ref V c)
    {
        g = Vector.FusedMultiplyAdd(_decay, w, g);
        a = Vector.FusedMultiplyAdd(g * g, _rest, a * _rho);
        V move = Vector.SquareRoot(b + _epsilon) / Vector.SquareRoot(a + _epsilon) * g;
        b = Vector.FusedMultiplyAdd(move * move, _rest, b * _rho);
        w = Vector.FusedMultiplyAdd(_rate, move, w);
    }
}

/// <summary>Moves an average a part of the way to the present weights: what stands for the gradient here.</summary>
internal readonly struct AverageRule(double part) : IUpdateRule
{
    private readonly V _part = new((float)part);

    // Written as a step towards g so that an average of equal weights stays what it is, to the last bit.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Apply(ref V w, V g, ref V a, ref V b, ref V c) => w = Vector.FusedMultiplyAdd(_part, g - w, w);
}
