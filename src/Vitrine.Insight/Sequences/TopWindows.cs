namespace Vitrine.Insight;

/// <summary>The places in a text where a unit is highest or lowest.</summary>
public static class TopWindows
{
    /// <summary>The places of the highest values, no two closer than asked for, the highest first; among equals the first.</summary>
    /// <param name="values">A value for each character.</param>
    /// <param name="count">At most so many places.</param>
    /// <param name="apart">The least distance between two of them, in characters, so that not one peak is shown again and again.</param>
    /// <param name="lowest">Whether the lowest values are sought instead.</param>
    public static IReadOnlyList<int> Of(ReadOnlySpan<float> values, int count, int apart, bool lowest = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfLessThan(apart, 1);
        float[] keys = values.ToArray();
        if (!lowest) for (int i = 0; i < keys.Length; i++) keys[i] = -keys[i];
        int[] order = [.. Enumerable.Range(0, keys.Length)];
        Array.Sort(order, (a, b) => keys[a].CompareTo(keys[b]) is var by && by != 0 ? by : a.CompareTo(b));
        var places = new List<int>();
        foreach (int at in order)
        {
            if (places.Count == count) break;
            if (places.All(p => Math.Abs(p - at) >= apart)) places.Add(at);
        }
        return places;
    }
}
