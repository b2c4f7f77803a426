using System.Diagnostics;
using System.Globalization;
using Vitrine.Data;
using Vitrine.Insight;

namespace Vitrine.Experiments;

/// <summary>A network that takes pixels from 0 to 1, and its name.</summary>
internal sealed record AttackSubject(string Name, Module Network);

/// <summary>One example before and after, with the pictures.</summary>
internal sealed record AttackPictures(AttackedInput Input, Tensor Original, Tensor Changed);

/// <summary>
/// Attacks of every size on networks and the same examples: accuracy against size, the smallest changes, what carries over between the networks, and single
/// examples to look at.
/// </summary>
internal sealed class AttackSeries
{
    /// <summary>How many examples become pictures on the page.</summary>
    public const int Shown = 6;

    // Elements of a batch that is attacked together: what a backward pass takes is a large multiple of it.
    private const int MostElements = 1 << 20;

    private readonly List<AttackScore> _scores = [];
    private readonly List<AttackMinimum> _minima = [];
    private readonly List<AttackTransfer> _transfers = [];
    private readonly Dictionary<string, double> _accuracy = new(StringComparer.Ordinal);

    /// <summary>The examples as pixels from 0 to 1, with the classes that are to be left.</summary>
    public required Dataset Data { get; init; }

    /// <summary>What an example is called.</summary>
    public required Func<int, string> Name { get; init; }

    /// <summary>The sizes, ascending, above 0.</summary>
    public required IReadOnlyList<float> Epsilons { get; init; }

    /// <summary>In which norm they are measured.</summary>
    public AttackNorm Norm { get; init; }

    /// <summary>The class that is to be reached; null for any but the right one.</summary>
    public int? Target { get; init; }

    /// <summary>Where random numbers start.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Hears what is being done, in words.</summary>
    public Action<string>? Stage { get; init; }

    /// <summary>Ends it.</summary>
    public CancellationToken Cancel { get; init; }

    private int Batch => Math.Clamp(MostElements / Data.InputShape.Count, 1, AttackMeasure.Batch);

    /// <summary>A network under attacks of every size, and unharmed.</summary>
    public void Measure(AttackSubject subject, IReadOnlyList<string> attacks)
    {
        _accuracy[subject.Name] = Accuracy(Attack(subject, AttackKind.Find("sign-noise"), 0, true, Data));
        foreach (string name in attacks)
        {
            if (name.Equals(AttackKind.Universal, StringComparison.OrdinalIgnoreCase))
            {
                MeasureUniversal(subject);
                continue;
            }
            AttackKind kind = AttackKind.Find(name);
            if (Target is not null && !kind.Targetable && !kind.IsNoise)
                throw new DataException($"{kind.Name} leads to no given class: its paper has no such form.", "Leave it out, or --target.");
            if (kind.TakesEpsilon)
            {
                foreach (float epsilon in Epsilons) Measure(subject, kind, epsilon);
            }
            else
            {
                IReadOnlyList<AttackedExample> found = Measure(subject, kind, null);
                AttackNorm norm = kind.Name == "deepfool" ? Norm : AttackNorm.Two;
                if (!kind.CountsPixels && Target is null) Add(subject, kind.Name, norm, MinimalPerturbation.Of(found, norm));
            }
        }
    }

