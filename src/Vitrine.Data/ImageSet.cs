namespace Vitrine.Data;

internal sealed record ImageSet(string Name, int Count, int Channels, int Height, int Width, float[] Pixels, long[] Labels, string[] Classes, byte[]? Masks);
