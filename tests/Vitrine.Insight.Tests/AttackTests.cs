using static Vitrine.Insight.Tests.Quadrants;

namespace Vitrine.Insight.Tests;

/// <summary>Attacks against formulas and on a network that has learned something.</summary>
public sealed class AttackTests
{
    private static readonly Lazy<Sequential> Net = new(() => Trained());
    private static readonly Dataset Test = Data(60, 5);

    [Theory]
    [InlineData(AttackNorm.Two)]
    [InlineData(AttackNorm.Infinity)]
    public void DeepFoolOnALinearClassifierGoesTheDistanceToTheNearestFace(AttackNorm norm)
    {
        (Linear model, Tensor x, int[] labels) = LinearClassifier();
        Tensor changed = new DeepFool(norm).Perturb(model, x, labels);
        IReadOnlyList<AttackedExample> found = AttackMeasure.Compare(model, x, changed, labels);
        for (int i = 0; i < labels.Length; i++)
        {
            Assert.True(found[i].Succeeded);
            double size = norm == AttackNorm.Two ? found[i].Length : found[i].Largest;
            Assert.Equal(1.02 * Distance(model, x, i, labels[i], norm), size, 1e-4);
        }
    }

    [Fact]
    public void DeepFoolReachesTheFaceWhereMostElementsAreAtTheEndOfTheirRange()
    {
        const int size = 300, free = 6;
        var model = new Linear(Weights.Random(7), size, 2);
        float[] w = [.. (model.Weight.Value.Slice(0, 1, 2) - model.Weight.Value.Slice(0, 0, 1)).ToArray()];
        // Class 0, and what would make it class 1 is at its end already, but for a few elements with more or less room.
        float[] x = [.. w.Select((v, p) => p < free ? 0.2f + 0.1f * p : v > 0 ? 1f : 0f)];
        float gap = 0.3f * Enumerable.Range(0, free).Sum(p => Math.Abs(w[p]) * Room(p));
        model.Bias!.Assign(Tensor.From([x.Zip(w, (a, b) => a * b).Sum() + gap, 0f], [2]));
        Tensor input = Tensor.From(x, [1, size]);
        AttackedExample found = AttackMeasure.Compare(model, input, new DeepFool(AttackNorm.Infinity, range: Unit).Perturb(model, input, [0]), [0])[0];
        // The smallest epsilon with sum |w| min(epsilon, room) = gap, by bisection.
        double low = 0, high = 1;
        for (int i = 0; i < 60; i++)
        {
            double middle = (low + high) / 2;
            if (Enumerable.Range(0, size).Sum(p => Math.Abs(w[p]) * Math.Min(middle, Room(p))) < gap) low = middle;
            else high = middle;
        }
        Assert.True(found.Succeeded);
        Assert.InRange(found.Largest, high, high * 1.021);

        float Room(int p) => w[p] > 0 ? 1 - x[p] : x[p];
    }

    [Fact]
    public void CarliniAndWagnerOnALinearClassifierComeNearTheDistanceToTheNearestFace()
    {
        (Linear model, Tensor x, int[] labels) = LinearClassifier();
        Tensor changed = new CarliniWagner(new ValidRange(-4, 4), learningRate: 0.001, steps: 500, searches: 9, first: 0.1).Perturb(model, x, labels);
        IReadOnlyList<AttackedExample> found = AttackMeasure.Compare(model, x, changed, labels);
        for (int i = 0; i < labels.Length; i++)
        {
            double least = Distance(model, x, i, labels[i], AttackNorm.Two);
            Assert.True(found[i].Succeeded);
            Assert.InRange(found[i].Length, least * 0.9999, least * 1.05);
        }
    }

    [Fact]
    public void FgsmOnALinearClassifierAddsEpsilonTimesTheNormOfTheWeights()
    {
        const float epsilon = 0.1f;
        var model = new Linear(Weights.Random(4), 12, 2);
        Tensor x = new RandomSource(5).Normal([6, 12]);
        int[] labels = [0, 1, 0, 1, 1, 0];
        Tensor logits = model.Predict(x), attacked = model.Predict(new Fgsm(epsilon).Perturb(model, x, labels));
        double norm = (model.Weight.Value.Slice(0, 0, 1) - model.Weight.Value.Slice(0, 1, 2)).Abs().Sum().Item();
        for (int i = 0; i < labels.Length; i++)
        {
            // softplus(epsilon ||w||_1 - margin), as in the paper.
            double margin = logits[i, labels[i]] - logits[i, 1 - labels[i]];
            Assert.Equal(Math.Log(1 + Math.Exp((epsilon * norm) - margin)), -attacked.LogSoftmax(1)[i, labels[i]], 1e-4);
        }
    }

