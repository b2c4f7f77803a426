namespace Vitrine.Insight;

/// <summary>The box of input positions that can influence a unit: [start, end) on each axis of an example.</summary>
/// <param name="Start">The first position on each axis, the batch axis left out: (channel, row, column) for pictures.</param>
/// <param name="End">One past the last position on each axis; equal to <paramref name="Start"/> everywhere where nothing influences the unit.</param>
/// <param name="Assumed">
/// The operators whose geometry is not known and of which it was therefore assumed that every element reads every other; null where there were none and the
/// box is exact.
/// </param>
public sealed record ReceptiveField(IReadOnlyList<int> Start, IReadOnlyList<int> End, string? Assumed = null)
{
    /// <summary>Whether no position of the input influences the unit.</summary>
    public bool IsEmpty => Enumerable.Range(0, Start.Count).Any(axis => Start[axis] >= End[axis]);

    /// <summary>How many positions the box has on an axis.</summary>
    public int Extent(int axis) => End[axis] - Start[axis];

    /// <summary>Whether two boxes have the same bounds.</summary>
    public bool SameBox(ReceptiveField other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Start.SequenceEqual(other.Start) && End.SequenceEqual(other.End);
    }

    /// <inheritdoc/>
    public override string ToString() => string.Join(" x ", Start.Zip(End, (start, end) => $"[{start}, {end})")) + (Assumed is null ? "" : $" " +
        $"(assumed: {Assumed})");
}
