namespace Vitrine.Data;

/// <summary>Balanced labels in a random order.</summary>
internal static class ClassOrder
{
    /// <summary>The class of an example: every run of <paramref name="classes"/> examples from a multiple of it holds each class once.</summary>
    public static int Of(ulong stream, int index, int classes) =>
        Draws.Example(new RandomSource(stream).Derive("class order"), index / classes).Permutation(classes)[index % classes];
}
