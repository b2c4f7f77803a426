using Vitrine.Cpu;

namespace Vitrine.Engine.Tests.Cpu;

/// <summary>Convolution and its gradients against the definition in double precision.</summary>
[Collection("Parallel.Threads")] // a process-wide setting: not at the same time
public sealed unsafe class ConvTests
{
    // N, C, H, W, O, KH, KW, stride H, stride W, pad H, pad W, dilation H, dilation W, groups
    private static readonly int[][] Shapes =
    [
        [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1],
        [2, 3, 5, 4, 2, 3, 3, 1, 1, 1, 1, 1, 1, 1],
        [1, 2, 7, 9, 3, 2, 3, 2, 1, 0, 2, 1, 1, 1],
        [2, 1, 28, 28, 6, 5, 5, 1, 1, 2, 2, 1, 1, 1],
        [2, 6, 14, 14, 16, 5, 5, 1, 1, 0, 0, 1, 1, 1],
        [3, 8, 9, 9, 8, 3, 3, 1, 1, 1, 1, 1, 1, 1],
        [2, 16, 12, 10, 24, 3, 3, 1, 1, 1, 1, 1, 1, 1],
        [1, 32, 14, 14, 40, 3, 3, 1, 1, 1, 1, 1, 1, 1],
        [1, 64, 7, 7, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1],
        [1, 64, 13, 17, 32, 3, 3, 1, 1, 0, 0, 1, 1, 1],
        [2, 20, 8, 8, 20, 3, 3, 1, 1, 2, 2, 1, 1, 1],
        [4, 48, 2, 2, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1],
        [4, 32, 4, 4, 48, 3, 3, 2, 2, 1, 1, 1, 1, 1],
        [2, 32, 1, 1, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1],
        [2, 5, 11, 13, 7, 1, 1, 1, 1, 0, 0, 1, 1, 1],
        [2, 33, 6, 6, 37, 1, 1, 1, 1, 0, 0, 1, 1, 1],
        [2, 16, 9, 8, 12, 1, 1, 2, 2, 0, 0, 1, 1, 1],
        [1, 4, 6, 6, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1],
        [2, 8, 10, 10, 8, 3, 3, 1, 1, 1, 1, 1, 1, 8],
        [2, 8, 11, 10, 16, 3, 3, 2, 2, 1, 1, 1, 1, 8],
        [1, 3, 20, 35, 3, 5, 5, 1, 1, 2, 2, 1, 1, 3],
        [2, 8, 9, 7, 12, 3, 3, 1, 1, 1, 1, 1, 1, 4],
        [1, 6, 12, 12, 4, 3, 3, 1, 1, 2, 2, 2, 2, 2],
        [1, 4, 15, 16, 5, 3, 2, 2, 3, 1, 0, 2, 1, 1],
        [2, 3, 23, 23, 10, 7, 7, 2, 2, 3, 3, 1, 1, 1],
        [1, 3, 35, 33, 20, 3, 3, 2, 2, 0, 0, 1, 1, 1],
        [1, 3, 40, 40, 8, 11, 11, 4, 4, 2, 2, 1, 1, 1],
        [4, 10, 8, 8, 12, 4, 4, 2, 2, 1, 1, 1, 1, 1],
        [3, 1, 16, 16, 8, 4, 4, 2, 2, 1, 1, 1, 1, 1],
        [3, 24, 4, 4, 20, 4, 4, 1, 1, 0, 0, 1, 1, 1],
        [3, 20, 4, 4, 1, 4, 4, 1, 1, 0, 0, 1, 1, 1],
        [2, 4, 1, 40, 6, 1, 9, 1, 1, 0, 4, 1, 1, 1],
        [2, 4, 33, 1, 6, 3, 1, 1, 1, 1, 0, 3, 1, 1],
        [1, 2, 3, 3, 2, 3, 3, 1, 1, 4, 4, 1, 1, 1],
        [1, 2, 5, 5, 2, 2, 2, 3, 3, 0, 0, 1, 1, 1],
        [0, 3, 5, 5, 2, 3, 3, 1, 1, 1, 1, 1, 1, 1],
        [2, 64, 20, 24, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1],
        [1, 130, 9, 9, 140, 3, 3, 1, 1, 1, 1, 1, 1, 1],
        [2, 12, 5, 100, 14, 3, 3, 1, 1, 1, 1, 1, 1, 2],
        [1, 3, 64, 70, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1],
    ];

