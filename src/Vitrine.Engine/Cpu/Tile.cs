using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vitrine.Cpu;

/// <summary>One register tile of a product: C[rows, cols] = A[rows, k] · B[k, cols], with what happens to the sums before they are stored.</summary>
internal unsafe struct Tile
{
    /// <summary>Rows of C; 1 to <see cref="MaxRows"/>.</summary>
    public int Rows;

    /// <summary>Columns of C; 1 to <see cref="Width"/>.</summary>
    public int Cols;

    /// <summary>Length of the sums.</summary>
    public int K;

    /// <summary>First element of A; element (i, p) is at A[i * ARow + p * AStep].</summary>
    public float* A;
    public nint ARow;
    public nint AStep;

    /// <summary>First element of B; element (p, j) is at B[p * BStep + j].</summary>
    public float* B;
    public nint BStep;

    /// <summary>When not null, row p of B is found at B[OffsetsB[p]] instead.</summary>
    public nint* OffsetsB;

    /// <summary>When not null, element (i, p) of A is found at A[OffsetsA[p] + i * ARow] instead.</summary>
    public nint* OffsetsA;

    /// <summary>Whether the tile is two runs of Cols columns each (at most <see cref="Width"/> / 2), the second at SecondB and SecondC.</summary>
    public bool Paired;

    /// <summary>Where the second vector of a row of B and of C is, after the first; Width / 2 unless <see cref="Paired"/>.</summary>
    public nint SecondB = Width / 2;
    public nint SecondC = Width / 2;

    public Tile()
    {
    }

    /// <summary>First element of C, whose rows are CRow apart.</summary>
    public float* C;
    public nint CRow;

    /// <summary>Added to every row, or null.</summary>
    public float* ColumnBias;

    /// <summary>Added to every column, or null.</summary>
    public float* RowBias;

    /// <summary>Whether the sums are added to what C holds.</summary>
    public bool Accumulate;

    /// <summary>Whether negative results become zero.</summary>
    public bool Relu;

    /// <summary>The most rows a tile can have with the instructions of this machine.</summary>
    public static int MaxRows => Wide ? 12 : Avx2Fma ? 6 : 4;

    /// <summary>The most columns a tile can have with the instructions of this machine.</summary>
    public static int Width => Wide ? 32 : Avx2Fma ? 16 : 8;

    /// <summary>Whether 512-bit vectors are used.</summary>
    internal static bool Wide => Vector512.IsHardwareAccelerated && Avx512F.IsSupported;

    /// <summary>Whether 256-bit vectors with fused multiply-add are used, when 512-bit ones are not.</summary>
    internal static bool Avx2Fma => Avx2.IsSupported && Fma.IsSupported;

    /// <summary>Computes the tile.</summary>
    public static void Run(Tile* t)
    {
        if (Wide) TileAvx512.Run(t);
        else if (Avx2Fma) TileAvx2.Run(t);
        else TilePortable.Run(t);
    }

    /// <summary>The height of panels that cut <paramref name="rows"/> rows into the fewest tiles of nearly one height.</summary>
    public static int PanelRows(int rows)
    {
        int panels = Math.Max(1, (rows + MaxRows - 1) / MaxRows);
        return Math.Max(1, (rows + panels - 1) / panels);
    }
}

/// <summary>A row count the compiler treats as a constant, so that one kernel text gives a kernel for every height.</summary>
internal interface ICount
{
    static abstract int Value { get; }
}

internal readonly struct N0 : ICount { public static int Value => 0; }

internal readonly struct N1 : ICount { public static int Value => 1; }

internal readonly struct N2 : ICount { public static int Value => 2; }

internal readonly struct N3 : ICount { public static int Value => 3; }

internal readonly struct N4 : ICount { public static int Value => 4; }

internal readonly struct N5 : ICount { public static int Value => 5; }

internal readonly struct N6 : ICount { public static int Value => 6; }

internal readonly struct N7 : ICount { public static int Value => 7; }

internal readonly struct N8 : ICount { public static int Value => 8; }

internal readonly struct N9 : ICount { public static int Value => 9; }

internal readonly struct N10 : ICount { public static int Value => 10; }

internal readonly struct N11 : ICount { public static int Value => 11; }

internal readonly struct N12 : ICount { public static int Value => 12; }