    [Fact]
    public void ANetworkThatIsSureOfItselfHasADirectionAllTheSame()
    {
        var model = new Linear(Weights.Random(4), 12, 2);
        Tensor x = new RandomSource(5).Normal([6, 12]);
        int[] labels = [.. Enumerable.Range(0, 6).Select(i => model.Predict(x)[i, 0] > model.Predict(x)[i, 1] ? 0 : 1)];
        var sure = new Function(input => model.Call(new Run(recording: true), input) * 60f); // probabilities of one, to the last bit
        foreach (AttackNorm norm in Enum.GetValues<AttackNorm>())
        {
            Tensor expected = new Fgsm(0.1f, norm).Perturb(model, x, labels), found = new Fgsm(0.1f, norm).Perturb(sure, x, labels);
            Assert.InRange((found - expected).Abs().Max([]).Item(), 0, 1e-5f);
        }
    }

    [Theory]
    [InlineData(AttackNorm.Two)]
    [InlineData(AttackNorm.Infinity)]
    public void TheProjectionIsTheNearestPointOfTheBall(AttackNorm norm)
    {
        const float radius = 0.7f;
        var random = new RandomSource(6);
        Tensor outside = random.Normal([1, 5]) * 2, inside = random.Normal([1, 5]) * 0.05f;
        Assert.InRange((AttackStep.Project(inside, norm, radius) - inside).Abs().Max([]).Item(), 0, 1e-6f);
        Tensor nearest = AttackStep.Project(outside, norm, radius);
        Assert.InRange(Size(nearest), 0, radius + 1e-6f);
        float distance = AttackStep.Length(nearest - outside).Item();
        for (int i = 0; i < 300; i++)
        {
            Tensor other = random.Normal([1, 5]) * 0.5f;
            if (Size(other) <= radius) Assert.True(AttackStep.Length(other - outside).Item() >= distance - 1e-5f);
        }
        Assert.Equal(0, AttackStep.Project(outside, norm, 0).Abs().Max([]).Item());

        float Size(Tensor x) => norm == AttackNorm.Two ? AttackStep.Length(x).Item() : x.Abs().Max([]).Item();
    }

    [Fact]
    public void IterationsStayInTheBallAndFoolBetterThanOneStepAndNoise()
    {
        const float epsilon = 0.12f;
        double clean = AttackMeasure.Accuracy(Net.Value, Test, new Noise(0));
        double noise = AttackMeasure.Accuracy(Net.Value, Test, new Noise(epsilon, range: Unit));
        double one = AttackMeasure.Accuracy(Net.Value, Test, new Fgsm(epsilon, range: Unit));
        IReadOnlyList<AttackedExample> many = AttackMeasure.Attack(Net.Value, Test, new Pgd(epsilon, epsilon / 4, 10, range: Unit));
        Assert.All(many, e => Assert.InRange(e.Largest, 0, epsilon + 1e-6f));
        Assert.True(clean > 0.95 && noise > 0.8 && one < 0.5, $"{clean} {noise} {one}");
        Assert.InRange(many.Average(e => e.Succeeded ? 0.0 : 1), 0, one);
        IReadOnlyList<AttackedExample> round = AttackMeasure.Attack(Net.Value, Test, new Pgd(0.5f, 0.2f, 10, AttackNorm.Two, range: Unit, start: 1));
        Assert.All(round, e => Assert.InRange(e.Length, 0, 0.5f + 1e-5f));
    }

    [Fact]
    public void TheIterativeMethodIsDescentWithoutARandomStart()
    {
        Tensor iterative = new IterativeFgsm(8f / 255).Perturb(Net.Value, Test.Inputs, Labels(Test));
        Tensor descent = new Pgd(8f / 255, 1f / 255, 10).Perturb(Net.Value, Test.Inputs, Labels(Test)); // min(8 + 4, 1.25 * 8) steps
        Assert.Equal(descent.ToArray(), iterative.ToArray());
    }

