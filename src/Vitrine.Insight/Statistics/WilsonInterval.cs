namespace Vitrine.Insight;

/// <summary>
/// What a count of right answers says about the share in all examples of the kind: the interval that holds the true share in 95 of 100 such counts (Wilson
/// 1927, "Probable inference, the law of succession, and statistical inference"). Unlike the share plus and minus two standard errors it stays within 0 to 1
/// and says something when all answers are right, or none.
/// </summary>
/// <param name="Low">Its lower end, in [0, 1].</param>
/// <param name="High">Its upper end, in [0, 1].</param>
public readonly record struct WilsonInterval(double Low, double High)
{
    // Exceeded in size by a standard normal number with probability 0.05.
    private const double Critical = 1.959963984540054;

    /// <summary>The interval of a count.</summary>
    /// <param name="right">How many were right.</param>
    /// <param name="count">Of how many, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are none, or more were right than there are.</exception>
    public static WilsonInterval Of(int right, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(right);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(right, count);
        // The shares p with |right/count - p| <= z sqrt(p (1 - p) / count): between the roots of a quadratic equation.
        double z2 = Critical * Critical, share = right / (double)count, middle = (share + z2 / (2 * count)) / (1 + z2 / count);
        double half = Critical / (1 + z2 / count) * Math.Sqrt((share * (1 - share) + z2 / (4.0 * count)) / count);
        return new(right == 0 ? 0 : middle - half, right == count ? 1 : middle + half);
    }
}
