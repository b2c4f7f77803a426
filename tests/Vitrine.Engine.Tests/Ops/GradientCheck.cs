namespace Vitrine.Engine.Tests.Operators; // not ...Tests.Ops, which would hide Vitrine.Ops from every test

/// <summary>Where the elements of an input come from.</summary>
internal enum Domain
{
    /// <summary>Normal numbers that keep a distance from 0, where many functions have a kink.</summary>
    Any,

    /// <summary>Between 0.4 and 1.6.</summary>
    Positive,

    /// <summary>Between -0.8 and 0.8.</summary>
    Unit,

    /// <summary>All different, at least 0.15 apart, so that no order changes.</summary>
    Spread,
}

/// <summary>Compares gradients, and gradients of gradients, with central differences.</summary>
internal static class GradientCheck
{
    private const float Step = 0.04f;
    private const double Tolerance = 2e-3;

    public static Tensor Draw(Shape shape, Domain domain, ulong seed)
    {
        var random = new RandomSource(seed);
        float[] values = new float[shape.Count];
        int[] order = random.Permutation(values.Length);
        for (int i = 0; i < values.Length; i++)
        {
            float normal = random.NextNormal();
            values[i] = domain switch
            {
                Domain.Positive => 0.4f + 1.2f * random.NextFloat(),
                Domain.Unit => 1.6f * random.NextFloat() - 0.8f,
                Domain.Spread => 0.15f * (order[i] - values.Length / 2) + 0.07f,
                _ => normal + (normal >= 0 ? 0.15f : -0.15f),
            };
        }
        return Tensor.From(values, shape);
    }

    /// <summary>The gradient of a weighted sum of the outputs with respect to every input.</summary>
    public static void First(string name, Func<Tensor[], Tensor> function, Tensor[] inputs)
    {
        Tensor shape = function(inputs);
        Tensor seed = Draw(shape.Shape, Domain.Any, 77);
        Tensor[] watched = [.. inputs.Select(x => x.Watch())];
        Gradients gradients = Autograd.Backward(function(watched), seed, watched);
        for (int i = 0; i < inputs.Length; i++)
        {
            Assert.Equal(inputs[i].Shape, gradients[i].Shape);
            Compare($"{name}, input {i}", gradients[i], inputs, i, x => Dot(function(x), seed));
        }
    }

    /// <summary>The gradient of a weighted sum of the gradients, by a recorded backward pass.</summary>
    public static void Second(string name, Func<Tensor[], Tensor> function, Tensor[] inputs)
    {
        Tensor seed = Draw(function(inputs).Shape, Domain.Any, 78);
        Tensor[] directions = [.. inputs.Select((x, i) => Draw(x.Shape, Domain.Any, 90 + (ulong)i))];
        Tensor[] watched = [.. inputs.Select(x => x.Watch())];
        Gradients first = Autograd.Backward(function(watched), seed, watched, differentiable: true);
        Tensor? slope = null;
        for (int i = 0; i < inputs.Length; i++)
        {
            if (!first.Reached(i) || !first[i].IsRecorded) continue;
            Tensor part = (first[i] * directions[i]).Sum();
            slope = slope is null ? part : slope + part;
        }
        Gradients? second = slope is null ? null : Autograd.Backward(slope, null, watched);
        for (int i = 0; i < inputs.Length; i++)
        {
            Compare($"{name}, second derivative, input {i}", second?[i] ?? Tensor.Zeros(inputs[i].Shape), inputs, i, Slope);
        }

        double Slope(Tensor[] x)
        {
            Tensor[] leaves = [.. x.Select(t => t.Watch())];
            Gradients gradients = Autograd.Backward(function(leaves), seed, leaves);
            double sum = 0;
            for (int i = 0; i < leaves.Length; i++) sum += Dot(gradients[i], directions[i]);
            return sum;
        }
    }

    private static void Compare(string name, Tensor gradient, Tensor[] inputs, int input, Func<Tensor[], double> function)
    {
        for (int at = 0; at < inputs[input].Count; at++)
        {
            // Richardson's extrapolation of two central differences leaves an error of the fourth order.
            double expected = (4 * Slope(at, Step / 2) - Slope(at, Step)) / 3, actual = gradient.Floats[at];
            if (!(Math.Abs(actual - expected) <= Tolerance * Math.Max(1, Math.Abs(expected)))) Assert.Fail($"{name} of shape {inputs[input].Shape}, element {at}: {actual}, differences give {expected}");
        }

        double Slope(int at, float step)
        {
            float[] values = inputs[input].ToArray();
            float centre = values[at], up = centre + step, down = centre - step;
            return (At(up) - At(down)) / ((double)up - down);

            double At(float value)
            {
                values[at] = value;
                Tensor[] moved = [.. inputs];
                moved[input] = Tensor.From(values, inputs[input].Shape);
                return function(moved);
            }
        }
    }

    private static double Dot(Tensor a, Tensor b)
    {
        double sum = 0;
        for (int i = 0; i < a.Count; i++) sum += (double)a.Floats[i] * b.Floats[i];
        return sum;
    }
}
