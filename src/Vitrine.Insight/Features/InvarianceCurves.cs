namespace Vitrine.Insight;

/// <summary>A change of pictures that a curve of invariance goes along.</summary>
public enum InvarianceChange
{
    /// <summary>A shift down by a share of the height.</summary>
    Vertical,

    /// <summary>A shift to the right by a share of the width.</summary>
    Horizontal,

    /// <summary>A magnification about the centre.</summary>
    Scale,

    /// <summary>A turn about the centre, in degrees, counter-clockwise.</summary>
    Rotation,
}

/// <summary>How far a layer's features move as a picture is changed, and what the network then makes of it.</summary>
/// <param name="Change">What is done to the picture.</param>
/// <param name="Amounts">How much of it: pixels, a factor or degrees.</param>
/// <param name="Distances">By module call: [amounts], for each the mean over the examples of the Euclidean distance to the features of the picture as it
/// is.</param>
/// <param name="Relative">The same as a share of the length of the features of the picture as it is.</param>
/// <param name="Probability">For each amount the mean over the examples of the probability of the true class.</param>
/// <param name="Accuracy">For each amount the share of examples that are answered rightly.</param>
public sealed record InvarianceCurve(
    InvarianceChange Change, IReadOnlyList<double> Amounts, IReadOnlyDictionary<string, double[]> Distances, IReadOnlyDictionary<string, double[]> Relative,
    IReadOnlyList<double> Probability, IReadOnlyList<double> Accuracy);

/// <summary>
/// How stable features are when pictures are shifted, magnified or turned (Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks",
/// figure 5).
/// </summary>
public static class InvarianceCurves
{
    /// <summary>Goes along one change.</summary>
    /// <param name="model">The network; its output is logits [N, classes].</param>
    /// <param name="inputs">Pictures [N, C, H, W].</param>
    /// <param name="labels">The class of each.</param>
    /// <param name="change">What is done to them.</param>
    /// <param name="amounts">How much: pixels, a factor above 0, or degrees.</param>
    /// <param name="scopes">The module calls whose results are compared.</param>
    /// <param name="outside">What is seen beyond the edge, a value a channel; null repeats the edge.</param>
    /// <param name="cancel">Stops between two amounts.</param>
    /// <exception cref="ArgumentException">The sizes do not belong together, or there is no such module call.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static InvarianceCurve Of(
        Module model, Tensor inputs, IReadOnlyList<int> labels, InvarianceChange change, IReadOnlyList<double> amounts, IReadOnlyList<string> scopes,
        IReadOnlyList<float>? outside = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(amounts);
        ArgumentNullException.ThrowIfNull(scopes);
        if (inputs.Rank != 4 || inputs.Count == 0 || labels.Count != inputs.Shape[0])
        {
            throw new ArgumentException($"{labels.Count} labels and inputs {inputs.Shape}: pictures [N, C, H, W] need a label each.", nameof(inputs));
        }
        int n = inputs.Shape[0];
        using var memory = MemoryScope.Open();
        (Tensor[] still, _) = Answers(inputs);
        double[] probability = new double[amounts.Count], accuracy = new double[amounts.Count];
        var distances = scopes.ToDictionary(s => s, _ => new double[amounts.Count], StringComparer.Ordinal);
        var relative = scopes.ToDictionary(s => s, _ => new double[amounts.Count], StringComparer.Ordinal);
        for (int a = 0; a < amounts.Count; a++)
        {
            cancel.ThrowIfCancellationRequested();
            using var step = MemoryScope.Open();
            (Tensor[] moved, Tensor output) = Answers(Changed(inputs, change, amounts[a], outside));
            Tensor chances = output.Softmax(1);
            int classes = output.Shape[1];
            for (int i = 0; i < n; i++)
            {
                if ((uint)labels[i] >= (uint)classes) throw new ArgumentException($"There is no class {labels[i]} among {classes}.", nameof(labels));
                ReadOnlySpan<float> row = chances.Floats.Slice(i * classes, classes);
                probability[a] += row[labels[i]] / n;
                accuracy[a] += System.Numerics.Tensors.TensorPrimitives.IndexOfMax(row) == labels[i] ? 1.0 / n : 0;
                for (int s = 0; s < scopes.Count; s++)
                {
                    int width = still[s].Count / n;
                    ReadOnlySpan<float> from = still[s].Floats.Slice(i * width, width), to = moved[s].Floats.Slice(i * width, width);
                    double distance = System.Numerics.Tensors.TensorPrimitives.Distance(from, to), length = System.Numerics.Tensors.TensorPrimitives.Norm(from);
                    distances[scopes[s]][a] += distance / n;
                    relative[scopes[s]][a] += (length > 0 ? distance / length : 0) / n;
                }
            }
        }
        return new InvarianceCurve(change, amounts, distances, relative, probability, accuracy);

