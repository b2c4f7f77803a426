namespace Vitrine.Data;

/// <summary>Balanced labels in a random order.</summary>
internal static class ClassOrder
{
    private const uint OrderStream = 0x6F72_6465;

    /// <summary>The class of image <paramref name="index"/>: every run of <paramref name="classes"/> images from a multiple of it holds each class once.</summary>
    public static int Of(int index, int classes, long seed, uint stream)
    {
        int block = index / classes;
        RandomSource random = new(seed, stream ^ OrderStream, block);
        Span<int> order = stackalloc int[classes];
        for (int i = 0; i < classes; i++) order[i] = i;
        // Fisher-Yates, drawn anew for each image of the block: cheaper than handing it around.
        for (int i = classes - 1; i > 0; i--)
        {
            int j = random.Below(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order[index % classes];
    }
}
