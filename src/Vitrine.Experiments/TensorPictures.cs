using Vitrine.Insight;
using Vitrine.Render;

namespace Vitrine.Experiments;

/// <summary>
/// Where tensors meet pictures. <c>Vitrine.Render</c> knows no tensor and <c>Vitrine.Insight</c> no pixel; these members join them, so that an explanation
/// becomes a picture in one line: <c>HeatMap.Of(map).Over(image).Save("why.png")</c>.
/// </summary>
public static class TensorPictures
{
    extension(HeatMap)
    {
        /// <summary>A heat map of an explanation, its channels summed.</summary>
        /// <param name="attribution">The explanation, its values [N, C, H, W], [N, H, W] or [N, units].</param>
        /// <param name="example">Which example of the batch.</param>
        /// <exception cref="ArgumentException">The values are no planes, or there is no such example.</exception>
        public static HeatMap Of(Attribution attribution, int example = 0)
        {
            ArgumentNullException.ThrowIfNull(attribution);
            return HeatMap.Of(attribution.Values.ToChw(example));
        }

        /// <summary>A heat map of a tensor, its channels summed.</summary>
        /// <param name="values">[H, W], [C, H, W] or [N, C, H, W].</param>
        /// <param name="example">Which example of a batch.</param>
        /// <exception cref="ArgumentException">The tensor has another rank, or there is no such example.</exception>
        public static HeatMap Of(Tensor values, int example = 0) => HeatMap.Of(values.ToChw(example));
    }

    extension(HeatMap map)
    {
        /// <summary>Lays the heat map over a picture given as a tensor.</summary>
        /// <param name="image">[H, W], [C, H, W] or [N, C, H, W] with 1 or 3 channels, in any range.</param>
        /// <param name="opacity">The opacity of full colour, 0 to 1.</param>
        /// <param name="example">Which example of a batch.</param>
        /// <exception cref="ArgumentException">The channels are neither 1 nor 3, or there is no such example.</exception>
        public HeatMap Over(Tensor image, double opacity = 0.92, int example = 0) => map.Over(image.ToChw(example), opacity);
    }

    extension(Picture)
    {
        /// <summary>A picture of a tensor with 1 channel (grey) or 3 (RGB).</summary>
        /// <param name="image">[H, W], [C, H, W] or [N, C, H, W].</param>
        /// <param name="low">The value drawn black.</param>
        /// <param name="high">The value drawn white.</param>
        /// <param name="example">Which example of a batch.</param>
        /// <exception cref="ArgumentException">The channels are neither 1 nor 3, or there is no such example.</exception>
        public static Picture Of(Tensor image, float low = 0, float high = 1, int example = 0) => Picture.FromRgb(image.ToChw(example), low, high);
    }

    extension(ImageGrid)
    {
        /// <summary>The filters of a convolution as tiles.</summary>
        /// <param name="weights">[O, C, H, W].</param>
        /// <param name="columns">Tiles in a row.</param>
        /// <param name="tile">The least side of a tile in pixels.</param>
        /// <exception cref="ArgumentException">The parameter has not four axes.</exception>
        public static ImageGrid OfFilters(Parameter weights, int? columns = null, int tile = 48)
        {
            ArgumentNullException.ThrowIfNull(weights);
            Shape shape = weights.Value.Shape;
            if (shape.Rank != 4) throw new ArgumentException($"Filters have four axes (output, input, height, width), but {weights.Name} has shape " +
                $"{shape}.", nameof(weights));
            float[,,,] filters = new float[shape[0], shape[1], shape[2], shape[3]];
            Copy(weights.Value.Floats, filters);
            return ImageGrid.OfFilters(filters, columns, tile);
        }
    }

    extension(ConfusionMatrix)
    {
        /// <summary>The drawing of a confusion matrix.</summary>
        /// <param name="confusion">The counts.</param>
        public static ConfusionMatrix Of(Confusion confusion)
        {
            ArgumentNullException.ThrowIfNull(confusion);
            return new ConfusionMatrix(confusion.Counts, confusion.Classes);
        }
    }

    extension(Tensor tensor)
    {
        /// <summary>One example as an array [C, H, W], copied.</summary>
        /// <param name="example">Which example of a batch [N, C, H, W]; 0 without a batch axis.</param>
        /// <exception cref="ArgumentException">The tensor has not two to four axes, or there is no such example.</exception>
        public float[,,] ToChw(int example = 0)
        {
            (int batch, int channels, int height, int width) = tensor.Shape.Dims switch
            {
                [int h, int w] => (1, 1, h, w),
                [int c, int h, int w] => (1, c, h, w),
                [int n, int c, int h, int w] => (n, c, h, w),
                _ => throw new ArgumentException($"A picture has two to four axes ([N,] [C,] H, W), but the tensor has shape {tensor.Shape}."),
            };
            if ((uint)example >= (uint)batch) throw new ArgumentException($"There is no example {example}: the tensor has shape {tensor.Shape}.",
                nameof(example));
            float[,,] chw = new float[channels, height, width];
            Copy(tensor.Floats.Slice(example * chw.Length, chw.Length), chw);
            return chw;
        }

        /// <summary>One channel of one example as an array [H, W], copied.</summary>
        /// <param name="channel">The channel.</param>
        /// <param name="example">Which example of a batch.</param>
        /// <exception cref="ArgumentException">The tensor has not two to four axes, or there is no such channel or example.</exception>
        public float[,] ToPlane(int channel, int example = 0)
        {
            float[,,] chw = tensor.ToChw(example);
            if ((uint)channel >= (uint)chw.GetLength(0)) throw new ArgumentException($"There is no channel {channel}: the tensor has shape " +
                $"{tensor.Shape}.", nameof(channel));
            float[,] plane = new float[chw.GetLength(1), chw.GetLength(2)];
            for (int y = 0; y < plane.GetLength(0); y++)
                for (int x = 0; x < plane.GetLength(1); x++)
                    plane[y, x] = chw[channel, y, x];
            return plane;
        }
    }

    private static void Copy(ReadOnlySpan<float> from, Array to) =>
        from.CopyTo(System.Runtime.InteropServices.MemoryMarshal.CreateSpan(
            ref System.Runtime.CompilerServices.Unsafe.As<byte, float>(ref System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(to)), to.Length));
}
