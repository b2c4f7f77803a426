namespace Vitrine.Insight.Tests;

/// <summary>Audits of what is no input of numbers: layers, and tokens through their embedding.</summary>
public sealed class LayerAuditTests
{
    private static readonly string[] OfTokens = ["gradient", "input x gradient", "integrated gradients", "lime", "shapley sampling", "feature ablation"];

    [Fact]
    public void NetworkFromALayerOnIsTheNetwork()
    {
        var net = LeNetGoldenTests.Net();
        Tensor input = LeNetGoldenTests.Input;
        var rest = new FromLayer(net, input, "conv2");
        Assert.Equal(net.Predict(input).ToArray(), rest.Predict(rest.Result).ToArray());
        // Its gradient at its input is the network's at the layer.
        Assert.Equal(new Gradient().Explain(net, input, Target.Class(3), "conv2").Values.ToArray(), new Gradient().Explain(rest, rest.Result, Target.Class(3)).Values.ToArray());
        Assert.All(rest.Behind(), p => Assert.StartsWith("fc", p.Name, StringComparison.Ordinal));
        Assert.Equal(6, rest.Behind().Count);
        Assert.Contains("conv9", Assert.Throws<ArgumentException>(() => new FromLayer(net, input, "conv9")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ExactExplanationOfALayerPasses()
    {
        (Module known, Tensor input, Tensor mask) = AuditTests.Known();
        Weights place = Weights.Random(1);
        // The layer doubles; what follows is the scorer whose explanation is known.
        var net = new Sequential(place, new Function(place.In("double"), x => x * 2), known);
        Audit audit = Audit.Of(net, input, new InputXGradient(), Target.Class(0), AuditLevel.Full, mask, wrt: "double");
        Assert.Equal(["shift"], audit.Checks.Where(c => c.Failed is not null).Select(c => c.Name));
        Assert.Equal(0, audit.Checks.Single(c => c.Name == "infidelity").Method.Mean, 1e-4);
        AuditCurve deletion = audit.Curves.Single(c => c.Name == "deletion");
        AuditCurve insertion = audit.Curves.Single(c => c.Name == "insertion");
        Assert.Equal(0, deletion.Method[^1], 1e-5);
        Assert.Equal(0, insertion.Method[0], 1e-5);
        Assert.Equal(deletion.Method[0], insertion.Method[^1], 1e-5);
        Assert.Equal([0, 1], [deletion.Shares[0], deletion.Shares[^1]]);
        Assert.Contains(audit.Curves, c => c.Name == "ROAD");
    }

    [Fact]
    public void TokensAreAuditedBesideTheLengthsOfTheirEmbeddings()
    {
        (Module net, Tensor tokens) = Text();
        Assert.Throws<ArgumentException>(() => Audit.Of(net, tokens, new Gradient(), Target.Class(0)));
        foreach (string name in OfTokens)
        {
            Method method = Methods.All.Single(m => m.Name == name);
            Audit audit = Audit.Of(net, tokens, method.Create(new MethodOptions()), Target.Class(0), AuditLevel.Full, wrt: "embedding");
            Assert.Equal(name, audit.Method);
            Assert.All(audit.Checks, c => Assert.True(double.IsFinite(c.Method.Mean) && double.IsFinite(c.Edges.Mean), $"{name}: {c.Name}"));
            foreach (string check in (string[])["deletion", "insertion", "infidelity", "random weights", "other class", "gini"]) Assert.Contains(audit.Checks, c => c.Name == check);
            Assert.DoesNotContain(audit.Checks, c => c.Name == "shift");
            Assert.Equal(method.Needs.HasFlag(Needs.Gradients), audit.Checks.Any(c => c.Name == "max-sensitivity"));
        }
    }

    [Fact]
    public void RemovingTokensIsWhatTheFormulaSays()
    {
        // The score is the sum of a number a token, and nothing else: the exact explanation of tokens is that number less that of the baseline's token.
        (Module net, Tensor tokens) = Text();
        Audit audit = Audit.Of(net, tokens, new FeatureAblation(), Target.Class(0), wrt: "embedding");
        Assert.Equal(0, audit.Checks.Single(c => c.Name == "infidelity").Method.Mean, 1e-4);
        Assert.Equal(0, Audit.Of(net, tokens, new IntegratedGradients(), Target.Class(0), wrt: "embedding").Checks.Single(c => c.Name == "infidelity").Method.Mean, 1e-4);
        double complete = Audit.Of(net, tokens, new IntegratedGradients(), Target.Class(0), wrt: "embedding").Checks.Single(c => c.Name == "completeness gap").Method.Mean;
        Assert.Equal(0, complete, 1e-4);
    }

    [Fact]
    public void LengthsOfEmbeddingsAreTheirNorms()
    {
        (Module net, Tensor tokens) = Text();
        float[] lengths = new TokenNorms("embedding").Explain(net, tokens, Target.Class(0)).Values.ToArray();
        float[] table = net.State()["embedding.weight"].ToArray();
        for (int i = 0; i < lengths.Length; i++)
        {
            double square = table.AsSpan((int)tokens.Longs[i] * 4, 4).ToArray().Sum(v => (double)v * v);
            Assert.Equal(Math.Sqrt(square), lengths[i], 1e-5);
        }
    }

    private static (Module Net, Tensor Tokens) Text()
    {
        Weights weights = Weights.Random(3);
        var net = new Sequential(
            weights, new Embedding(weights.In("embedding"), 9, 4), new Function(weights.In("sum"), x => x.Sum([1])), new Linear(weights.In("fc"), 4, 2));
        return (net, Tensor.From([1L, 4, 7, 2, 2, 8, 5, 3, 1, 6, 4, 2], [2, 6]));
    }
}
