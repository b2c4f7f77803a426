namespace Vitrine.Onnx;

/// <content>Losses, and the steps of optimizers.</content>
internal static partial class Operators
{
    private const string Training = "ai.onnx.preview.training";

    [Onnx(12)]
    private static Tensor NegativeLogLikelihoodLoss(Tensor input, Tensor target, Tensor? weight = null, long ignoreIndex = long.MinValue,
        string reduction = "mean")
    {
        // What is ignored weighs nothing, whatever class it names.
        Tensor counts = target.NotEqualTo(Tensor.From([ignoreIndex], Vitrine.Shape.Scalar)).Cast(DType.Float32);
        Tensor classes = Integers.Positions(Integers.Map(target, t => t == ignoreIndex ? 0 : t), input.Shape[1]);
        Tensor weights = weight is null ? counts : counts * weight.IndexSelect(0, classes);
        Tensor loss = -(input.Gather(1, classes.Unsqueeze(1)).Squeeze(1) * weights); // [N, ...]
        return reduction switch
        {
            "none" => loss,
            "sum" => loss.Sum(),
            "mean" => loss.Sum() / weights.Sum(),
            _ => throw new ArgumentException($"reduction is none, sum or mean, not {reduction}"),
        };
    }

    [Onnx(12)]
    private static Tensor[] SoftmaxCrossEntropyLoss(Tensor scores, Tensor labels, Tensor? weights = null, long ignoreIndex = long.MinValue,
        string reduction = "mean")
    {
        Tensor log = scores.LogSoftmax(1);
        return [NegativeLogLikelihoodLoss(log, labels, weights, ignoreIndex, reduction), log];
    }

    [Onnx(1, Domain = Training)]
    private static Tensor[] Adagrad(Tensor r, Tensor t, float decayFactor = 0, float epsilon = 1e-6f, float normCoefficient = 0, params Tensor[] inputs)
    {
        float rate = r.Item() / (1 + Integers.Single(t) * decayFactor);
        return Steps(inputs, 3, p =>
        {
            Tensor g = p[1] + p[0] * normCoefficient, h = p[2] + g.Square();
            return [p[0] - g * rate / (h.Sqrt() + epsilon), h];
        });
    }

    [Onnx(1, Domain = Training)]
    private static Tensor[] Adam(
        Tensor r, Tensor t, float alpha = 0.9f, float beta = 0.999f, float epsilon = 1e-6f, float normCoefficient = 0, float normCoefficientPost = 0,
        params Tensor[] inputs)
    {
        long step = Integers.Single(t);
        float rate = step == 0 ? r.Item() : r.Item() * (float)(Math.Sqrt(1 - Math.Pow(beta, step)) / (1 - Math.Pow(alpha, step)));
        return Steps(inputs, 4, p =>
        {
            Tensor g = p[1] + p[0] * normCoefficient, v = p[2] * alpha + g * (1 - alpha), h = p[3] * beta + g.Square() * (1 - beta);
            Tensor x = p[0] - v * rate / (h.Sqrt() + epsilon);
            return [x * (1 - normCoefficientPost), v, h];
        });
    }

    [Onnx(1, Domain = Training)]
    private static Tensor[] Momentum(Tensor r, Tensor t, float alpha, float beta, string mode, float normCoefficient, params Tensor[] inputs)
    {
        float rate = r.Item(), fresh = Integers.Single(t) > 0 ? beta : 1;
        return Steps(inputs, 3, p =>
        {
            Tensor g = p[1] + p[0] * normCoefficient, v = p[2] * alpha + g * fresh;
            return [p[0] - (mode == "nesterov" ? g + v * alpha : v) * rate, v];
        });
    }

    /// <summary>Inputs are the parameters, then the gradients, then each state, of as many tensors each; so are the results, without the gradients.</summary>
    private static Tensor[] Steps(Tensor[] inputs, int kinds, Func<Tensor[], Tensor[]> step)
    {
        int count = inputs.Length / kinds;
        Tensor[][] results = [.. Enumerable.Range(0, count).Select(i => step([.. Enumerable.Range(0, kinds).Select(k => inputs[k * count + i])]))];
        return [.. Enumerable.Range(0, kinds - 1).SelectMany(k => results.Select(r => r[k]))];
    }
}
