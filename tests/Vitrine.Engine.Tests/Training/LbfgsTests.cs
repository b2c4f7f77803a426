using static Vitrine.Engine.Tests.Training.SmallTraining;

namespace Vitrine.Engine.Tests.Training;

public sealed class LbfgsTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(10)]
    public void FindsTheMinimumOfRosenbrock(int dimensions)
    {
        Parameter p = OptimizerTests.Make(Enumerable.Range(0, dimensions).Select(i => i % 2 == 0 ? -1.2f : 1f));
        int evaluations = 0;
        var optimizer = new Lbfgs();
        float first = 0, last = 0;
        for (int step = 0; step < 6; step++)
        {
            last = optimizer.Step([p], Evaluate);
            if (step == 0) first = last;
        }
        Assert.True(first > 20);
        Assert.True(last < 1e-8, $"The loss is {last} after {evaluations} evaluations.");
        Assert.All(p.Value.ToArray(), v => Assert.Equal(1, v, 1e-3f));
        Assert.True(evaluations < 60 + 20 * dimensions, $"It took {evaluations} evaluations.");

        // sum of 100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2 (Rosenbrock 1960)
        (float Loss, Gradients Gradients) Evaluate()
        {
            evaluations++;
            Tensor x = p.Value.Slice(0, 0, dimensions - 1), next = p.Value.Slice(0, 1, dimensions);
            Tensor loss = ((next - x.Square()).Square() * 100 + (1 - x).Square()).Sum();
            return (loss.Item(), Autograd.Backward(loss, null, [p.Value]));
        }
    }

    [Fact]
    public void SolvesAQuadraticInAboutAsManyMovesAsItHasCurvatures()
    {
        // With exact arithmetic and exact line searches BFGS ends after n moves (Nocedal and Wright 2006, theorem 6.4).
        float[] curvatures = [1, 4, 9, 16, 25];
        Parameter p = OptimizerTests.Make([1f, -1, 1, -1, 1]);
        Tensor diagonal = Tensor.From(curvatures);
        var optimizer = new Lbfgs(maxIterations: 15, maxEvaluations: 100);
        optimizer.Step([p], Evaluate);
        Assert.All(p.Value.ToArray(), v => Assert.Equal(0, v, 1e-3f));

        (float Loss, Gradients Gradients) Evaluate()
        {
            Tensor loss = (p.Value.Square() * diagonal).Sum();
            return (loss.Item(), Autograd.Backward(loss, null, [p.Value]));
        }
    }

    [Fact]
    public void StepsEndAtPlacesThatFulfilTheStrongWolfeConditions()
    {
        foreach (double length in new[] { 1e-3, 0.1, 1, 5, 40 })
        {
            // phi(t) = -t / (t^2 + 2) of More and Thuente 1994, whose slope is shallow far out.
            Lbfgs.Point start = At(0), found = LineSearch.Run(At, start, length, 1e-12);
            Assert.True(found.Loss <= start.Loss + 1e-4 * found.T * start.Descent, $"length {length}: t = {found.T}, loss {found.Loss}");
            Assert.True(Math.Abs(found.Descent) <= 0.9 * Math.Abs(start.Descent), $"length {length}: slope {found.Descent}");
        }

        static Lbfgs.Point At(double t) => new(t, -t / (t * t + 2), [], (t * t - 2) / ((t * t + 2) * (t * t + 2)));
    }

    [Fact]
    public void FitsASmallNetworkBetterThanAdamInAsManyEvaluations()
    {
        Sequential byNewton = Plain(), byAdam = Plain();
        Dataset data = Data(200);
        int evaluations = 0;
        TrainingLog log = new Trainer(byNewton, new Lbfgs()) { BatchSize = 200, Loss = Counting }.Fit(data, 4);
        new Trainer(byAdam, new Adam(1e-2)) { BatchSize = 200 }.Fit(data, evaluations);
        double newton = Evaluation.Of(byNewton, data).Loss, adam = Evaluation.Of(byAdam, data).Loss;
        Assert.True(newton < adam, $"L-BFGS {newton}, Adam {adam}, {evaluations} evaluations");
        Assert.True(log.Losses.Zip(log.Losses.Skip(1)).All(pair => pair.Second.Loss <= pair.First.Loss));

        Tensor Counting(Tensor outputs, Tensor labels)
        {
            evaluations++;
            return Loss.CrossEntropy(outputs, labels);
        }

        static Sequential Plain()
        {
            Weights weights = Weights.Random(4);
            return new Sequential(
                weights, new Flatten(weights.In("flat")), new Linear(weights.In("a"), 64, 8), Layer.Tanh(weights.In("b")), new Linear(weights.In("c"), 8, 2));
        }
    }

    [Fact]
    public void GradientsAloneAreNotEnough()
    {
        Parameter p = OptimizerTests.Make([1f]);
        var error = Assert.Throws<InvalidOperationException>(() => new Lbfgs().Step([p], Autograd.Backward(p.Value.Square(), null, [p.Value])));
        Assert.Contains("function of loss", error.Message, StringComparison.Ordinal);
    }
}
