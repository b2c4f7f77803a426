namespace Vitrine;

public static partial class TensorOps
{
    /// <summary>Cross-correlation in one dimension, as <see cref="Conv2d(Tensor, Tensor, Tensor?, int, int, int, int)"/> of images of height 1.</summary>
    /// <param name="x">[N, C, L].</param>
    /// <param name="weight">[O, C/groups, K].</param>
    /// <param name="bias">[O], or null.</param>
    /// <param name="stride">The step between windows.</param>
    /// <param name="padding">Zeros at both ends.</param>
    /// <param name="dilation">The distance between the elements of a window.</param>
    /// <param name="groups">Into how many independent groups the channels fall.</param>
    public static Tensor Conv1d(this Tensor x, Tensor weight, Tensor? bias = null, int stride = 1, int padding = 0, int dilation = 1, int groups = 1)
    {
        if (x.Rank != 3 || weight.Rank != 3)
        {
            throw new ArgumentException($"Conv1d: x [N, C, L] and weight [O, C/groups, K] need three axes each, not {x.Shape} and {weight.Shape}.");
        }
        return x.Unsqueeze(2).Conv2d(weight.Unsqueeze(2), bias, new ConvGeometry((1, stride), (0, padding), (1, dilation), groups)).Squeeze(2);
    }

    /// <summary>Transposed convolution in one dimension.</summary>
    /// <param name="x">[N, C, L].</param>
    /// <param name="weight">[C, O/groups, K].</param>
    /// <param name="bias">[O], or null.</param>
    /// <param name="stride">The step of the convolution that is transposed.</param>
    /// <param name="padding">What is cut off at both ends.</param>
    /// <param name="outputPadding">Positions to add at the end; below the stride.</param>
    /// <param name="dilation">The distance between the elements of a window.</param>
    /// <param name="groups">Into how many independent groups the channels fall.</param>
    public static Tensor ConvTranspose1d(
        this Tensor x, Tensor weight, Tensor? bias = null, int stride = 1, int padding = 0, int outputPadding = 0, int dilation = 1, int groups = 1)
    {
        if (x.Rank != 3 || weight.Rank != 3)
        {
            throw new ArgumentException($"ConvTranspose1d: x [N, C, L] and weight [C, O/groups, K] need three axes each, not {x.Shape} and {weight.Shape}.");
        }
        var geometry = new ConvGeometry((1, stride), (0, padding), (1, dilation), groups);
        return x.Unsqueeze(2).ConvTranspose2d(weight.Unsqueeze(2), bias, geometry, (0, outputPadding)).Squeeze(2);
    }
}
