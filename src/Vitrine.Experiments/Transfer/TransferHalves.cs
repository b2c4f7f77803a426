using Vitrine.Data;

namespace Vitrine.Experiments;

/// <summary>Examples of some of the classes, numbered anew.</summary>
/// <param name="Classes">Their numbers in the data set, ascending.</param>
/// <param name="Train">What is learned from.</param>
/// <param name="Judge">What is judged by; no example of it is among those to learn from.</param>
internal sealed record TransferHalf(IReadOnlyList<int> Classes, Dataset Train, Dataset Judge);

/// <summary>A data set whose pictures are centred, and its division into two halves of classes.</summary>
internal sealed class TransferHalves
{
    private readonly Dataset _pool;
    private readonly int _learnable;

    /// <summary>Joins what may be learned from and what may not.</summary>
    /// <exception cref="DataException">The pictures are not square, or there are fewer than four classes.</exception>
    public TransferHalves(DataSplit split)
    {
        Shape shape = split.Train.InputShape;
        if (shape.Rank != 3 || shape[1] != shape[2])
            throw new DataException($"The experiment takes square pictures; these are {shape}.", "Choose another data set.");
        if (split.Train.Classes.Count < 4)
            throw new DataException($"Two halves of {split.Train.Classes.Count} classes would have one class each, or none.",
                "Choose a data set of four classes or more.");
        _learnable = split.Train.Count;
        _pool = Centred(split);
        (Channels, Side) = (shape[0], shape[1]);
    }

    public int Channels { get; }

    public int Side { get; }

    public IReadOnlyList<string> ClassNames => _pool.Classes;

    /// <summary>Which classes belong to A and which to B: every class to one of them, B has no more than A.</summary>
    public static (int[] A, int[] B) Divide(int classes, ulong seed)
    {
        int[] order = new RandomSource(new RandomSource(seed).Derive("classes")).Permutation(classes);
        int half = (classes + 1) / 2;
        return ([.. order[..half].Order()], [.. order[half..].Order()]);
    }

    /// <summary>
    /// A half for a seed. The test part is always judged by; of the training part, the first so many examples of each class in an order drawn by the seed are
    /// learned from, and what is left over is judged by too, up to the limit: a few hundred more make an accuracy much surer. What is judged by does not
    /// depend on how many are learned from, as long as those are at most <paramref name="most"/>.
    /// </summary>
    /// <exception cref="DataException">A class has too few examples.</exception>
    public TransferHalf Half(IReadOnlyList<int> classes, ulong seed, int perClass, int most, int judged)
    {
        int[] order = new RandomSource(new RandomSource(seed).Derive("examples")).Permutation(_learnable);
        List<(int Example, int Label)> train = [], judge = [];
        ReadOnlySpan<long> labels = _pool.Labels.Longs;
        for (int k = 0; k < classes.Count; k++)
        {
            var learn = new List<int>();
            var rest = new List<int>();
            foreach (int i in order)
            {
                if (labels[i] == classes[k]) (learn.Count < most ? learn : rest).Add(i);
            }
            if (learn.Count < most)
            {
                throw new DataException($"The class {_pool.Classes[classes[k]]} has {learn.Count} training examples, not {most}.",
                    "Ask for fewer with --per-class.");
            }
            var seen = new List<int>();
            for (int i = _learnable; i < _pool.Count; i++)
            {
                if (labels[i] == classes[k]) seen.Add(i);
            }
            train.AddRange(learn.Take(perClass).Select(i => (i, k)));
            judge.AddRange(seen.Concat(rest).Take(judged).Select(i => (i, k)));
        }
        string[] names = [.. classes.Select(c => _pool.Classes[c])];
        return new(classes, Part(train, names), Part(judge, names));
    }

    private Dataset Part(List<(int Example, int Label)> examples, string[] names) => new(
        _pool.Batch([.. examples.Select(e => e.Example)]).Inputs, Tensor.From([.. examples.Select(e => (long)e.Label)], [examples.Count]), names);

    // Mean 0 and deviation 1 in each channel, measured on what may be learned from, without a look at a label.
    private static Dataset Centred(DataSplit split)
    {
        Shape shape = split.Train.InputShape;
        int channels = shape[0], plane = shape[1] * shape[2], size = channels * plane, learnable = split.Train.Count, count = learnable + split.Test.Count;
        float[] pixels = new float[(long)count * size];
        split.Train.Inputs.Floats.CopyTo(pixels);
        split.Test.Inputs.Floats.CopyTo(pixels.AsSpan(learnable * size));
        for (int c = 0; c < channels; c++)
        {
            double sum = 0, squares = 0;
            for (int i = 0; i < learnable; i++)
            {
                foreach (float value in pixels.AsSpan(i * size + c * plane, plane))
                {
                    sum += value;
                    squares += (double)value * value;
                }
            }
            double mean = sum / ((double)learnable * plane), deviation = Math.Sqrt(Math.Max(1e-12, squares / ((double)learnable * plane) - mean * mean));
            for (int i = 0; i < count; i++)
            {
                foreach (ref float value in pixels.AsSpan(i * size + c * plane, plane)) value = (float)((value - mean) / deviation);
            }
        }
        long[] labels = [.. split.Train.Labels.Longs, .. split.Test.Labels.Longs];
        return new Dataset(Tensor.From(pixels, [count, channels, shape[1], shape[2]]), Tensor.From(labels, [count]), split.Train.Classes);
    }
}
