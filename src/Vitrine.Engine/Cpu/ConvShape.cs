namespace Vitrine.Cpu;

/// <summary>All sizes of a two-dimensional convolution: input [N, C, H, W], weight [O, C / Groups, KH, KW], output [N, O, OH, OW].</summary>
internal readonly record struct ConvShape(
    int N, int C, int H, int W, int O, int KH, int KW, int StrideH, int StrideW, int PadH, int PadW, int DilationH, int DilationW, int Groups, int OH, int OW)
{
    /// <summary>Input channels of a group.</summary>
    public int GroupC => C / Groups;

    /// <summary>Output channels of a group.</summary>
    public int GroupO => O / Groups;

    /// <summary>Weights of one output channel: the length of a forward sum.</summary>
    public int Taps => GroupC * KH * KW;

    /// <summary>Positions of one output plane.</summary>
    public int Positions => OH * OW;

    /// <summary>Whether the weight is one number a channel pair and every position is used: a plain product.</summary>
    public bool IsPointwise => KH == 1 && KW == 1 && StrideH == 1 && StrideW == 1 && PadH == 0 && PadW == 0;

    /// <summary>Whether the kernel covers the whole image exactly once, so that each image gives one number a kernel.</summary>
    public bool IsFull => KH == H && KW == W && OH == 1 && OW == 1 && PadH == 0 && PadW == 0 && DilationH == 1 && DilationW == 1 && Groups == 1;
}
