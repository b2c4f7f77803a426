namespace Vitrine.Data;

/// <summary>Rows of independent standard normal columns with a value that is known as a formula, and with it every true Shapley value.</summary>
/// <param name="Rows">[N, 6].</param>
/// <param name="Values">[N]: 2 a - 1.5 b + c d + 0.5 e^2, whatever f is.</param>
/// <param name="Shapley">[N, 6]: what each column adds to the value at zeros, by Shapley's formula.</param>
public sealed record GaussianTable(Tensor Rows, Tensor Values, Tensor Shapley)
{
    /// <summary>The names of the columns; f does nothing.</summary>
    public static IReadOnlyList<string> Columns { get; } = ["a", "b", "c", "d", "e", "f"];

    /// <summary>Draws a table.</summary>
    /// <param name="count">The number of rows, at least 1.</param>
    /// <param name="seed">Which rows: the same seed, the same bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is below 1.</exception>
    public static GaussianTable Generate(int count, int seed = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        int columns = Columns.Count;
        ulong stream = new RandomSource((ulong)seed).Derive("gaussian table");
        float[] rows = new float[count * columns], values = new float[count], shapley = new float[count * columns];
        for (int i = 0; i < count; i++)
        {
            RandomSource random = Draws.Example(stream, i);
            Span<float> x = rows.AsSpan(i * columns, columns), share = shapley.AsSpan(i * columns, columns);
            foreach (ref float value in x) value = random.NextNormal();
            // Terms of one column are its own; a product, which is zero while either factor is, is halved between the two.
            share[0] = 2 * x[0];
            share[1] = -1.5f * x[1];
            share[2] = share[3] = 0.5f * x[2] * x[3];
            share[4] = 0.5f * x[4] * x[4];
            foreach (float part in share) values[i] += part;
        }
        return new GaussianTable(Tensor.From(rows, [count, columns]), Tensor.From(values, [count]), Tensor.From(shapley, [count, columns]));
    }
}
