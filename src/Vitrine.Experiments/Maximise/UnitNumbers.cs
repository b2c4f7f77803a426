using System.Globalization;
using Vitrine.Data;

namespace Vitrine.Experiments;

/// <summary>Numbers of units in the words of a command line.</summary>
internal static class UnitNumbers
{
    /// <summary><c>all</c>, or numbers and ranges with both ends: <c>0-15,40</c>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="count">How many units there are.</param>
    /// <param name="layer">Where, for errors.</param>
    /// <returns>The numbers in the order they were given, each once.</returns>
    /// <exception cref="DataException">It is neither, or there is no such unit.</exception>
    public static int[] Parse(string text, int count, string layer)
    {
        if (text.Equals("all", StringComparison.OrdinalIgnoreCase)) return [.. Enumerable.Range(0, count)];
        List<int> units = [];
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            string[] ends = part.Split('-', StringSplitOptions.TrimEntries);
            int last = 0;
            if (ends.Length > 2 || !Number(ends[0], out int first) || (ends.Length == 2 && !Number(ends[1], out last)))
                throw new DataException($"'{part}' names no units.", "Write all, or numbers and ranges such as 0-15,40.");
            if (ends.Length == 1) last = first;
            if (last < first) throw new DataException($"The range {part} ends before it begins.", "Write the smaller number first.");
            if (last >= count) throw new DataException($"There is no unit {last}: {layer} has {count}.", $"Units are numbered from 0 to {count - 1}.");
            for (int unit = first; unit <= last; unit++)
            {
                if (!units.Contains(unit)) units.Add(unit);
            }
        }
        return [.. units];

        static bool Number(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}
