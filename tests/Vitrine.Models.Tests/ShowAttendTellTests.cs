namespace Vitrine.Models.Tests;

public sealed class ShowAttendTellTests
{
    private const int N = 2, Side = 16, Places = 4, Words = 5, Steps = 3, C = 6, H = 7, E = 4;

    private static ShowAttendTell Network(ulong seed = 5) => new(Weights.Random(seed), Words, Side, Steps, features: C, hidden: H, embedding: E);

    private static Tensor Pictures => new RandomSource(9).Uniform([N, 3, Side, Side], 0, 1);

    private static Tensor Captions => Tensor.From([0L, 3, 1, 0, 2, 4], [N, Steps]);

    [Fact]
    public void Weights_before_each_word_are_tapped_by_name_and_sum_to_one()
    {
        ShowAttendTell network = Network();
        Run run = new Run().Tap(network.Looks(Steps));
        Tensor logits = network.Call(run, Pictures, Captions)[0];
        Assert.Equal(Shape.Create(N, Steps, Words), logits.Shape);
        Assert.Equal(["attention.attention", "attention.attention#2", "attention.attention#3"], run.Taps.Keys);
        foreach (Tensor weights in run.Taps.Values)
        {
            Assert.Equal(Shape.Create(N, 1, Places), weights.Shape);
            Assert.All(weights.ToArray(), w => Assert.True(w > 0));
            for (int n = 0; n < N; n++) Assert.Equal(1, weights.Floats.Slice(n * Places, Places).ToArray().Sum(), 1e-5f);
        }
    }

    // The paper's equations, one number at a time and in double precision, from the annotations on.
    [Fact]
    public void Words_follow_the_papers_equations()
    {
        ShowAttendTell network = Network();
        Run run = new Run().Tap("encoder");
        float[] logits = network.Call(run, Pictures, Captions)[0].ToArray();
        Tensor features = run.Taps["encoder"]; // [N, C, 2, 2]
        IReadOnlyDictionary<string, Tensor> state = network.State();
        for (int n = 0; n < N; n++)
        {
            double[][] a =
            [
                .. Enumerable.Range(0, Places).Select(i =>
                    Row(C, c => features.Floats[((n * C) + c) * Places + i] + P("rows.weight", i / 2, c) + P("columns.weight", i % 2, c))),
            ];
            double[] mean = Row(C, c => a.Average(place => place[c]));
            double[] h = [.. Affine("hidden0", mean).Select(Math.Tanh)], memory = [.. Affine("cell0", mean).Select(Math.Tanh)];
            for (int t = 0; t < Steps; t++)
            {
                double[] query = Affine("attention.query", h);
                double[][] pairs = [.. a.Select(place => Affine("attention.key", place).Zip(query, (k, q) => Math.Tanh(k + q)).ToArray())];
                double[] scores = [.. pairs.Select(pair => Affine("attention.score", pair)[0])];
                double total = scores.Sum(Math.Exp), gate = Sigmoid(Affine("gate", h)[0]);
                double[] context = Row(C, c => gate * scores.Select((s, i) => Math.Exp(s) / total * a[i][c]).Sum());
                double[] word = Row(E, e => P("words.weight", (int)Captions.Longs[(n * Steps) + t], e));
                double[] gates = [.. Gates("ih", [.. word, .. context]).Zip(Gates("hh", h), (x, y) => x + y)];
                for (int u = 0; u < H; u++)
                    memory[u] = (Sigmoid(gates[H + u]) * memory[u]) + (Sigmoid(gates[u]) * Math.Tanh(gates[(2 * H) + u]));
                h = Row(H, u => Sigmoid(gates[(3 * H) + u]) * Math.Tanh(memory[u]));
                double[] said = [.. word.Zip(Affine("from_hidden", h), (x, y) => x + y).Zip(Affine("from_context", context), (x, y) => x + y)];
                double[] expected = Affine("output", said);
                for (int w = 0; w < Words; w++) Assert.Equal(expected[w], logits[((n * Steps) + t) * Words + w], 1e-5);
            }
        }

        double P(string name, int row, int column) => state[name].Floats[(row * state[name].Shape[1]) + column];
        double[] Product(Tensor w, Tensor? b, double[] x) =>
            [.. Enumerable.Range(0, w.Shape[0]).Select(o => (b is null ? 0 : b.Floats[o]) + x.Select((v, i) => v * w.Floats[(o * x.Length) + i]).Sum())];
        double[] Affine(string name, double[] x) => Product(state[name + ".weight"], state.GetValueOrDefault(name + ".bias"), x);
        double[] Gates(string part, double[] x) => Product(state[$"decoder.weight_{part}_l0"], state[$"decoder.bias_{part}_l0"], x);

        static double[] Row(int count, Func<int, double> value) => [.. Enumerable.Range(0, count).Select(value)];
        static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
    }

