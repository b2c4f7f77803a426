using Vitrine.Insight;

namespace Vitrine.Experiments;

/// <summary>
/// A method that gives every input of a part the value of the whole part, shared out evenly among them: the inputs of a column of words then sum to what the
/// column adds, as they do by methods that have a value for each.
/// </summary>
/// <param name="inner">The method.</param>
/// <param name="groups">The part that each input of a row belongs to.</param>
internal sealed class SharedOut(IAttribution inner, int[] groups) : IAttribution
{
    private static readonly string[] Switched = ["feature ablation", "shapley values", "shapley sampling", "kernel shap", "lime"];

    /// <inheritdoc/>
    public string Name => inner.Name;

    /// <summary>The method itself where it has a value for each input.</summary>
    public static IAttribution Where(IAttribution method, int[]? groups) => groups is not null && Switched.Contains(method.Name) ? new SharedOut(method, groups)
        : method;

    /// <inheritdoc/>
    public Attribution Explain(
        Module model, Tensor input, Target target, string? wrt = null, IProgress<double>? progress = null, CancellationToken cancel = default)
    {
        Attribution found = inner.Explain(model, input, target, wrt, progress, cancel);
        if (wrt is not null || found.Values.Shape[-1] != groups.Length) return found;
        float[] sizes = [.. groups.Select(g => (float)groups.Count(other => other == g))];
        return found with { Values = found.Values / Tensor.From(sizes, [groups.Length]) };
    }
}
