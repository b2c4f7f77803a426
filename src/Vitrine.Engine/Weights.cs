using System.Diagnostics.CodeAnalysis;

namespace Vitrine;

/// <summary>
/// A trainable tensor with a name. Its value is the one kind of tensor that changes: the optimizer that trains it, and <see cref="Assign"/>, write in place,
/// so a graph must be differentiated before the step that follows it. Copy the elements to keep a state.
/// </summary>
public sealed class Parameter
{
    internal Parameter(string name, Tensor value, bool isBuffer)
    {
        Name = name;
        Value = isBuffer ? value : value.Watch();
        IsBuffer = isBuffer;
    }

    /// <summary>PyTorch's name: <c>features.3.weight</c>.</summary>
    public string Name { get; }

    /// <summary>The value; a watched leaf, always the same object.</summary>
    public Tensor Value { get; }

    /// <summary>Whether this is saved but not trained (running statistics).</summary>
    public bool IsBuffer { get; }

    /// <summary>Whether optimizers leave this parameter alone.</summary>
    public bool IsFrozen { get; set; }

    /// <summary>Overwrites the value.</summary>
    /// <exception cref="ArgumentException">The shape is another.</exception>
    public void Assign(Tensor value)
    {
        if (value.Shape != Value.Shape) throw new ArgumentException($"{Name} has shape {Value.Shape}, not {value.Shape}.", nameof(value));
        value.Floats.CopyTo(Value.MutableFloats);
    }

    /// <summary>The value, where an operator wants a tensor.</summary>
    [return: NotNullIfNotNull(nameof(parameter))]
    public static implicit operator Tensor?(Parameter? parameter) => parameter?.Value;

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Value.Shape}";
}

/// <summary>
/// Where parameters come from: drawn at random or read from a file, by the same names. A module asks for what it needs as it is constructed; initialising and
/// loading are one path.
/// </summary>
public sealed class Weights
{
    private readonly Registry _registry;

    private Weights(Registry registry, string path)
    {
        _registry = registry;
        Path = path;
    }

    /// <summary>The prefix of the names asked for here; empty at the root.</summary>
    public string Path { get; }

    /// <summary>Fresh weights, drawn by each parameter's own initialiser. Each name has its own random stream: adding a layer does not change the
    /// others.</summary>
    public static Weights Random(ulong seed) => new(new Registry(new RandomSource(seed), null, "fresh weights"), "");

    /// <summary>Weights of a file: safetensors, npz, or a state dictionary of PyTorch.</summary>
    /// <exception cref="TensorFileException">The file is not sound.</exception>
    public static Weights Load(string path) => new(new Registry(null, TensorFile.Load(path), path), "");

    /// <summary>Weights given by name.</summary>
    public static Weights From(IReadOnlyDictionary<string, Tensor> state) => new(new Registry(null, state, "the given weights"), "");

    /// <summary>A place below this one: <c>weights.In("features").In("3")</c> asks for <c>features.3.weight</c>.</summary>
    public Weights In(string name) => new(_registry, Path.Length == 0 ? name : $"{Path}.{name}");

    /// <summary>A trainable parameter.</summary>
    /// <param name="name">The last part of its name: <c>weight</c>.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="init">How it is drawn when the weights are fresh.</param>
    /// <exception cref="ArgumentException">The name was asked for before, is missing in the file, or has another shape there.</exception>
    public Parameter Parameter(string name, Shape shape, Init init) => _registry.Get(Path, name, shape, init, isBuffer: false);

    /// <summary>A tensor that is saved with the parameters but not trained.</summary>
    public Parameter Buffer(string name, Shape shape, Init init) => _registry.Get(Path, name, shape, init, isBuffer: true);

    /// <summary>The names in the file that no module has asked for yet: a sign that the architecture is not the file's.</summary>
    public IReadOnlyList<string> Unused => _registry.Unused();

    internal IReadOnlyList<Parameter> Under(bool buffers)
    {
        string prefix = Path.Length == 0 ? "" : Path + ".";
        return [.. _registry.All.Where(p => p.IsBuffer == buffers && p.Name.StartsWith(prefix, StringComparison.Ordinal))];
    }

    internal static string Some(IEnumerable<string> names)
    {
        string[] all = [.. names];
        return all.Length <= 6 ? string.Join(", ", all) : $"{string.Join(", ", all[..6])} and {all.Length - 6} more";
    }

    private sealed class Registry(RandomSource? random, IReadOnlyDictionary<string, Tensor>? state, string origin)
    {
        private readonly HashSet<string> _names = new(StringComparer.Ordinal);

        public List<Parameter> All { get; } = [];

        public IReadOnlyList<string> Unused() => state is null ? [] : [.. state.Keys.Where(k => !_names.Contains(k))];

        public Parameter Get(string path, string name, Shape shape, Init init, bool isBuffer)
        {
            string full = path.Length == 0 ? name : $"{path}.{name}";
            if (!_names.Add(full)) throw new ArgumentException($"A parameter named {full} exists already; give every module its own place with Weights.In, and every network its own Weights.");
            var parameter = new Parameter(full, MemoryScope.Outside(() => Value(full, shape, init)), isBuffer);
            All.Add(parameter);
            return parameter;
        }

        private Tensor Value(string name, Shape shape, Init init)
        {
            if (random is not null) return init.Draw(shape, new RandomSource(random.Derive(name)));
            if (!state!.TryGetValue(name, out Tensor? value)) throw new ArgumentException($"{origin} has no tensor named {name}; it has {Some(state.Keys)}.");
            if (value.Shape != shape) throw new ArgumentException($"{name} in {origin} has shape {value.Shape}, but the network needs {shape}.");
            // PyTorch counts batches in integers; here every parameter and buffer is Float32.
            return value.DType == DType.Float32 ? Tensor.From(value.Floats, shape) : value.Cast(DType.Float32);
        }
    }
}

/// <summary>How a fresh parameter is drawn.</summary>
/// <param name="Draw">From a shape and a random source to a tensor of that shape.</param>
public sealed record Init(Func<Shape, RandomSource, Tensor> Draw)
{
    /// <summary>All zeros.</summary>
    public static Init Zeros { get; } = new((shape, _) => Tensor.Zeros(shape));

    /// <summary>All ones.</summary>
    public static Init Ones { get; } = new((shape, _) => Tensor.Ones(shape));

    /// <summary>Uniform between -1/sqrt(fanIn) and 1/sqrt(fanIn): what PyTorch gives linear and convolutional layers (He et al. 2015 with a = sqrt
    /// 5).</summary>
    public static Init Uniform(int fanIn) => new((shape, random) => random.Uniform(shape, -1 / MathF.Sqrt(fanIn), 1 / MathF.Sqrt(fanIn)));

    /// <summary>Normal with the given deviation.</summary>
    public static Init Normal(float deviation) => new((shape, random) => random.Normal(shape, 0, deviation));

    /// <summary>Normal with deviation sqrt(2/fanIn), for layers before ReLU (He et al. 2015, "Delving deep into rectifiers").</summary>
    public static Init HeNormal(int fanIn) => Normal(MathF.Sqrt(2f / fanIn));

    /// <summary>Uniform between -sqrt(6/(fanIn + fanOut)) and its negative (Glorot and Bengio 2010).</summary>
    public static Init GlorotUniform(int fanIn, int fanOut) => new((shape, random) =>
        random.Uniform(shape, -MathF.Sqrt(6f / (fanIn + fanOut)), MathF.Sqrt(6f / (fanIn + fanOut))));
}
