namespace Vitrine.Models;

/// <summary>
/// A captioner that looks at the picture anew for each word (Xu et al. 2015, "Show, attend and tell: neural image caption generation with visual attention"),
/// with soft attention. A small convolutional network makes a grid of annotations, one vector for each place; long short-term memory writes the caption. Before
/// each word it looks at the places, weighted by <c>attention.attention</c> (of the t-th word: <c>attention.attention#t</c>); see <see cref="Looks"/>.
/// </summary>
/// <remarks>
/// <para>
/// Inputs: pictures [N, 3, H, W] and captions shifted by one [N, T] (Int64); output: logits [N, T, words]. Called with pictures alone it writes
/// <see cref="Longest"/> words by itself, each time the likeliest, and gives their logits: that is the form to export, for what it reads is a picture.
/// Parameters: <c>encoder.*</c>, <c>rows.weight</c>, <c>columns.weight</c>, <c>words.weight</c>, <c>hidden0.*</c>, <c>cell0.*</c>, <c>attention.*</c>,
/// <c>gate.*</c>, <c>decoder.*</c>, <c>from_hidden.*</c>, <c>from_context.*</c>, <c>output.*</c>.
/// </para>
/// <para>
/// Of the paper are: the scores of places by the hidden state before the word (equations 4 to 6, with Bahdanau's additive form), their sum (13), the gate on it
/// (section 4.2.1), what the memory reads (1 to 3), its first state from the mean annotation, and the deep output layer (7). Ours are: the small encoder in
/// place of VGG, and learned vectors of rows and columns added to the annotations, which a deep network with padding tells by itself.
/// </para>
/// </remarks>
public sealed class ShowAttendTell : Module
{
    private const int Stride = 8; // pixels from one place of the grid to the next

    private readonly Sequential _encoder;
    private readonly Embedding _rows, _columns, _words;
    private readonly Linear _hidden, _cell, _gate, _fromHidden, _fromContext, _output;
    private readonly Lstm _decoder;

    /// <summary>Creates the network.</summary>
    /// <param name="weights">Where its parameters come from.</param>
    /// <param name="words">How many words it knows; the first begins a caption.</param>
    /// <param name="side">Height and width of pictures; a multiple of 8.</param>
    /// <param name="longest">How many words it writes by itself.</param>
    /// <param name="features">C: the numbers of an annotation.</param>
    /// <param name="hidden">The units of the memory, and of the attention's scores.</param>
    /// <param name="embedding">How many numbers stand for a word.</param>
    /// <exception cref="ArgumentOutOfRangeException">The side is no multiple of 8.</exception>
    public ShowAttendTell(Weights weights, int words, int side = 64, int longest = 9, int features = 64, int hidden = 64, int embedding = 32)
        : base(weights)
    {
        if (side < Stride || side % Stride != 0) throw new ArgumentOutOfRangeException(nameof(side), side, "The side of pictures is a multiple of 8.");
        ArgumentOutOfRangeException.ThrowIfLessThan(longest, 1);
        (Grid, Longest) = (side / Stride, longest);
        Weights encoder = weights.In("encoder");
        // Windows of four with steps of two stand even around the square of pixels that they become: place (y, x) looks at the picture around the middle of its
        // square of 8 x 8 pixels.
        _encoder = new Sequential(
            encoder,
            [
                .. Block(1, 3, 24, kernel: 4, stride: 2),               // [N, 24, H/2, W/2]
                .. Block(2, 24, 48, kernel: 4, stride: 2),              // [N, 48, H/4, W/4]
                .. Block(3, 48, 48, kernel: 3, stride: 1),              // [N, 48, H/4, W/4]
                .. Block(4, 48, features, kernel: 4, stride: 2),        // [N, C, H/8, W/8]
                .. Block(5, features, features, kernel: 1, stride: 1),  // [N, C, H/8, W/8]
            ]);
        _rows = new Embedding(weights.In("rows"), Grid, features);
        _columns = new Embedding(weights.In("columns"), Grid, features);
        _words = new Embedding(weights.In("words"), words, embedding);
        _hidden = new Linear(weights.In("hidden0"), features, hidden);
        _cell = new Linear(weights.In("cell0"), features, hidden);
        Attention = new AdditiveAttention(weights.In("attention"), hidden, features, hidden);
        _gate = new Linear(weights.In("gate"), hidden, 1);
        _decoder = new Lstm(weights.In("decoder"), embedding + features, hidden);
        _fromHidden = new Linear(weights.In("from_hidden"), hidden, embedding, bias: false);
        _fromContext = new Linear(weights.In("from_context"), features, embedding, bias: false);
        _output = new Linear(weights.In("output"), embedding, words);

        Module[] Block(int number, int inputs, int outputs, int kernel, int stride) =>
        [
            new Conv2d(encoder.In($"conv{number}"), inputs, outputs, kernel, stride, padding: kernel == 1 ? 0 : 1, bias: false),
            new BatchNorm(encoder.In($"bn{number}"), outputs),
            Layer.Relu(encoder.In($"relu{number}")),
        ];
    }