        (Tensor[] Layers, Tensor Output) Answers(Tensor pictures)
        {
            var run = new Run(fused: false).Tap([.. scopes]);
            Tensor output = model.Call(run, pictures);
            foreach (string scope in scopes)
            {
                if (!run.Taps.TryGetValue(scope, out Tensor? result)) throw new ArgumentException($"There is no module " +
                    $"call {scope}. {Network.Scopes(model, pictures)}", nameof(scopes));
                if (result.Rank == 0 || result.Shape[0] != n) throw new ArgumentException($"{scope} makes {result.Shape} of {n} pictures; their axis should " +
                    $"be the first.", nameof(scopes));
            }
            return ([.. scopes.Select(s => run.Taps[s])], output.Flatten());
        }
    }

    /// <summary>Pictures, changed; places between pixels are interpolated linearly.</summary>
    /// <param name="pictures">[N, C, H, W].</param>
    /// <param name="change">What is done to them.</param>
    /// <param name="amount">How much: pixels, a factor above 0, or degrees.</param>
    /// <param name="outside">What is seen beyond the edge, a value a channel; null repeats the edge.</param>
    /// <exception cref="ArgumentException">They are no pictures, the factor is not above 0, or there is not a value for each channel.</exception>
    public static Tensor Changed(Tensor pictures, InvarianceChange change, double amount, IReadOnlyList<float>? outside = null)
    {
        ArgumentNullException.ThrowIfNull(pictures);
        if (pictures.Rank != 4) throw new ArgumentException($"Pictures are [N, C, H, W], not {pictures.Shape}.", nameof(pictures));
        (int n, int channels, int h, int w) = (pictures.Shape[0], pictures.Shape[1], pictures.Shape[2], pictures.Shape[3]);
        if (change == InvarianceChange.Scale && !(amount > 0)) throw new ArgumentException($"A factor of {amount} leaves nothing to see; it must be above 0.",
            nameof(amount));
        if (outside is not null && outside.Count != channels) throw new ArgumentException($"{outside.Count} values for what is outside of {channels} " +
            $"channels.", nameof(outside));
        float[] result = new float[pictures.Count];
        (double sin, double cos) = change == InvarianceChange.Rotation ? Math.SinCos(amount * Math.PI / 180) : (0, 1);
        double zoom = change == InvarianceChange.Scale ? 1 / amount : 1, middleX = (w - 1) / 2.0, middleY = (h - 1) / 2.0;
        double down = change == InvarianceChange.Vertical ? amount : 0, right = change == InvarianceChange.Horizontal ? amount : 0;
        Work.Split(n * channels, 1, (start, end) =>
        {
            ReadOnlySpan<float> all = pictures.Floats;
            for (int plane = start; plane < end; plane++)
            {
                ReadOnlySpan<float> from = all.Slice(plane * h * w, h * w);
                for (int i = 0; i < h * w; i++)
                {
                    double x = i % w - middleX - right, y = i / w - middleY - down;
                    // Where the pixel came from; rows grow downwards, so a counter-clockwise turn has this sign.
                    double u = (cos * x - sin * y) * zoom + middleX, v = (sin * x + cos * y) * zoom + middleY;
                    result[plane * h * w + i] = (float)Read(from, h, w, u, v, outside?[plane % channels]);
                }
            }
        });
        return Tensor.From(result, pictures.Shape);
    }

    private static double Read(ReadOnlySpan<float> picture, int h, int w, double x, double y, float? outside)
    {
        int left = (int)Math.Floor(x), top = (int)Math.Floor(y);
        double fx = x - left, fy = y - top, sum = 0;
        for (int dy = 0; dy < 2; dy++)
        {
            for (int dx = 0; dx < 2; dx++)
            {
                double share = (dx == 0 ? 1 - fx : fx) * (dy == 0 ? 1 - fy : fy);
                if (share == 0) continue;
                int row = top + dy, column = left + dx;
                bool inside = (uint)row < (uint)h && (uint)column < (uint)w;
                sum += share * (inside || outside is null ? picture[Math.Clamp(row, 0, h - 1) * w + Math.Clamp(column, 0, w - 1)] : outside.Value);
            }
        }
        return sum;
    }
}
