namespace Vitrine.Bench;

/// <summary>A piece of work that is timed here and, under the same name, in bench/peers/torch_workloads.py.</summary>
/// <param name="Name">The name on both sides.</param>
/// <param name="Description">One line: shapes and what is done.</param>
/// <param name="Prepare">Makes everything that is outside of the timing; null while the engine lacks something it needs.</param>
/// <param name="Needs">What is lacking.</param>
internal sealed record Workload(string Name, string Description, Func<Job>? Prepare, string? Needs = null)
{
    /// <summary>What the other side calls the same work, where the name differs.</summary>
    public string Peer { get; init; } = Name;

    /// <summary>A workload that both sides will know once the engine has what it needs.</summary>
    public static Workload Missing(string name, string description, string needs) => new(name, description, null, needs);
}

/// <summary>A workload that is ready to run.</summary>
/// <param name="Step">What is timed.</param>
/// <param name="Passes">The same again, recorded: what a run consists of; null where looking at single operators makes no sense.</param>
/// <param name="Quality">What a run's result is worth, where a time alone says too little; asked after the timing.</param>
internal sealed record Job(Action Step, Func<Pass[]>? Passes = null, Func<string>? Quality = null);

/// <summary>A recorded forward pass, and the tensors whose gradients a run asks for.</summary>
internal sealed record Pass(Tensor Root, params Tensor[] Wrt)
{
    /// <summary>Every node, in the order of its making, and which gradients of its inputs the backward pass asks for.</summary>
    public IEnumerable<(Node Node, bool[] Wanted)> Nodes()
    {
        var targets = new HashSet<Tensor>(Wrt, ReferenceEqualityComparer.Instance);
        var onTheWay = new HashSet<Node>();
        foreach (Node node in Autograd.Ancestors(Root))
        {
            bool[] wanted = [.. node.Inputs.Select(x => targets.Contains(x) || (x.Source is { } source && onTheWay.Contains(source)))];
            if (wanted.Contains(true)) onTheWay.Add(node);
            yield return (node, wanted);
        }
    }
}

/// <summary>All workloads, in the order of the peer's list.</summary>
internal static class Catalog
{
    public static IReadOnlyList<Workload> All { get; } =
        [.. Kernels.All, .. Training.All, .. Inference.All, .. Sequences.All, .. Generation.All, .. Explanation.All];

    public static IEnumerable<Workload> Runnable => All.Where(w => w.Prepare is not null);

    public static Workload? Find(string name) => All.FirstOrDefault(w => w.Name == name);
}