    public static TheoryData<int> AllShapes() => [.. Enumerable.Range(0, Shapes.Length)];

    [Theory]
    [MemberData(nameof(AllShapes))]
    public void ForwardEqualsTheDefinition(int index)
    {
        ConvShape s = Shape(Shapes[index]);
        using Native x = Native.Normal(s.N * s.C * s.H * s.W, 1), w = Native.Normal(s.O * s.Taps, 2), bias = Native.Normal(s.O, 3), y = new(s.N * s.O * s.OH * s.OW);
        for (int flags = 0; flags < 4; flags++)
        {
            bool hasBias = (flags & 1) != 0, relu = (flags & 2) != 0;
            double[] expected = new double[y.Count];
            if (hasBias)
                for (int i = 0; i < y.Count; i++) expected[i] = bias.Pointer[i / (s.OH * s.OW) % s.O];
            Visit(s, (at, tap, to) => expected[to] += (double)x.Pointer[at] * w.Pointer[tap]);
            if (relu)
                for (int i = 0; i < y.Count; i++) expected[i] = Math.Max(0, expected[i]);
            Native.SameOnAnyThreads(y, () => Conv.Forward(s, x.Pointer, w.Pointer, hasBias ? bias.Pointer : null, y.Pointer, relu));
            y.ShouldBe(expected, s.Taps, $"{s} bias {hasBias} relu {relu}");
        }
    }

    [Theory]
    [MemberData(nameof(AllShapes))]
    public void GradInputEqualsTheDefinition(int index)
    {
        ConvShape s = Shape(Shapes[index]);
        using Native gy = Native.Normal(s.N * s.O * s.OH * s.OW, 1), w = Native.Normal(s.O * s.Taps, 2), gx = new(s.N * s.C * s.H * s.W);
        double[] expected = new double[gx.Count];
        Visit(s, (at, tap, to) => expected[at] += (double)gy.Pointer[to] * w.Pointer[tap]);
        Native.SameOnAnyThreads(gx, () => Conv.GradInput(s, gy.Pointer, w.Pointer, gx.Pointer));
        gx.ShouldBe(expected, s.GroupO * s.KH * s.KW, s.ToString());
    }

    [Theory]
    [MemberData(nameof(AllShapes))]
    public void GradWeightEqualsTheDefinition(int index)
    {
        ConvShape s = Shape(Shapes[index]);
        using Native gy = Native.Normal(s.N * s.O * s.OH * s.OW, 1), x = Native.Normal(s.N * s.C * s.H * s.W, 2), gw = new(s.O * s.Taps);
        double[] expected = new double[gw.Count];
        Visit(s, (at, tap, to) => expected[tap] += (double)gy.Pointer[to] * x.Pointer[at]);
        Native.SameOnAnyThreads(gw, () => Conv.GradWeight(s, gy.Pointer, x.Pointer, gw.Pointer));
        gw.ShouldBe(expected, s.N * s.OH * s.OW, s.ToString());
    }

    private static ConvShape Shape(int[] v)
    {
        int oh = (v[2] + 2 * v[9] - v[11] * (v[5] - 1) - 1) / v[7] + 1, ow = (v[3] + 2 * v[10] - v[12] * (v[6] - 1) - 1) / v[8] + 1;
        return new ConvShape(v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11], v[12], v[13], oh, ow);
    }

    // Every product of a convolution once: the index of its input, of its weight and of its output.
    private static void Visit(in ConvShape s, Action<int, int, int> product)
    {
        for (int n = 0; n < s.N; n++)
        {
            for (int o = 0; o < s.O; o++)
            {
                int firstChannel = o / s.GroupO * s.GroupC;
                for (int oh = 0; oh < s.OH; oh++)
                {
                    for (int ow = 0; ow < s.OW; ow++)
                    {
                        for (int tap = 0; tap < s.Taps; tap++)
                        {
                            int c = tap / (s.KH * s.KW), h = oh * s.StrideH - s.PadH + tap / s.KW % s.KH * s.DilationH, v = ow * s.StrideW - s.PadW + tap % s.KW * s.DilationW;
                            if (h < 0 || h >= s.H || v < 0 || v >= s.W) continue;
                            product(((n * s.C + firstChannel + c) * s.H + h) * s.W + v, o * s.Taps + tap, ((n * s.O + o) * s.OH + oh) * s.OW + ow);
                        }
                    }
                }
            }
        }
    }
}
