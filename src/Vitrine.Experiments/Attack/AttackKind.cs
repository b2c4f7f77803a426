using Vitrine.Data;
using Vitrine.Insight;

namespace Vitrine.Experiments;

/// <summary>What an attack by name is made with. Sizes are those of pixels from 0 to 1.</summary>
/// <param name="Epsilon">The size; attacks that look for the smallest change take none.</param>
/// <param name="Norm">In which norm.</param>
/// <param name="Targeted">Whether a class is to be reached.</param>
/// <param name="Seed">Where random numbers start.</param>
/// <param name="Clip">Whether the result stays a valid picture.</param>
public sealed record AttackSettings(float Epsilon, AttackNorm Norm = AttackNorm.Infinity, bool Targeted = false, ulong Seed = 1, bool Clip = true);

/// <summary>An attack, or noise, by name.</summary>
/// <param name="Name">The name.</param>
/// <param name="Paper">Whose it is.</param>
/// <param name="TakesEpsilon">Whether it has a size that is given; the others look for the smallest change, or change a pixel.</param>
/// <param name="Targetable">Whether it can lead to a given class.</param>
/// <param name="IsNoise">Whether it is chance: something to compare attacks with.</param>
/// <param name="Create">Makes it.</param>
public sealed record AttackKind(string Name, string Paper, bool TakesEpsilon, bool Targetable, bool IsNoise, Func<AttackSettings, IAttack> Create)
{
    /// <summary>The name under which a universal perturbation is asked for: it is found on one half of the examples and judged on the other.</summary>
    public const string Universal = "universal";

    private const string Su = "Su, Vargas, Sakurai 2019";

    /// <summary>Whether it changes a number of pixels, however much: its result has no size to be small.</summary>
    public bool CountsPixels { get; private init; }

    /// <summary>All of them but <see cref="Universal"/>.</summary>
    public static IReadOnlyList<AttackKind> All { get; } =
    [
        new("fgsm", "Goodfellow, Shlens, Szegedy 2015", true, true, false, s => new Fgsm(s.Epsilon, s.Norm, s.Targeted, Range(s))),
        new("iterative-fgsm", "Kurakin, Goodfellow, Bengio 2017", true, true, false, Iterative),
        new("pgd", "Madry et al. 2018", true, true, false, s => new Pgd(s.Epsilon, s.Epsilon / 4, 10, s.Norm, s.Targeted, Range(s), start: s.Seed)),
        new("deepfool", "Moosavi-Dezfooli, Fawzi, Frossard 2016", false, false, false, s => new DeepFool(s.Norm, range: Range(s))),
        new("carlini-wagner", "Carlini, Wagner 2017", false, true, false, Wagner),
        new("one-pixel", Su, false, true, false, s => Pixels(1, s)) { CountsPixels = true },
        new("three-pixel", Su, false, true, false, s => Pixels(3, s)) { CountsPixels = true },
        new("five-pixel", Su, false, true, false, s => Pixels(5, s)) { CountsPixels = true },
        new("sign-noise", "", true, false, true, s => new Noise(s.Epsilon, NoiseKind.Sign, s.Norm, Range(s), s.Seed)),
        new("uniform-noise", "", true, false, true, s => new Noise(s.Epsilon, NoiseKind.Uniform, s.Norm, Range(s), s.Seed)),
        new("gaussian-noise", "", true, false, true, s => new Noise(s.Epsilon, NoiseKind.Gaussian, s.Norm, Range(s), s.Seed)),
    ];

    /// <summary>An attack by name.</summary>
    /// <exception cref="DataException">There is none of this name.</exception>
    public static AttackKind Find(string name) => All.FirstOrDefault(k => k.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new DataException($"No attack is called '{name}'.", $"Choose among {string.Join(", ", All.Select(k => k.Name))} and {Universal}.");

    private static OnePixel Pixels(int count, AttackSettings s) => new(count, population: 100, generations: 20, targeted: s.Targeted, seed: s.Seed);

    private static ValidRange? Range(AttackSettings s) => s.Clip ? ValidRange.Unit : null;

    // The paper's rate of 0.01 is for 10,000 steps. With 200 it would not bring a black pixel back from the flat end of the hyperbolic tangent, 7 away from its
    // middle: on MNIST its changes came out longer than DeepFool's.
    private static CarliniWagner Wagner(AttackSettings s) => new(targeted: s.Targeted, learningRate: 0.1, steps: 200, searches: 6, first: 0.1);

    // The paper's steps of one grey value of 255, but never more than sixteen to the edge.
    private static IterativeFgsm Iterative(AttackSettings s) => s.Norm == AttackNorm.Infinity
        ? new IterativeFgsm(s.Epsilon, MathF.Max(1f / 255, s.Epsilon / 16), targeted: s.Targeted, range: Range(s))
        : throw new DataException("The iterative fast gradient sign method measures its size by the largest change of a pixel.", "Use pgd with --norm l2.");
}
