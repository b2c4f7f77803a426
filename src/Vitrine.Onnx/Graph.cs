namespace Vitrine.Onnx;

/// <summary>Where a node finds a value: in its own graph (depth 0) or in one that encloses it.</summary>
/// <param name="Depth">How many graphs outwards.</param>
/// <param name="Slot">Which value of that graph; -1 for an optional input that is left out.</param>
internal readonly record struct Place(int Depth, int Slot)
{
    public static Place None { get; } = new(0, -1);
}

/// <summary>A graph of the file, ready to run: its values are numbered, its nodes stand in an order in which they can run.</summary>
internal sealed class Graph(string name)
{
    /// <summary>The graph's name in the file.</summary>
    public string Name { get; } = name;

    /// <summary>What every run starts from: initializers in their places, nothing elsewhere.</summary>
    public Value?[] Template { get; set; } = [];

    /// <summary>The name of each value.</summary>
    public IReadOnlyList<string> Names { get; set; } = [];

    /// <summary>Where the inputs go that a caller gives.</summary>
    public IReadOnlyList<(string Name, int Slot)> Inputs { get; set; } = [];

    /// <summary>Where the outputs come from.</summary>
    public IReadOnlyList<(string Name, Place Place)> Outputs { get; set; } = [];

    /// <summary>The nodes as they are written.</summary>
    public IReadOnlyList<OnnxNode> Nodes { get; set; } = [];

    /// <summary>The same computation for runs that ask for nothing but the answer, or null.</summary>
    public Shortcut? Shortcut { get; set; }
}

/// <summary>The values of one run of a graph.</summary>
internal sealed class Frame(Value?[] values, Frame? outer)
{
    private int _iterations;

    public Value? this[Place place]
    {
        get
        {
            if (place.Slot < 0) return null;
            Frame frame = this;
            for (int i = 0; i < place.Depth; i++) frame = frame.Outer!;
            return frame.Values[place.Slot];
        }
    }

    public Value?[] Values => values;

    public Frame? Outer => outer;

    /// <summary>How often bodies of loops have run in this run, this time included.</summary>
    public int Iterate()
    {
        Frame main = this;
        while (main.Outer is not null) main = main.Outer;
        return ++main._iterations;
    }
}
