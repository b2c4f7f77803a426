namespace Vitrine.Insight;

/// <summary>What a network consists of, seen from one run of it.</summary>
public static class Network
{
    /// <summary>The result of every module call on an input, by scope, in the order of computation.</summary>
    public static IReadOnlyList<KeyValuePair<string, Tensor>> Activations(Module model, Tensor input)
    {
        using var scope = MemoryScope.Open();
        var run = new Run(fused: false).Tap();
        model.Call(run, input);
        return [.. run.Taps.Where(t => t.Key.Length > 0).Select(t => KeyValuePair.Create(t.Key, scope.Keep(t.Value)))];
    }

    /// <summary>A sentence that lists the module calls of a network, for errors.</summary>
    internal static string Scopes(Module model, Tensor input)
    {
        string[] names = [.. Activations(model, input).Select(a => a.Key)];
        return names.Length == 0 ? "The network has no named modules." : $"The network has {string.Join(", ", names.Take(40))}{(names.Length > 40 ? ", ..." : "")}.";
    }
}
