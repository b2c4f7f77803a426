using Vitrine.Ops;

namespace Vitrine;

/// <summary>How a three-dimensional window moves: (depth, vertical, horizontal) triples.</summary>
/// <param name="Stride">The step between windows.</param>
/// <param name="Padding">Zeros around the volume.</param>
/// <param name="Dilation">The distance between the elements of a window.</param>
/// <param name="Groups">Into how many independent groups the channels fall.</param>
public readonly record struct ConvGeometry3d((int D, int H, int W) Stride, (int D, int H, int W) Padding, (int D, int H, int W) Dilation, int Groups = 1)
{
    /// <summary>The same step, padding and dilation in all directions.</summary>
    public static ConvGeometry3d Cube(int stride = 1, int padding = 0, int dilation = 1, int groups = 1) =>
        new((stride, stride, stride), (padding, padding, padding), (dilation, dilation, dilation), groups);

    internal ConvGeometry Plane => new((Stride.H, Stride.W), (Padding.H, Padding.W), (Dilation.H, Dilation.W), Groups);
}

public static partial class TensorOps
{
    /// <summary>Cross-correlation in three dimensions: the taps of the depth become channels of a convolution of planes.</summary>
    /// <param name="x">[N, C, D, H, W].</param>
    /// <param name="weight">[O, C/groups, KD, KH, KW].</param>
    /// <param name="bias">[O], or null.</param>
    /// <param name="geometry">Stride, padding, dilation, groups.</param>
    /// <returns>[N, O, OD, OH, OW].</returns>
    public static Tensor Conv3d(this Tensor x, Tensor weight, Tensor? bias, ConvGeometry3d geometry)
    {
        if (x.Rank != 5 || weight.Rank != 5) throw new ArgumentException($"Conv3d: x [N, C, D, H, W] and weight [O, C/groups, KD, KH, KW] need five axes each, not {x.Shape} and {weight.Shape}.");
        int n = x.Shape[0], c = x.Shape[1], h = x.Shape[3], w = x.Shape[4], o = weight.Shape[0], kd = weight.Shape[2];
        int stride = geometry.Stride.D, dilation = geometry.Dilation.D, pad = geometry.Padding.D;
        int room = x.Shape[2] + 2 * pad - dilation * (kd - 1) - 1;
        if (stride < 1 || dilation < 1 || pad < 0 || room < 0)
        {
            throw new ArgumentException($"Conv3d: a kernel of depth {kd} with {geometry} does not fit into {x.Shape}.");
        }
        int od = room / stride + 1;
        Tensor padded = pad == 0 ? x : x.Pad([(0, 0), (0, 0), (pad, pad), (0, 0), (0, 0)]);
        Tensor taps = padded.IndexSelect(2, DepthTaps(od, kd, stride, dilation)); // [N, C, OD, KD, H, W]
        Tensor planes = taps.Permute(0, 2, 1, 3, 4, 5).Reshape(n * od, c * kd, h, w);
        Tensor y = planes.Conv2d(weight.Reshape(o, weight.Shape[1] * kd, weight.Shape[3], weight.Shape[4]), bias, geometry.Plane); // [N OD, O, OH, OW]
        return y.Reshape(n, od, o, y.Shape[2], y.Shape[3]).Permute(0, 2, 1, 3, 4);
    }

    /// <summary>Transposed convolution in three dimensions.</summary>
    /// <param name="x">[N, C, D, H, W].</param>
    /// <param name="weight">[C, O/groups, KD, KH, KW].</param>
    /// <param name="bias">[O], or null.</param>
    /// <param name="geometry">Stride, padding, dilation and groups of the convolution that is transposed.</param>
    /// <param name="outputPadding">Positions to add at the end of each axis; below the stride.</param>
    /// <returns>[N, O, OD, OH, OW].</returns>
    public static Tensor ConvTranspose3d(this Tensor x, Tensor weight, Tensor? bias, ConvGeometry3d geometry, (int D, int H, int W) outputPadding = default)
    {
        if (x.Rank != 5 || weight.Rank != 5) throw new ArgumentException($"ConvTranspose3d: x [N, C, D, H, W] and weight [C, O/groups, KD, KH, KW] need five axes each, not {x.Shape} and {weight.Shape}.");
        int n = x.Shape[0], c = x.Shape[1], d = x.Shape[2], kd = weight.Shape[2], o = weight.Shape[1] * geometry.Groups;
        int stride = geometry.Stride.D, dilation = geometry.Dilation.D, pad = geometry.Padding.D;
        int reach = (d - 1) * stride + dilation * (kd - 1) + 1 + outputPadding.D;
        if (reach - 2 * pad < 1) throw new ArgumentException($"ConvTranspose3d: nothing is left of {x.Shape} with {geometry}.");
        Tensor planes = x.Permute(0, 2, 1, 3, 4).Reshape(n * d, c, x.Shape[3], x.Shape[4]);
        Tensor taps = planes.ConvTranspose2d(
            // [N D, O KD, OH, OW]
            weight.Reshape(c, weight.Shape[1] * kd, weight.Shape[3], weight.Shape[4]), null, geometry.Plane, (outputPadding.H, outputPadding.W));
        int h = taps.Shape[2], w = taps.Shape[3];
        Tensor byDepth = taps.Reshape(n, d, o, kd, h, w).Permute(0, 2, 1, 3, 4, 5); // [N, O, D, KD, OH, OW]
        Tensor y = new IndexSelectOp.PutOp(2, [n, o, reach, h, w]).Apply(byDepth, DepthTaps(d, kd, stride, dilation)).Slice(2, pad, reach - pad);
        return bias is null ? y : y + bias.Reshape(1, bias.Count, 1, 1, 1);
    }

    /// <summary>[positions, taps]: where each window's taps stand.</summary>
    private static Tensor DepthTaps(int positions, int taps, int stride, int dilation)
    {
        long[] index = new long[positions * taps];
        for (int i = 0; i < index.Length; i++) index[i] = i / taps * stride + i % taps * dilation;
        return Tensor.From(index, [positions, taps]);
    }
}