    [Fact]
    public void TargetsAreReached()
    {
        int[] targets = [.. Labels(Test).Select(l => (l + 1) % 4)];
        IAttack[] attacks =
        [
            new IterativeFgsm(0.3f, 0.03f, 20, targeted: true, range: Unit),
            new Pgd(0.3f, 0.03f, 20, targeted: true, range: Unit, start: 1),
            new Pgd(3f, 0.3f, 20, AttackNorm.Two, targeted: true, range: Unit),
            new CarliniWagner(Unit, targeted: true, steps: 100, searches: 3, first: 10),
        ];
        foreach (IAttack attack in attacks)
        {
            IReadOnlyList<AttackedExample> found = AttackMeasure.Attack(Net.Value, Test, attack, l => (l + 1) % 4);
            Assert.Equal(targets, found.Select(e => e.Label));
            Assert.True(found.Count(e => e.Succeeded) >= 58, $"{attack.Name}: {found.Count(e => e.Succeeded)} of 60");
        }
    }

    [Fact]
    public void MinimalAttacksNeedLessThanTheRadiusOfDescent()
    {
        Dataset few = Test.Take(8);
        double fool = MinimalPerturbation.Of(AttackMeasure.Attack(Net.Value, few, new DeepFool(range: Unit))).Median;
        double wagner = MinimalPerturbation.Of(AttackMeasure.Attack(Net.Value, few, new CarliniWagner(Unit, steps: 100, searches: 6, first: 1))).Median;
        double fast = MinimalPerturbation.Bisect(Net.Value, few, epsilon => new Fgsm(epsilon, AttackNorm.Two, range: Unit), 4).Median;
        Assert.True(wagner <= fool * 1.02 && fool <= fast, $"{wagner} {fool} {fast}");
    }

    [Fact]
    public void OnePixelChangesOnePixelAndFindsTheOneThatDecides()
    {
        // Class 1 where the pixel at row 2, column 3 is bright in its first channel.
        var model = new Function(x =>
        {
            Tensor pixel = x.Slice(1, 0, 1).Slice(2, 2, 3).Slice(3, 3, 4).Flatten();
            return TensorOps.Concat(1, pixel * 0 + 0.8f, pixel);
        });
        Tensor x = new RandomSource(2).Uniform([2, 3, 6, 6], 0, 0.5f);
        Tensor changed = new OnePixel(population: 60, generations: 30, seed: 1).Perturb(model, x, [0, 0]);
        IReadOnlyList<AttackedExample> found = AttackMeasure.Compare(model, x, changed, [0, 0]);
        Assert.All(found, e => Assert.True(e.Succeeded && e.Changed is > 0 and <= 3));
        Tensor three = new OnePixel(3, population: 10, generations: 3, seed: 1).Perturb(Net.Value, Test.Inputs.Slice(0, 0, 5), Labels(Test)[..5]);
        Tensor pixels = (three - Test.Inputs.Slice(0, 0, 5)).Abs().Sum([1]).Flatten();
        for (int i = 0; i < 5; i++) Assert.InRange(pixels.Slice(0, i, i + 1).ToArray().Count(v => v != 0), 1, 3);
    }

    [Theory]
    [InlineData(AttackNorm.Two, 1.2f)]
    [InlineData(AttackNorm.Infinity, 0.2f)]
    public void AUniversalChangeFoolsMostInputsItHasNotSeenWhereNoiseDoesNot(AttackNorm norm, float radius)
    {
        UniversalChange found = new UniversalPerturbation(radius, norm, 0.6, range: Unit, seed: 1).Find(Net.Value, Data(40, 12).Inputs);
        Assert.InRange(norm == AttackNorm.Two ? AttackStep.Length(found.Change).Item() : found.Change.Abs().Max([]).Item(), 0, radius + 1e-5f);
        Assert.True(found.FoolingRate >= 0.6, $"{found}");
        double attacked = AttackMeasure.Accuracy(Net.Value, Test, new FixedPerturbation(found.Change, Unit));
        double noise = AttackMeasure.Accuracy(Net.Value, Test, new Noise(radius, norm: norm, range: Unit));
        Assert.True(attacked < 0.5 && noise > attacked + 0.2, $"{attacked} {noise}");
    }

