namespace Vitrine.Insight;

/// <summary>What is subtracted from an objective: a number for each input [N], which has a gradient.</summary>
/// <param name="inputs">[N, ...], as the network takes them, before they are transformed.</param>
public delegate Tensor Penalty(Tensor inputs);

/// <summary>Penalties.</summary>
public static class Penalties
{
    /// <summary>The sum of squares: keeps an input near zero, which is grey where a network subtracts the mean.</summary>
    /// <param name="weight">What it is multiplied by.</param>
    public static Penalty L2(float weight) => x => x.Flatten().Square().Sum([1]) * weight;

    /// <summary>
    /// Total variation: the mean size of the differences of neighbouring pixels, sqrt(dx^2 + dy^2 + epsilon) (Rudin, Osher, Fatemi 1992; for pictures of
    /// features, Mahendran and Vedaldi 2015).
    /// </summary>
    /// <param name="weight">What it is multiplied by.</param>
    public static Penalty TotalVariation(float weight) => x =>
    {
        if (x.Rank != 4 || x.Shape[2] < 2
            || x.Shape[3] < 2) throw new ArgumentException($"Total variation is that of pictures [N, C, H, W], not of {x.Shape}.", nameof(x));
        int height = x.Shape[2], width = x.Shape[3];
        Tensor here = x.Slice(2, 0, height - 1).Slice(3, 0, width - 1);
        Tensor down = x.Slice(2, 1, height).Slice(3, 0, width - 1) - here, right = x.Slice(2, 0, height - 1).Slice(3, 1, width) - here;
        return (down.Square() + right.Square() + 1e-8f).Sqrt().Flatten().Mean([1]) * weight;
    };
}

/// <summary>What is done to the pixels themselves after a step.</summary>
/// <param name="pixels">[N, C, H, W].</param>
/// <param name="gradient">The gradient of the step, of the same shape.</param>
/// <param name="step">The number of the step, from 1.</param>
/// <returns>The pixels that the next step starts from.</returns>
public delegate Tensor Constraint(Tensor pixels, Tensor gradient, int step);

/// <summary>
/// The regularisers of Yosinski, Clune, Nguyen, Fuchs, Lipson 2015, "Understanding neural networks through deep visualization". They act on pixels, zero being
/// grey, so the parameterisation must be one of pixels.
/// </summary>
public static class Constraints
{
    /// <summary>Every pixel is multiplied by 1 - <paramref name="decay"/>.</summary>
    public static Constraint Decay(float decay)
    {
        if (decay is not (>= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(decay), decay, "The decay is from 0 to 1.");
        return (pixels, _, _) => pixels * (1 - decay);
    }

    /// <summary>A Gaussian blur every few steps: high frequencies excite units without being anything that is seen.</summary>
    /// <param name="deviation">In pixels.</param>
    /// <param name="every">After how many steps.</param>
    public static Constraint Blur(double deviation, int every = 4)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(deviation);
        ArgumentOutOfRangeException.ThrowIfLessThan(every, 1);
        return (pixels, _, step) => step % every == 0 ? Insight.Blur.Gaussian(pixels, deviation) : pixels;
    }

    /// <summary>Pixels of small norm over their channels become zero: what a unit does not need stays grey.</summary>
    /// <param name="share">The share of each picture's pixels, from 0 to 1.</param>
    /// <param name="every">After how many steps.</param>
    public static Constraint CropSmall(double share, int every = 1) => Crop(share, every, (pixels, _) => pixels.Square().Sum([1]));

    /// <summary>Pixels whose contribution is small become zero: |the sum over channels of pixel times gradient|, which is to first order what the unit
    /// loses.</summary>
    /// <param name="share">The share of each picture's pixels, from 0 to 1.</param>
    /// <param name="every">After how many steps.</param>
    public static Constraint CropContribution(double share, int every = 1) => Crop(share, every, (pixels, gradient) => (pixels * gradient).Sum([1]).Abs());

    private static Constraint Crop(double share, int every, Func<Tensor, Tensor, Tensor> worth)
    {
        if (share is not (>= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(share), share, "A share is from 0 to 1.");
        ArgumentOutOfRangeException.ThrowIfLessThan(every, 1);
        return (pixels, gradient, step) =>
        {
            if (step % every != 0) return pixels;
            if (pixels.Rank != 4) throw new ArgumentException($"Only pixels [N, C, H, W] can be cropped, not {pixels.Shape}.", nameof(pixels));
            int plane = pixels.Shape[2] * pixels.Shape[3], count = (int)Math.Floor(share * plane);
            float[] worths = worth(pixels, gradient).ToArray(), kept = new float[worths.Length];
            Array.Fill(kept, 1);
            int[] order = new int[plane];
            for (int from = 0; from < worths.Length; from += plane)
            {
                for (int i = 0; i < plane; i++) order[i] = i;
                int start = from;
                // Of equals the first goes first, so that the choice does not depend on how they are sorted.
                Array.Sort(order, (a, b) => worths[start + a].CompareTo(worths[start + b]) is var o and not 0 ? o : a.CompareTo(b));
                foreach (int i in order.AsSpan(0, count)) kept[from + i] = 0;
            }
            return pixels * Tensor.From(kept, [pixels.Shape[0], 1, pixels.Shape[2], pixels.Shape[3]]);
        };
    }
}
