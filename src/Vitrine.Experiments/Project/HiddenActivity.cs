using Vitrine.Models;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>
/// The question of Rauber, Fadel, Falcao and Telea, "Visualizing the hidden activity of artificial neural networks" (2017): does training gather the classes in
/// the hidden layers, the more the deeper? A perceptron of four hidden layers of 1,000 units with dropout, and LeNet-5, before and after training, on test
/// images drawn at random.
/// </summary>
internal static class HiddenActivity
{
    public const string Name = "hidden-activity";

    private const int Units = 1000;
    private const float Left = 0.3f;

    public static (string Title, IReadOnlyList<ProjectSubject> Subjects) Prepare(
        ProjectOptions options, Action<string>? stage, Action<TrainingProgress>? progress, CancellationToken cancel)
    {
        stage?.Invoke("reading the data");
        var source = DataSource.Load(options.Data ?? "mnist", options.DataRoot, options.Seed);
        Dataset train = source.Split.Train, test = source.Split.Test;
        int classes = train.Classes.Count, pixels = train.InputShape.Count;
        int[] shown = new RandomSource(options.Seed).Permutation(test.Count)[..Math.Min(options.Points, test.Count)];
        (Tensor inputs, Tensor labels) = test.Batch(shown);
        int[] sizes = [pixels, Units, Units, Units, Units, classes];
        return ($"What training does to the hidden activity: {source.Title}", [
            Train("perceptron", $"{string.Join("-", sizes)} units, ReLU, dropout of {Left:0.#}", flat: true, epochs: options.Training ?? 8,
                () => Mlp.WithDropout(Weights.Random(options.Seed), Left, sizes)),
            Train("LeNet-5", "two convolutions with pooling, then 120, 84 and 10 units, ReLU", flat: false, epochs: options.Training ?? 6,
                () => new LeNet5(Weights.Random(options.Seed), classes: classes)),
        ]);

        ProjectSubject Train(string name, string what, bool flat, int epochs, Func<Module> make)
        {
            stage?.Invoke($"{name}: training");
            Module network = make();
            Dataset learn = Shaped(train, flat), unseen = Shaped(test, flat);
            var trainer = new Trainer(network, new Adam(1e-3)) { Schedule = Schedules.Cosine(), BatchSize = 128, Seed = options.Seed, Progress = progress };
            TrainingLog log = trainer.Fit(learn, epochs, unseen, cancel);
            if (log.Ending == "cancelled") throw new OperationCanceledException(cancel);
            Module before = make();
            Tensor points = flat ? inputs.Reshape(Shape.Create(shown.Length, pixels)) : inputs;
            return new ProjectSubject
            {
                Name = name,
                Text = $"{what}; trained for {epochs} passes over {train.Count:N0} {source.Many} with Adam, looked at with {shown.Length:N0} of the {test.Count:N0} it never saw.",
                Stages = [
                    new("before", before, Evaluation.Of(before, unseen, cancel: cancel).Accuracy),
                    new("after", network, Evaluation.Of(network, unseen, cancel: cancel).Accuracy),
                ],
                Count = shown.Length,
                Batch = (start, count) => points.Slice(0, start, start + count),
                Labellings = [new(source.One, [.. labels.Longs.ToArray().Select(l => (int)l)], train.Classes)],
                ExampleName = i => $"{source.One} {shown[i]}",
                Picture = i => Picture.Of(inputs, example: i),
            };
        }

        Dataset Shaped(Dataset data, bool flat) => flat ? new Dataset(data.Inputs.Reshape(Shape.Create(data.Count, pixels)), data.Labels, data.Classes) : data;
    }
}