    [Fact]
    public void NoiseHasTheSizeItSays()
    {
        const float epsilon = 0.25f;
        Tensor x = Tensor.Zeros([2, 1, 60, 60]);
        float[] sign = Of(NoiseKind.Sign), uniform = Of(NoiseKind.Uniform), normal = Of(NoiseKind.Gaussian);
        Assert.All(sign, v => Assert.Equal(epsilon, Math.Abs(v)));
        Assert.InRange(sign.Average(), -0.02, 0.02);
        Assert.All(uniform, v => Assert.InRange(Math.Abs(v), 0, epsilon));
        Assert.Equal(epsilon / Math.Sqrt(3), Deviation(uniform), 0.005);
        Assert.Equal(epsilon, Deviation(normal), 0.01);
        foreach (NoiseKind kind in Enum.GetValues<NoiseKind>())
        {
            Tensor two = new Noise(epsilon, kind, AttackNorm.Two).Perturb(Net.Value, x, [0, 0]);
            Assert.All(AttackStep.Length(two).ToArray(), length => Assert.Equal(epsilon, length, 1e-5));
        }

        float[] Of(NoiseKind kind) => new Noise(epsilon, kind, seed: 7).Perturb(Net.Value, x, [0, 0]).ToArray();

        static double Deviation(float[] values) => Math.Sqrt(values.Average(v => (double)v * v));
    }

    [Fact]
    public void AValidRangeMayDifferByChannel()
    {
        var range = new ValidRange(Tensor.From([-1f, 0f], [1, 2, 1, 1]), Tensor.From([0f, 3f], [1, 2, 1, 1]));
        Tensor clipped = range.Clip(Tensor.Full([1, 2, 2, 2], 9));
        Assert.Equal([0, 0, 0, 0, 3, 3, 3, 3], clipped.ToArray());
        Assert.Equal([-1, -1, -1, -1, 0, 0, 0, 0], range.Clip(Tensor.Full([1, 2, 2, 2], -9)).ToArray());
        Assert.Throws<ArgumentException>(() => new ValidRange(1, 1));
        Assert.Throws<ArgumentException>(() => new ValidRange(float.NaN, 1));
    }

    [Fact]
    public void BadArgumentsAreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Fgsm(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Pgd(0.1f, 0.1f, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new IterativeFgsm(-0.1f));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DeepFool(steps: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new CarliniWagner(confidence: -1));
        Assert.Throws<ArgumentException>(() => new CarliniWagner(ValidRange.All));
        Assert.Throws<ArgumentOutOfRangeException>(() => new OnePixel(population: 3));
        Assert.Throws<ArgumentException>(() => new OnePixel(range: ValidRange.All));
        Assert.Throws<ArgumentException>(() => new OnePixel().Perturb(new Linear(Weights.Random(1), 4, 2), Tensor.Zeros([1, 4]), [0]));
        Assert.Throws<ArgumentOutOfRangeException>(() => new UniversalPerturbation(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new UniversalPerturbation(1, rate: 1.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Noise(-1));
        Assert.Throws<ArgumentException>(() => new FixedPerturbation(Tensor.Zeros([1, 3])).Perturb(Net.Value, Test.Inputs, Labels(Test)));
        Assert.Throws<OperationCanceledException>(() => new UniversalPerturbation(1).Find(Net.Value, Test.Inputs, null, new CancellationToken(true)));
    }

    private static (Linear Model, Tensor X, int[] Labels) LinearClassifier()
    {
        var model = new Linear(Weights.Random(2), 20, 5);
        Tensor x = new RandomSource(3).Normal([8, 20]);
        return (model, x, [.. model.Predict(x).ArgMax(1).Longs.ToArray().Select(l => (int)l)]);
    }

    private static double Distance(Linear model, Tensor x, int example, int label, AttackNorm norm)
    {
        Tensor logits = model.Predict(x);
        double least = double.PositiveInfinity;
        for (int k = 0; k < logits.Shape[1]; k++)
        {
            if (k == label) continue;
            Tensor normal = model.Weight.Value.Slice(0, k, k + 1) - model.Weight.Value.Slice(0, label, label + 1);
            double dual = norm == AttackNorm.Two ? normal.Square().Sum().Sqrt().Item() : normal.Abs().Sum().Item();
            least = Math.Min(least, (logits[example, label] - logits[example, k]) / dual);
        }
        return least;
    }
}