    [Fact]
    public void Gradients_are_central_differences()
    {
        ShowAttendTell network = Network();
        // Normalised and moved up by six, what the encoder's rectifiers read is positive: differences cross no kink, and one bound holds for every parameter.
        Parameter[] shifts =
        [
            .. network.Parameters.Where(p => p.Name.StartsWith("encoder.bn", StringComparison.Ordinal) && p.Name.EndsWith(".bias", StringComparison.Ordinal)),
        ];
        Assert.NotEmpty(shifts);
        foreach (Parameter shift in shifts) shift.Assign(Tensor.Full(shift.Value.Shape, 6f));
        Tensor target = Tensor.From([3L, 1, 1, 2, 4, 1], [N * Steps]);
        Tensor[] parameters = [.. network.Parameters.Select(p => p.Value)];
        Gradients gradients = Autograd.Backward(Loss(new Run(training: true, recording: true)), null, parameters);
        var random = new RandomSource(3);
        foreach (Parameter parameter in network.Parameters)
        {
            // Along a random direction: all elements of a parameter at once.
            float[] direction = random.Normal(parameter.Value.Shape).ToArray(), value = parameter.Value.ToArray();
            // Of length 1 whatever the parameter's size.
            float length = MathF.Sqrt(direction.Sum(d => d * d)), step = 4e-3f;
            for (int i = 0; i < direction.Length; i++) direction[i] /= length;
            double expected = (At(step) - At(-step)) / (2 * step);
            double along = gradients[parameter.Value].ToArray().Zip(direction, (g, d) => (double)g * d).Sum();
            Assert.True(Math.Abs(along - expected) < 5e-4 + (2e-3 * Math.Abs(expected)), $"{parameter.Name}: {along}, differences {expected}");

            double At(float far)
            {
                parameter.Assign(Tensor.From([.. value.Zip(direction, (v, d) => v + (far * d))], parameter.Value.Shape));
                double loss = Loss(new Run(training: true)).Item();
                parameter.Assign(Tensor.From(value, parameter.Value.Shape));
                return loss;
            }
        }

        Tensor Loss(Run run)
        {
            string[] looks = network.Looks(Steps);
            run.Tap(looks);
            Tensor logits = network.Call(run, Pictures, Captions)[0];
            return Vitrine.Loss.CrossEntropy(logits.Reshape(N * Steps, Words), target) + ShowAttendTell.DoublyStochastic([.. looks.Select(l => run.Taps[l])]);
        }
    }

    [Fact]
    public void What_it_writes_by_itself_is_what_it_says_when_shown_its_own_words()
    {
        ShowAttendTell network = Network();
        Tensor alone = network.Predict(Pictures), said = alone.ArgMax(2); // [N, T]
        long[] shown = [.. Enumerable.Range(0, N * Steps).Select(i => i % Steps == 0 ? 0 : said.Longs[i - 1])];
        Assert.Equal(network.Call(new Run(), Pictures, Tensor.From(shown, [N, Steps]))[0].ToArray(), alone.ToArray(), (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.Equal(alone.ToArray(), network.Call(new Run(), [Pictures])[0].ToArray());
    }

    [Fact]
    public void The_penalty_is_zero_where_every_place_is_looked_at_once()
    {
        Tensor first = Tensor.From([1f, 0, 0.5f, 0.5f], [2, 1, 2]), second = Tensor.From([0f, 1, 0.5f, 0.5f], [2, 1, 2]);
        Assert.Equal(0, ShowAttendTell.DoublyStochastic(first, second).Item(), 1e-6f);
        // Sums over words are (2, 0) and (1, 1).
        Assert.Equal((1 + 1 + 0 + 0) / 2f, ShowAttendTell.DoublyStochastic(first, Tensor.From([1f, 0, 0.5f, 0.5f], [2, 1, 2])).Item(), 1e-6f);
    }

    [Fact]
    public void A_saved_network_says_the_same()
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("vitrine-").FullName, "captioner.safetensors");
        try
        {
            ShowAttendTell network = Network(), other = Network(6);
            network.Save(path);
            Assert.NotEqual(network.Predict(Pictures).ToArray(), other.Predict(Pictures).ToArray());
            other.Load(SafeTensors.Load(path));
            Assert.Equal(network.Predict(Pictures).ToArray(), other.Predict(Pictures).ToArray());
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        }
    }

    [Fact]
    public void What_does_not_fit_is_said()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new ShowAttendTell(Weights.Random(1), Words, side: 20));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ShowAttendTell(Weights.Random(1), Words, Side, longest: 0));
        Assert.Contains("16 x 16", Assert.Throws<ArgumentException>(() => Network().Predict(Tensor.Zeros([1, 3, 32, 32]))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Network().Call(new Run(), Pictures, Captions, Captions));
    }
}
