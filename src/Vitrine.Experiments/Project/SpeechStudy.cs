using Vitrine.Data;
using Vitrine.Models;

namespace Vitrine.Experiments;

/// <summary>
/// The question of Mohamed, Hinton and Penn, "Understanding how deep belief networks perform acoustic modelling" (2012): the input of a speech network lies
/// together by speaker, its deep layers by what is said. A perceptron learns spoken digits from log-mel filterbanks; each layer is asked who speaks and what.
/// </summary>
internal static class SpeechStudy
{
    public const string Name = "speech";

    private const int Units = 512;
    private const float Left = 0.3f;

    public static (string Title, IReadOnlyList<ProjectSubject> Subjects) Prepare(
        ProjectOptions options, Action<string>? stage, Action<TrainingProgress>? progress, CancellationToken cancel)
    {
        stage?.Invoke("reading the recordings");
        SpokenDigits spoken = SpokenDigits.Load(options.DataRoot, cancel);
        int numbers = spoken.Digits.Train.InputShape.Count;
        Dataset train = Flat(spoken.Digits.Train), test = Flat(spoken.Digits.Test);
        stage?.Invoke("training");
        int[] sizes = [numbers, Units, Units, Units, Units, 10];
        Module network = Mlp.WithDropout(Weights.Random(options.Seed), Left, sizes), before = Mlp.WithDropout(Weights.Random(options.Seed), Left, sizes);
        int epochs = options.Training ?? 30;
        var trainer = new Trainer(network, new Adam(1e-3)) { Schedule = Schedules.Cosine(), BatchSize = 64, Seed = options.Seed, Progress = progress };
        if (trainer.Fit(train, epochs, test, cancel).Ending == "cancelled") throw new OperationCanceledException(cancel);

        int[] shown = new RandomSource(options.Seed).Permutation(test.Count)[..Math.Min(options.Points, test.Count)];
        (Tensor inputs, Tensor labels) = test.Batch(shown);
        return ("Who speaks, and what is said: layers of a network for spoken digits", [new ProjectSubject
        {
            Name = "speech",
            Text = $"A perceptron of {string.Join("-", sizes)} units, ReLU, dropout of {Left:0.#}, learned the digit of {train.Count:N0} recordings of {spoken.Speakers.Count} speakers in {epochs} passes and " +
                $"never heard who spoke. It is looked at with {shown.Length:N0} takes it never heard: of each, {SpokenDigits.Frames} frames of {SpokenDigits.Bands} log-mel bands.",
            Stages = [
                new("before", before, Evaluation.Of(before, test, cancel: cancel).Accuracy),
                new("after", network, Evaluation.Of(network, test, cancel: cancel).Accuracy),
            ],
            Count = shown.Length,
            Batch = (start, count) => inputs.Slice(0, start, start + count),
            Labellings = [
                new("digit", [.. labels.Longs.ToArray().Select(l => (int)l)], test.Classes),
                new("speaker", [.. shown.Select(i => spoken.TestSpeakers[i])], spoken.Speakers),
            ],
            ExampleName = i => $"{test.Classes[(int)labels.Longs[i]]} by {spoken.Speakers[spoken.TestSpeakers[shown[i]]]}, recording {shown[i]}",
        }]);

        Dataset Flat(Dataset data) => new(data.Inputs.Reshape(Shape.Create(data.Count, numbers)), data.Labels, data.Classes);
    }
}
