using System.Text.Json;
using Vitrine.Insight;

namespace Vitrine.Experiments;

/// <summary>An attribution method in words.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Paper">Where it comes from.</param>
/// <param name="Needs">What it has to be given besides a network and an input.</param>
/// <param name="Promises">What it promises of its values.</param>
public sealed record ListedMethod(string Name, string Paper, string Needs, string Promises);

/// <summary>The attribution methods in words, for people and scripts.</summary>
public static class MethodList
{
    /// <summary>All of them, in the order of <see cref="Methods.All"/>; at the end what is for tables alone.</summary>
    public static IReadOnlyList<ListedMethod> All { get; } =
        [.. Methods.All.Select(m => new ListedMethod(
            m.Name, m.Paper, In(m.Needs, NeedsInWords, "answers alone"), In(m.Promises, PromisesInWords, "nothing that could be checked"))),
            new ListedMethod("lime for tables", "Ribeiro, Singh, Guestrin 2016, Why should I trust you?", "rows to compare with", "the same bytes for a seed")];

    private static (Needs Flag, string Words)[] NeedsInWords =>
    [
        (Needs.Gradients, "gradients"), (Needs.Rules, "a rule for every operator"), (Needs.FeatureMaps, "a layer of feature maps"),
        (Needs.Picture, "a picture"), (Needs.Batch, "several examples"),
    ];

    private static (Promises Flag, string Words)[] PromisesInWords =>
    [
        (Promises.Completeness, "values that sum to the score minus the baseline's"), (Promises.Conservation, "values that sum to the score, biases aside"),
        (Promises.Seeded, "the same bytes for a seed"), (Promises.Positive, "no negative values"),
    ];

    /// <summary>The list as a JSON array.</summary>
    public static string ToJson() => JsonSerializer.Serialize(All, ResultJson.Default.IReadOnlyListListedMethod);

    private static string In<T>(T flags, (T Flag, string Words)[] words, string none)
        where T : struct, Enum
    {
        string[] said = [.. words.Where(w => flags.HasFlag(w.Flag)).Select(w => w.Words)];
        return said.Length == 0 ? none : string.Join(", ", said);
    }
}
