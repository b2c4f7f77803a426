using Vitrine.Insight;

namespace Vitrine.Experiments;

/// <summary>What every cell of a character language model held after every character of a stretch of text.</summary>
internal sealed class CellReader
{
    private const int Rows = 16;     // stretches read side by side
    private const int Length = 256;  // characters of each in one run
    private const int WarmUp = 512;  // characters each stretch reads before it counts, so that no cell is judged before it could know

    private CellReader(int from, int count, Tensor cells, Tensor hidden, IReadOnlyList<GateStatistics> gates) =>
        (From, Count, Cells, Hidden, Gates) = (from, count, cells, hidden, gates);

    /// <summary>Where the stretch begins in the text.</summary>
    public int From { get; }

    /// <summary>How many characters it has.</summary>
    public int Count { get; }

    /// <summary>[layers H, characters]: the cells c, those of the first layer first.</summary>
    public Tensor Cells { get; }

    /// <summary>[layers H, characters]: the hidden states h.</summary>
    public Tensor Hidden { get; }

    /// <summary>Of each layer, how often its gates were shut and open.</summary>
    public IReadOnlyList<GateStatistics> Gates { get; }

    /// <summary>Reads about <paramref name="count"/> characters of a text from a place on; the network may read what stands before.</summary>
    /// <param name="model">The model.</param>
    /// <param name="text">The whole text.</param>
    /// <param name="from">Where the stretch begins.</param>
    /// <param name="count">At most how many characters, and no more than the text has.</param>
    /// <param name="cancel">Ends the reading.</param>
    public static CellReader Read(TextModel model, string text, int from, int count, CancellationToken cancel)
    {
        int warm = Math.Min(WarmUp, text.Length / 8), size = model.Network.Hidden, layers = model.Network.Layers;
        if (from < warm) (from, count) = (warm, count - (warm - from));
        int each = Math.Min(count, text.Length - from) / Rows;
        count = each * Rows;
        long[] characters = model.Vocabulary.Encode(text.AsSpan(from - warm, warm + count)).Longs.ToArray();
        float[] cells = new float[layers * size * count], hidden = new float[cells.Length];
        GateStatistics[] gates = [.. Enumerable.Range(0, layers).Select(_ => new GateStatistics(size))];
        (Tensor h, Tensor c) = model.Network.Start(Rows);
        for (int at = -warm, length; at < each; at += length)
        {
            cancel.ThrowIfCancellationRequested();
            // What warms up and what counts are read apart, so that a run is one or the other.
            length = Math.Min(Length, (at < 0 ? 0 : each) - at);
            using var scope = MemoryScope.Open();
            long[] rows = new long[Rows * length];
            for (int row = 0; row < Rows; row++) characters.AsSpan(warm + row * each + at, length).CopyTo(rows.AsSpan(row * length));
            Tensor[] outputs = model.Network.Call(new Run(recording: at >= 0), Tensor.From(rows, [Rows, length]), h, c);
            if (at >= 0)
            {
                IReadOnlyList<LstmGates> inside = LstmGates.Behind(outputs[0]);
                for (int layer = 0; layer < layers; layer++)
                {
                    gates[layer].Add(inside[layer]);
                    Spread(inside[layer].Cell, cells, layer, at);
                    Spread(inside[layer].Hidden, hidden, layer, at);
                }
            }
            (h, c) = (scope.Keep(outputs[1]), scope.Keep(outputs[2]));
        }
        return new CellReader(from, count, Tensor.From(cells, [layers * size, count]), Tensor.From(hidden, [layers * size, count]), gates);

        // [N, T, H] to a row for each unit, the stretches one after the other as they stand in the text.
        void Spread(Tensor values, float[] to, int layer, int at)
        {
            ReadOnlySpan<float> all = values.Floats;
            int steps = values.Shape[1];
            for (int row = 0; row < Rows; row++)
                for (int step = 0; step < steps; step++)
                    for (int k = 0; k < size; k++)
                        to[(layer * size + k) * count + row * each + at + step] = all[(row * steps + step) * size + k];
        }
    }
}
