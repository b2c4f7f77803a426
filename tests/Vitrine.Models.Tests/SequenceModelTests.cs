namespace Vitrine.Models.Tests;

public sealed class SequenceModelTests
{
    [Fact]
    public void The_character_model_has_the_parameters_of_pytorchs_language_model()
    {
        var network = new CharLstm(Weights.Random(1), characters: 20, hidden: 8, layers: 2, embedding: 6);
        (string, string)[] expected =
        [
            ("decoder.bias", "[20]"), ("decoder.weight", "[20, 8]"), ("encoder.weight", "[20, 6]"),
            ("rnn.bias_hh_l0", "[32]"), ("rnn.bias_hh_l1", "[32]"), ("rnn.bias_ih_l0", "[32]"), ("rnn.bias_ih_l1", "[32]"),
            ("rnn.weight_hh_l0", "[32, 8]"), ("rnn.weight_hh_l1", "[32, 8]"), ("rnn.weight_ih_l0", "[32, 6]"), ("rnn.weight_ih_l1", "[32, 8]"),
        ];
        Assert.Equal(expected, network.State().Select(s => (s.Key, $"{s.Value.Shape}")));
    }

    [Fact]
    public void A_text_read_in_parts_with_its_states_carried_on_is_the_text_read_at_once()
    {
        var network = new CharLstm(Weights.Random(2), characters: 20, hidden: 8);
        Tensor text = Tensor.From([.. Enumerable.Range(0, 24).Select(i => (long)(i * 7 % 20))], [2, 12]);
        (Tensor h, Tensor c) = network.Start(2);
        Tensor[] first = network.Call(new Run(), text.Slice(1, 0, 5), h, c);
        Tensor[] second = network.Call(new Run(), text.Slice(1, 5, 12), first[1], first[2]);
        float[] parts = TensorOps.Concat(1, first[0], second[0]).ToArray(), whole = network.Predict(text).ToArray();
        Assert.Equal(whole, parts, (a, b) => Math.Abs(a - b) < 1e-5);
    }

    [Fact]
    public void Networks_with_attention_give_an_answer_for_each_token()
    {
        Tensor source = Tensor.From([.. Enumerable.Range(0, 14).Select(i => (long)(i % 5))], [2, 7]), target = Tensor.From([0L, 1, 2, 3, 0, 2, 1, 3], [2, 4]);
        foreach (bool inContext in new[] { false, true })
        {
            var reader = new AlignmentReader(Weights.Random(3), 5, 4, hidden: 6, embedding: 3, inContext: inContext);
            Assert.Equal(Shape.Create(2, 4, 4), reader.Call(new Run(), source, target)[0].Shape);
        }
        var transformer = new TokenTransformer(Weights.Random(3), 5, 9, longest: 7, size: 8, heads: 2);
        Assert.Equal(Shape.Create(2, 7, 9), transformer.Predict(source).Shape);
        Assert.Contains("encoder.layers.1.self_attn.in_proj_weight", transformer.State().Keys);
    }
}