    /// <summary>One attack of one size on all examples.</summary>
    public IReadOnlyList<AttackedExample> Measure(AttackSubject subject, AttackKind kind, float? epsilon, bool clip = true)
    {
        Stage?.Invoke(string.Create(CultureInfo.InvariantCulture, $"{subject.Name}: {kind.Name}{(epsilon is { } e ? $" {e:0.####}" : "")}"));
        var clock = Stopwatch.StartNew();
        IReadOnlyList<AttackedExample> found = Attack(subject, kind, epsilon ?? 0, clip, Data);
        Add(subject, kind.Name, epsilon, clip, found, clock.Elapsed.TotalSeconds, Target is not null && kind.Targetable);
        return found;
    }

    /// <summary>The smallest size at which an attack fools each example, by bisection.</summary>
    public void Minimize(AttackSubject subject, string attack, float largest)
    {
        Stage?.Invoke($"{subject.Name}: the smallest change by {attack}");
        AttackKind kind = AttackKind.Find(attack);
        Add(subject, $"{attack}, bisected", Norm, MinimalPerturbation.Bisect(
            subject.Network, Data, epsilon => kind.Create(new(epsilon, Norm, Seed: Seed)), largest, cancel: Cancel));
    }

    /// <summary>What is made on each network, shown to all.</summary>
    public void Transfer(IReadOnlyList<AttackSubject> subjects, string attack, float epsilon)
    {
        Stage?.Invoke($"{attack}: what carries over");
        (double[,] fooled, int examples) = AttackMeasure.Transfer(
            [.. subjects.Select(s => s.Network)], Data, AttackKind.Find(attack).Create(new(epsilon, Norm, Seed: Seed)), null, Cancel);
        _transfers.Add(new(attack, Rounded(epsilon), [.. subjects.Select(s => s.Name)],
            [.. subjects.Select((_, i) => (IReadOnlyList<double>)[.. subjects.Select((_, j) => Math.Round(fooled[i, j], 5))])], examples));
    }

    /// <summary>An example under an attack, of the smallest size that fools it.</summary>
    public AttackPictures Look(AttackSubject subject, string attack, int example, IReadOnlyList<string>? labels)
    {
        AttackKind kind = AttackKind.Find(attack);
        bool targeted = Target is not null && kind.Targetable;
        (Tensor original, int label) = Data[example];
        int asked = targeted ? Target!.Value : label;
        foreach (float? epsilon in kind.TakesEpsilon ? [.. Epsilons.Select(e => (float?)e)] : new float?[] { null })
        {
            Tensor changed = kind.Create(new(epsilon ?? 0, Norm, targeted, Seed)).Perturb(subject.Network, original, [asked], null, Cancel);
            AttackedExample found = AttackMeasure.Compare(subject.Network, original, changed, [asked], targeted)[0];
            if (!found.Succeeded && epsilon is { } size && size < Epsilons[^1]) continue;
            var input = new AttackedInput(
                Name(example), subject.Name, attack, epsilon is { } e ? Rounded(e) : null, Class(found.Label), Class(found.Before),
                Rounded(found.BeforeConfidence), Class(found.After), Rounded(found.AfterConfidence), Rounded(found.Length), Rounded(found.Largest),
                found.Succeeded);
            return new(input, original, changed);
        }
        throw new InvalidOperationException("There are no sizes to attack with.");

        string Class(int k) => labels is not null && k < labels.Count ? labels[k] : $"class {k}";
    }

    /// <summary>The first examples that a network names rightly and, where a class is to be reached, that are not of it.</summary>
    public IReadOnlyList<int> WorthShowing(AttackSubject subject)
    {
        using var scope = MemoryScope.Open();
        var found = new List<int>();
        for (int i = 0; i < Data.Count && found.Count < Shown; i++)
        {
            (Tensor x, int label) = Data[i];
            if (label != Target && subject.Network.Predict(x).Flatten().ArgMax(1).Longs[0] == label) found.Add(i);
        }
        return found;
    }

    /// <summary>Everything measured so far.</summary>
    public AttackResult Result(string title, IReadOnlyList<AttackPictures> pictures) => new(
        title, Norm == AttackNorm.Infinity ? "linf" : "l2", Seed, _accuracy, _scores, _minima, _transfers, [.. pictures.Select(p => p.Input)]);

    private void MeasureUniversal(AttackSubject subject)
    {
        int half = Data.Count / 2;
        if (half < 1)
            throw new DataException("A universal perturbation is found on one half of the examples and judged on the other; there is one.", "Give more.");
        if (Target is not null)
            throw new DataException("A universal perturbation leads to no given class: its paper has no such form.", "Leave it out, or --target.");
        Dataset found = Part(0, half), judged = Part(half, Data.Count - half);
        foreach (float epsilon in Epsilons)
        {
            Stage?.Invoke(string.Create(CultureInfo.InvariantCulture, $"{subject.Name}: universal {epsilon:0.####}"));
            var clock = Stopwatch.StartNew();
            UniversalChange change = new UniversalPerturbation(epsilon, Norm, passes: 2, range: ValidRange.Unit, seed: Seed)
                .Find(subject.Network, found.Inputs, null, Cancel);
            var attack = new FixedPerturbation(change.Change, ValidRange.Unit);
            IReadOnlyList<AttackedExample> examples = AttackMeasure.Attack(subject.Network, judged, attack, batch: Batch, cancel: Cancel);
            Add(subject, AttackKind.Universal, epsilon, true, examples, clock.Elapsed.TotalSeconds, false);
        }
    }

    private IReadOnlyList<AttackedExample> Attack(AttackSubject subject, AttackKind kind, float epsilon, bool clip, Dataset data)
    {
        bool targeted = Target is not null && kind.Targetable;
        IAttack attack = kind.Create(new(epsilon, Norm, targeted, Seed, clip));
        return AttackMeasure.Attack(subject.Network, data, attack, targeted ? _ => Target!.Value : null, batch: Batch, cancel: Cancel);
    }

    private void Add(
        AttackSubject subject, string attack, float? epsilon, bool clipped, IReadOnlyList<AttackedExample> found, double seconds, bool targeted)
    {
        // Under a targeted attack the label of an example is the target; whether it is still named rightly is asked of the data.
        int first = Data.Count - found.Count;
        AttackedExample[] wrong = [.. found.Where((e, i) => e.After != Data.Labels.Longs[first + i])];
        double right = Math.Round(1 - ((double)wrong.Length / found.Count), 5);
        _scores.Add(new(subject.Name, attack, epsilon is { } e ? Rounded(e) : null, clipped, found.Count, right,
            targeted ? Math.Round(found.Average(e => e.Succeeded ? 1.0 : 0), 5) : null,
            wrong.Length == 0 ? null : Math.Round(wrong.Average(e => e.AfterConfidence), 5), Rounded(Middle(found.Select(e => e.Length))),
            Rounded(Middle(found.Select(e => e.Largest))), Math.Round(seconds, 3)));
    }

    private void Add(AttackSubject subject, string attack, AttackNorm norm, MinimalPerturbation found) => _minima.Add(new(
        subject.Name, attack, norm == AttackNorm.Infinity ? "linf" : "l2", Rounded(found.Median), [.. found.Sizes.Select(Rounded)]));

    private Dataset Part(int start, int count)
    {
        (Tensor inputs, Tensor labels) = Data.Batch([.. Enumerable.Range(start, count)]);
        return new Dataset(inputs, labels, Data.Classes);
    }

    private double Accuracy(IReadOnlyList<AttackedExample> found) =>
        Math.Round(found.Where((e, i) => e.After == Data.Labels.Longs[i]).Count() / (double)found.Count, 5);

    private static double Middle(IEnumerable<float> values) => values.Order().ElementAt((values.Count() - 1) / 2);

    private static double Rounded(double value) => double.IsFinite(value) ? Math.Round(value, 6) : value;
}
