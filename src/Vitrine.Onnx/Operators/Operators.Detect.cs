namespace Vitrine.Onnx;

/// <content>What detectors are made of.</content>
internal static partial class Operators
{
    [Onnx(10)]
    private static Value NonMaxSuppression(
        Tensor boxes, Tensor scores, Tensor? maxOutputBoxesPerClass = null, Tensor? iouThreshold = null, Tensor? scoreThreshold = null, int centerPointBox = 0)
    {
        if (boxes.Rank != 3 || scores.Rank != 3 || boxes.Shape[2] != 4 || scores.Shape[2] != boxes.Shape[1] || scores.Shape[0] != boxes.Shape[0])
        {
            throw new ArgumentException($"boxes [N, B, 4] and scores [N, classes, B], not {boxes.Shape} and {scores.Shape}");
        }
        long most = maxOutputBoxesPerClass is null ? 0 : Integers.Single(maxOutputBoxesPerClass);
        float overlap = iouThreshold?.Item() ?? 0, least = scoreThreshold?.Item() ?? float.NegativeInfinity;
        int count = boxes.Shape[1], classes = scores.Shape[1];
        float[] b = boxes.ToArray(), s = scores.ToArray();
        var chosen = new List<long>();
        for (int n = 0; n < boxes.Shape[0]; n++)
        {
            for (int c = 0; c < classes; c++)
            {
                var kept = new List<int>();
                int offset = (n * classes + c) * count;
                foreach (int i in Enumerable.Range(0, count).Where(i => s[offset + i] > least).OrderByDescending(i => s[offset + i]))
                {
                    if (kept.Count >= most) break;
                    if (kept.Any(k => Overlap(b.AsSpan((n * count + k) * 4, 4), b.AsSpan((n * count + i) * 4, 4)) > overlap)) continue;
                    kept.Add(i);
                    chosen.AddRange([n, c, i]);
                }
            }
        }
        return Value.Of(Tensor.From([.. chosen], [chosen.Count / 3, 3]));

        // Intersection over union. Boxes are two opposite corners in any order, or centre and size.
        double Overlap(ReadOnlySpan<float> p, ReadOnlySpan<float> q)
        {
            (double x0, double y0, double x1, double y1) = Corners(p);
            (double u0, double v0, double u1, double v1) = Corners(q);
            double both = Math.Max(0, Math.Min(x1, u1) - Math.Max(x0, u0)) * Math.Max(0, Math.Min(y1, v1) - Math.Max(y0, v0));
            double either = (x1 - x0) * (y1 - y0) + (u1 - u0) * (v1 - v0) - both;
            return either > 0 ? both / either : 0;
        }

        (double, double, double, double) Corners(ReadOnlySpan<float> p) => centerPointBox != 0
            ? (p[0] - p[2] / 2, p[1] - p[3] / 2, p[0] + p[2] / 2, p[1] + p[3] / 2)
            : (Math.Min(p[1], p[3]), Math.Min(p[0], p[2]), Math.Max(p[1], p[3]), Math.Max(p[0], p[2]));
    }

    /// <summary>Places where the regions' corners lie half a pixel off.</summary>
    [Onnx(10, Name = "RoiAlign")]
    private static Tensor RoiAlignOfCorners(
        Call call, Tensor x, Tensor rois, Tensor batchIndices, string mode = "avg", int outputHeight = 1, int outputWidth = 1, int samplingRatio = 0,
        float spatialScale = 1) =>
        RoiAlign(call, x, rois, batchIndices, "output_half_pixel", mode, outputHeight, outputWidth, samplingRatio, spatialScale);