    /// <summary>Rows, and columns, of the grid of places.</summary>
    public int Grid { get; }

    /// <summary>How many words it writes by itself.</summary>
    public int Longest { get; }

    /// <summary>The attention to the grid of places, called once for each word.</summary>
    public AdditiveAttention Attention { get; }

    /// <summary>The scopes under which a run taps where the network looks before each word: weights [N, 1, places].</summary>
    /// <param name="words">How many words.</param>
    public string[] Looks(int words) => [.. Enumerable.Range(1, words).Select(t => t == 1 ? Attention.Attention.Path : $"{Attention.Attention.Path}#{t}")];

    /// <summary>
    /// What the paper adds to the loss so that no part of a picture is passed over (equation 14): the mean over pictures of the sum over places of
    /// (1 - the sum over words of the weights)^2.
    /// </summary>
    /// <param name="weights">The weights before each word, each [N, 1, places].</param>
    public static Tensor DoublyStochastic(params IReadOnlyList<Tensor> weights)
    {
        Tensor all = TensorOps.Concat(1, [.. weights]);      // [N, T, places]
        return (1 - all.Sum([1])).Square().Sum([1]).Mean();  // over words, over places, over pictures
    }

    /// <inheritdoc/>
    protected override Tensor Forward(Run run, Tensor pictures)
    {
        (Tensor places, Tensor[] state) = Look(run, pictures);
        // The word before is a row of ones and zeros, not a number: the choice is then made of operators, and a file can hold it.
        Tensor table = _words.Weight.Value;                                                          // [words, embedding]
        Tensor word = table.Slice(0, 0, 1).Expand([pictures.Shape[0], table.Shape[1]]);              // [N, embedding]
        var logits = new Tensor[Longest];
        for (int t = 0; t < Longest; t++)
        {
            (logits[t], state) = Write(run, places, word, state);
            if (t < Longest - 1) word = logits[t].EqualTo(logits[t].Max([1], keepDims: true)).Cast(DType.Float32).MatMul(table);
        }
        return TensorOps.Stack(1, logits);                                                           // [N, longest, words]
    }

    /// <inheritdoc/>
    protected override Tensor[] Forward(Run run, Tensor[] inputs)
    {
        if (inputs.Length == 1) return [Forward(run, inputs[0])];
        if (inputs.Length != 2) throw new ArgumentException($"ShowAttendTell takes pictures, and perhaps captions, not {inputs.Length} inputs.");
        (Tensor places, Tensor[] state) = Look(run, inputs[0]);
        Tensor words = _words.Call(run, inputs[1]);                                                  // [N, T, embedding]
        var logits = new Tensor[words.Shape[1]];
        for (int t = 0; t < logits.Length; t++) (logits[t], state) = Write(run, places, words.Slice(1, t, t + 1).Squeeze(1), state);
        return [TensorOps.Stack(1, logits)];                                                         // [N, T, words]
    }

    /// <summary>The annotations [N, places, C], and what the memory begins with: h and c [1, N, H].</summary>
    private (Tensor Places, Tensor[] State) Look(Run run, Tensor pictures)
    {
        Tensor x = _encoder.Call(run, pictures);                                                     // [N, C, grid, grid]
        if (x.Rank != 4 || x.Shape[2] != Grid || x.Shape[3] != Grid)
            throw new ArgumentException($"The network was made for pictures of {Grid * Stride} x {Grid * Stride}, not {pictures.Shape}.", nameof(pictures));
        x = x.Reshape(x.Shape[0], x.Shape[1], Grid * Grid).Permute(0, 2, 1);                         // [N, places, C]
        Tensor rows = _rows.Call(run, Tensor.Range(Grid)), columns = _columns.Call(run, Tensor.Range(Grid));
        x += (rows.Unsqueeze(1) + columns.Unsqueeze(0)).Reshape(Grid * Grid, x.Shape[2]);
        Tensor mean = x.Mean([1]);                                                                   // [N, C]
        return (x, [_hidden.Call(run, mean).Tanh().Unsqueeze(0), _cell.Call(run, mean).Tanh().Unsqueeze(0)]);
    }

    /// <summary>One word: logits [N, words], and the memory after it.</summary>
    private (Tensor Logits, Tensor[] State) Write(Run run, Tensor places, Tensor before, Tensor[] state)
    {
        Tensor hidden = state[0].Squeeze(0);                                                         // [N, H]
        Tensor context = Attention.Call(run, hidden.Unsqueeze(1), places, places)[0].Squeeze(1);     // [N, C]
        context *= _gate.Call(run, hidden).Sigmoid();
        Tensor[] read = _decoder.Call(run, TensorOps.Concat(1, before, context).Unsqueeze(1), state[0], state[1]);
        hidden = read[0].Squeeze(1);                                                                 // [N, H]
        Tensor said = before + _fromHidden.Call(run, hidden) + _fromContext.Call(run, context);      // [N, embedding]
        return (_output.Call(run, said), [read[1], read[2]]);
    }
}
