namespace Vitrine.Experiments;

/// <summary>What <c>vitrine units</c> is to do.</summary>
public sealed record UnitsOptions
{
    /// <summary>An ONNX file, or weights that <c>vitrine tour</c> or <c>vitrine train</c> wrote.</summary>
    public required string Model { get; init; }

    /// <summary>The examples to look at: a data set by name, or a folder of pictures.</summary>
    public required string Data { get; init; }

    /// <summary>The folder that holds data sets by name; null for VITRINE_DATA or the user's own.</summary>
    public string? DataRoot { get; init; }

    /// <summary>Whether the examples to learn from are looked at, or those to be judged by.</summary>
    public bool Train { get; init; } = true;

    /// <summary>At most so many examples; null for all.</summary>
    public int? Examples { get; init; }

    /// <summary>The layers by scope; null for every convolution and dense layer.</summary>
    public IReadOnlyList<string>? Layers { get; init; }

    /// <summary>How many units of a layer are drawn, spread evenly over it; the search covers all.</summary>
    public int Units { get; init; } = 16;

    /// <summary>How many examples are kept of each unit.</summary>
    public int Top { get; init; } = 9;

    /// <summary>The example whose feature maps are drawn, from 0.</summary>
    public int Example { get; init; }

    /// <summary>Whether curves of invariance are drawn, which needs examples with classes.</summary>
    public bool Invariance { get; init; }

    /// <summary>The same network at earlier stages of its training, earliest first: how its units came to be.</summary>
    public IReadOnlyList<string> Checkpoints { get; init; } = [];

    /// <summary>Whether units are compared with the concepts whose masks the data has, or <see cref="Masks"/>.</summary>
    public bool Dissect { get; init; }

    /// <summary>A folder of masks for a folder of pictures: a sub-folder a concept, files named like the pictures; or null.</summary>
    public string? Masks { get; init; }

    /// <summary>Whether parts are hidden to see if the network knows them: <see cref="Parts"/>, or the boxes around the masks.</summary>
    public bool Correspondence { get; init; }

    /// <summary>Parts that are at the same place in every picture.</summary>
    public IReadOnlyList<NamedPart> Parts { get; init; } = [];

    /// <summary>How pictures become the network's input: a built-in name or a file; null lets the network's input decide.</summary>
    public string? Preprocess { get; init; }

    /// <summary>A file of the names of the classes; or null.</summary>
    public string? Labels { get; init; }

    /// <summary>The folder that everything goes to.</summary>
    public string Output { get; init; } = "units";

    /// <summary>The seed of generated data.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>How many examples are run at a time.</summary>
    public int Batch { get; init; } = 64;

    /// <summary>Whether a search that was interrupted goes on where it stopped.</summary>
    public bool Resume { get; init; }
}

/// <summary>An example that excites a unit.</summary>
/// <param name="Example">Its number in the data.</param>
/// <param name="Name">Its name or file.</param>
/// <param name="Label">Its class, or null.</param>
/// <param name="Value">The unit's activation.</param>
/// <param name="Position">Where in the layer's result: channel, row, column.</param>
/// <param name="Field">The box of the input that the unit sees there: first row, first column, one past the last row and column; null for units that are not
/// drawn.</param>
public sealed record UnitExample(int Example, string Name, string? Label, double Value, IReadOnlyList<int> Position, IReadOnlyList<int>? Field);

/// <summary>A unit and what excites it.</summary>
/// <param name="Unit">Its number.</param>
/// <param name="Top">The examples, the most exciting first.</param>
public sealed record UnitRow(int Unit, IReadOnlyList<UnitExample> Top);

/// <summary>A layer and its units.</summary>
/// <param name="Layer">The scope.</param>
/// <param name="Shape">The shape of its result for one example.</param>
/// <param name="Field">Rows and columns that a unit in the middle sees, or null where inputs are no planes.</param>
/// <param name="Assumed">Operators whose geometry is not known and that count as reading everything; or null.</param>
/// <param name="Page">The page.</param>
/// <param name="Units">All units.</param>
public sealed record UnitLayer(string Layer, IReadOnlyList<int> Shape, IReadOnlyList<int>? Field, string? Assumed, string Page, IReadOnlyList<UnitRow> Units);

/// <summary>What came out.</summary>
/// <param name="Model">The model.</param>
/// <param name="Data">The data.</param>
/// <param name="Examples">How many examples were looked at.</param>
/// <param name="SearchSeconds">How long the pass over the data took, without what an earlier run had done.</param>
/// <param name="Layers">The layers.</param>
/// <param name="Dissection">How units agree with concepts, a layer each; null where it was not asked for.</param>
/// <param name="Correspondence">How alike layers change when a part is hidden, each part in each layer; null where it was not asked for.</param>
public sealed record UnitsResult(
    string Model, string Data, int Examples, double SearchSeconds, IReadOnlyList<UnitLayer> Layers, IReadOnlyList<LayerDissection>? Dissection = null,
    IReadOnlyList<PartCorrespondence>? Correspondence = null)
{
    /// <summary>The result as one JSON object.</summary>
    /// <param name="indented">Over several lines, for people.</param>
    public string ToJson(bool indented = false) =>
        System.Text.Json.JsonSerializer.Serialize(this, indented ? ResultJson.Indented.UnitsResult : ResultJson.Default.UnitsResult);
}