    [Onnx(16)]
    private static Tensor RoiAlign(
        Call call, Tensor x, Tensor rois, Tensor batchIndices, string coordinateTransformationMode = "half_pixel", string mode = "avg", int outputHeight = 1,
        int outputWidth = 1, int samplingRatio = 0, float spatialScale = 1)
    {
        int c = x.Shape[1], h = x.Shape[2], w = x.Shape[3], count = rois.Shape[0];
        if (rois.Rank != 2 || rois.Shape[1] != 4 || batchIndices.Count != count || outputHeight < 1 || outputWidth < 1 || h < 1 || w < 1)
        {
            throw new ArgumentException("regions are [R, 4], one batch index each");
        }
        bool half = coordinateTransformationMode == "half_pixel";
        Tensor planes = x.Permute(0, 2, 3, 1).Reshape(x.Shape[0] * h * w, c); // a row a pixel
        Tensor batches = Integers.Positions(batchIndices, x.Shape[0]);
        var parts = new List<Tensor>();
        for (int r = 0; r < count; r++)
        {
            double offset = half ? 0.5 : 0, x0 = rois.Floats[r * 4] * spatialScale - offset, y0 = rois.Floats[r * 4 + 1] * spatialScale - offset;
            double width = rois.Floats[r * 4 + 2] * spatialScale - offset - x0, height = rois.Floats[r * 4 + 3] * spatialScale - offset - y0;
            if (!half) (width, height) = (Math.Max(width, 1), Math.Max(height, 1));
            int gh = samplingRatio > 0 ? samplingRatio : (int)Math.Clamp(Math.Ceiling(height / outputHeight), 1, h);
            int gw = samplingRatio > 0 ? samplingRatio : (int)Math.Clamp(Math.Ceiling(width / outputWidth), 1, w);
            int samples = call.Room(outputHeight, outputWidth, gh, gw, 4);
            long[] places = new long[samples];
            float[] weights = new float[samples];
            for (int i = 0; i < samples; i += 4)
            {
                int s = i / 4, ix = s % gw, iy = s / gw % gh, ox = s / (gw * gh) % outputWidth, oy = s / (gw * gh * outputWidth);
                double px = x0 + (ox + (ix + 0.5) / gw) * width / outputWidth, py = y0 + (oy + (iy + 0.5) / gh) * height / outputHeight;
                bool outside = !(px >= -1 && px <= w && py >= -1 && py <= h);
                (px, py) = (Math.Clamp(px, 0, w - 1), Math.Clamp(py, 0, h - 1));
                int left = (int)px, top = (int)py;
                for (int k = 0; k < 4; k++)
                {
                    int col = Math.Min(left + k % 2, w - 1), row = Math.Min(top + k / 2, h - 1);
                    places[i + k] = (batches.Longs[r] * h + row) * w + col;
                    double wx = k % 2 == 0 ? 1 - (px - left) : px - left, wy = k / 2 == 0 ? 1 - (py - top) : py - top;
                    weights[i + k] = outside ? 0 : (float)(wx * wy);
                }
            }
            Tensor read = planes.IndexSelect(0, Tensor.From(places, [samples])) * Tensor.From(weights, [samples, 1]);
            read = read.Reshape(outputHeight * outputWidth, gh * gw, 4, c);
            // The maximum is over the weighted corners, as the format's definition has it.
            Tensor pooled = mode == "max" ? read.Max([1, 2]) : read.Sum([2]).Mean([1]); // [OH OW, C]
            parts.Add(pooled.Permute(1, 0).Reshape(1, c, outputHeight, outputWidth));
        }
        return parts.Count == 0 ? Tensor.Zeros([0, c, outputHeight, outputWidth]) : TensorOps.Concat(0, [.. parts]);
    }

    [Onnx(18, Name = "Col2Im")]
    private static Tensor ColumnsToImage(Call call, Tensor input, Tensor imageShape, Tensor blockShape, int[]? dilations = null, int[]? pads = null,
        int[]? strides = null)
    {
        int[] image = Integers.Ints(imageShape), block = Integers.Ints(blockShape);
        int axes = image.Length, taps = Product(block), n = input.Shape[0], c = input.Shape[1] / Math.Max(1, taps), windows = input.Shape[2];
        int[] d = dilations ?? Windows.Ones(axes), p = pads ?? new int[2 * axes], s = strides ?? Windows.Ones(axes);
        int[] padded = [.. image.Select((e, i) => e + p[i] + p[axes + i])];
        int size = call.Room([.. padded.Select(e => (long)e)]);
        int[] counts = [.. padded.Select((e, i) => (e - d[i] * (block[i] - 1) - 1) / s[i] + 1)];
        if (c * taps != input.Shape[1] || Product(counts) != windows)
        {
            throw new ArgumentException($"columns {input.Shape} do not make an image of [{string.Join(", ", image)}]");
        }
        long[] places = new long[taps * windows];
        for (int i = 0; i < places.Length; i++)
        {
            int tap = i / windows, window = i % windows;
            long place = 0, stride = 1;
            for (int a = axes - 1; a >= 0; a--)
            {
                place += stride * (window % counts[a] * s[a] + tap % block[a] * d[a]);
                stride *= padded[a];
                (window, tap) = (window / counts[a], tap / block[a]);
            }
            places[i] = place;
        }
        Tensor index = Tensor.From(places, [places.Length]).Unsqueeze(0).Expand([n * c, places.Length]);
        Tensor y = Tensor.Zeros([n * c, size]).ScatterAdd(1, index, input.Reshape(n * c, places.Length));
        y = y.Reshape(Vitrine.Shape.Create([n, c, .. padded]));
        for (int a = 0; a < axes; a++) y = y.Slice(a + 2, p[a], p[a] + image[a]);
        return y;
    }
}
