using Vitrine.Insight;
using Vitrine.Models;

namespace Vitrine.Experiments;

/// <summary>What the study of adversarial training is to do.</summary>
public sealed record AttackStudyOptions
{
    /// <summary><c>digits</c>, <c>mnist</c>, <c>fashion-mnist</c>, or a folder of IDX files.</summary>
    public string Data { get; init; } = "mnist";

    /// <summary>The folder that holds data sets by name; null for VITRINE_DATA or the user's own.</summary>
    public string? DataRoot { get; init; }

    /// <summary>At most so many training examples; null for all.</summary>
    public int? TrainExamples { get; init; }

    /// <summary>At most so many test examples under attack; null for all.</summary>
    public int? Examples { get; init; }

    /// <summary>Passes over the training data for each network.</summary>
    public int Epochs { get; init; } = 5;

    /// <summary>The size that is trained against, of pixels from 0 to 1.</summary>
    public float Epsilon { get; init; } = 0.25f;

    /// <summary>The folder for the page and the results; null for none.</summary>
    public string? Output { get; init; }

    /// <summary>Where all random numbers start.</summary>
    public ulong Seed { get; init; } = 1;
}

/// <summary>
/// The experiments of Goodfellow, Shlens, Szegedy 2015 and Madry et al. 2018 on MNIST: softmax regression and LeNet-5 under the fast gradient sign method and
/// projected gradient descent, and LeNet-5 trained against each of them.
/// </summary>
public static class AttackStudy
{
    /// <summary>How many examples the methods see that take long.</summary>
    private const int Few = 200;

    private const int BatchSize = 64;

    /// <summary>Trains four networks, attacks them, compares with noise, and writes page and results where a folder is given.</summary>
    /// <param name="options">What, and how.</param>
    /// <param name="stage">Hears what is being done, in words; or null.</param>
    /// <param name="training">Hears how training goes; or null.</param>
    /// <param name="cancel">Ends it; nothing is left half-written.</param>
    /// <exception cref="Data.DataException">The data is missing or damaged.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="IOException">The folder cannot be written to.</exception>
    public static AttackResult Run(
        AttackStudyOptions options, Action<string>? stage = null, Action<TrainingProgress>? training = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Output is not null) OutputFolder.Prepare(options.Output);
        stage?.Invoke("reading the data");
        var source = DataSource.Load(options.Data, options.DataRoot, options.Seed, options.TrainExamples);
        Dataset train = source.Split.Train, test = options.Examples is { } most ? source.Split.Test.Take(most) : source.Split.Test;
        int classes = train.Classes.Count;
        Module plain = Train(new LeNet5(Weights.Random(options.Seed), classes: classes), null, 1);
        AttackSubject[] subjects =
        [
            new("softmax regression", Train(Softmax(options.Seed, classes), null, 1)),
            new("LeNet-5", plain),
            new("LeNet-5, trained against FGSM", Train(new LeNet5(Weights.Random(options.Seed), classes: classes),
                AdversarialTraining.Fgsm(options.Epsilon, ValidRange.Unit), 0.5f)),
            // From random weights nothing is learned under an attack of this size: the loss stays at that of a guess. So it starts from what a network knows
            // already.
            new("LeNet-5, trained against PGD", Train(new LeNet5(Weights.From(Copy(plain)), classes: classes),
                AdversarialTraining.Pgd(options.Epsilon, options.Epsilon / 4, 7, ValidRange.Unit), 1)),
        ];

        AttackSeries all = Series(test), few = Series(test.Take(Few));
        foreach (AttackSubject subject in subjects)
        {
            all.Measure(subject, ["fgsm", "pgd", "sign-noise"]);
            // As the paper has it: the result need not be a valid picture.
            all.Measure(subject, AttackKind.Find("fgsm"), options.Epsilon, clip: false);
            all.Measure(subject, AttackKind.Find("sign-noise"), options.Epsilon, clip: false);
            few.Measure(subject, ["deepfool"]);
            few.Minimize(subject, "fgsm", 0.5f);
        }
        all.Transfer(subjects, "fgsm", options.Epsilon);
        all.Transfer(subjects, "pgd", options.Epsilon);
        stage?.Invoke("single examples");
        AttackSubject shown = subjects[1];
        List<AttackPictures> pictures = [.. few.WorthShowing(shown).Select(i => few.Look(shown, "fgsm", i, train.Classes))];
        AttackResult measured = all.Result($"a network on {source.Title}", pictures), little = few.Result("", []);
        // Figures over all examples come first; those of methods that saw a few are told by their number of examples.
        AttackResult result = measured with { Scores = [.. measured.Scores, .. little.Scores.Where(s => s.Attack == "deepfool")], Minima = little.Minima };
        if (options.Output is { } folder)
        {
            OutputFolder.Write(Path.Combine(folder, "results.json"), result.ToJson(indented: true) + "\n");
            AttackPage.Compose(result, pictures, "vitrine attack --study").Save(Path.Combine(folder, "index.html"));
        }
        return result;

        AttackSeries Series(Dataset data) => new()
        {
            Data = data,
            Name = i => $"{source.One} {i}",
            Epsilons = [0.05f, 0.1f, 0.15f, 0.2f, 0.25f, 0.3f],
            Seed = options.Seed,
            Stage = stage,
            Cancel = cancel,
        };

        Module Train(Module network, Func<Module, Tensor, Tensor, ulong, Tensor>? adversary, float share)
        {
            stage?.Invoke("training");
            TrainingLog log = new Trainer(network, new Adam(2e-3))
            {
                BatchSize = BatchSize,
                Seed = options.Seed,
                Schedule = Schedules.Cosine(),
                Adversary = adversary,
                AdversarialShare = share,
                Progress = training,
            }.Fit(train, options.Epochs, source.Split.Test, cancel);
            return log.Ending == "cancelled" ? throw new OperationCanceledException(cancel) : network;
        }
    }

    // Training writes parameters in place: the other network needs numbers of its own.
    private static Dictionary<string, Tensor> Copy(Module network) =>
        network.State().ToDictionary(t => t.Key, t => Tensor.From(t.Value.ToArray(), t.Value.Shape), StringComparer.Ordinal);

    private static Sequential Softmax(ulong seed, int classes)
    {
        Weights weights = Weights.Random(seed);
        return new Sequential(weights, new Flatten(weights.In("flatten")), new Linear(weights.In("linear"), 28 * 28, classes));
    }
}
