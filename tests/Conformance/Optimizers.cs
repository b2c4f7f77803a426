namespace Vitrine.Conformance;

/// <summary>Optimizer cases: ten steps on a fixed loss, the parameters compared after each.</summary>
internal static class Optimizers
{
    public static void Check(OpCase test, List<string> findings)
    {
        Tensor start = test["in.start"], diagonal = test["in.diagonal"], trajectory = test["out.trajectory"];
        Optimizer? optimizer = Create(test.Attributes, test.Source);
        if (optimizer is null)
        {
            findings.Add($"the optimizer {test.Attributes.Text("name")} is unknown");
            return;
        }
        Parameter parameter = Weights.From(new Dictionary<string, Tensor>(StringComparer.Ordinal) { ["p"] = start }).Parameter("p", start.Shape, Init.Zeros);
        int steps = trajectory.Shape[0];
        var gradients = new Tensor[steps];
        var values = new Tensor[steps];
        for (int i = 0; i < steps; i++)
        {
            // The loss the files name: 0.5*sum(diagonal*p^2)+0.1*sum(p^4).
            Tensor p = parameter, loss = (diagonal * p.Square()).Sum() * 0.5f + p.Pow(4).Sum() * 0.1f;
            Gradients found = Autograd.Backward(loss, null, [p]);
            gradients[i] = Tensor.From(found[0].Floats, p.Shape);
            optimizer.Step([parameter], found);
            values[i] = Tensor.From(p.Floats, p.Shape);
        }
        OpRunner.Compare(test, "trajectory", TensorOps.Stack(0, values), trajectory, findings);
        if (test.Find("grads") is { } grads) OpRunner.Compare(test, "grads", TensorOps.Stack(0, gradients), grads, findings);
    }

    private static Optimizer? Create(Attributes a, string source)
    {
        string name = a.Text("name");
        double rate = a.Double("lr", name.StartsWith("adadelta", StringComparison.Ordinal) ? 1 : 1e-3);
        double decay = a.Double("weight_decay", name.StartsWith("adamw", StringComparison.Ordinal) ? 0.01 : 0);
        double[] betas = a.Doubles("betas") ?? [0.9, 0.999];
        return name.Split('_')[0] switch
        {
            "sgd" => new Sgd((float)rate, a.Float("momentum", 0), (float)decay, a.Bool("nesterov", false)),
            "adam" => new Adam(rate, betas[0], betas[1], a.Double("eps", 1e-8), decay, a.Bool("amsgrad", false)),
            "adamw" => new AdamW(rate, betas[0], betas[1], a.Double("eps", 1e-8), decay, a.Bool("amsgrad", false)),
            "adamax" => new AdaMax(rate, betas[0], betas[1], a.Double("eps", 1e-8), decay),
            "nadam" => new NAdam(rate, betas[0], betas[1], a.Double("eps", 1e-8), decay, a.Double("momentum_decay", 4e-3), source.StartsWith("PyTorch 1.", StringComparison.Ordinal)),
            "radam" => new RAdam(rate, betas[0], betas[1], a.Double("eps", 1e-8), decay),
            "rmsprop" => new RmsProp(rate, a.Double("alpha", 0.99), a.Double("eps", 1e-8), decay, a.Double("momentum", 0), a.Bool("centered", false)),
            "adagrad" => new AdaGrad(rate, a.Double("lr_decay", 0), decay, a.Double("initial_accumulator_value", 0), a.Double("eps", 1e-10)),
            "adadelta" => new AdaDelta(rate, a.Double("rho", 0.9), a.Double("eps", 1e-6), decay),
            _ => null,
        };
    }
}
