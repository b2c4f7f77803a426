using System.Runtime.InteropServices;

namespace Vitrine;

/// <summary>
/// One forward pass, with everything that may vary about it as an argument: training or not, recorded or not, where random numbers come from, which
/// activations to tap and which to edit.
/// </summary>
/// <remarks>
/// <see cref="Module.Call(Run, Tensor)"/> makes its run the active one of the calling thread for as long as the call lasts, so that operators know whether
/// to record and in which scope; nothing outlives the call. One run serves one thread at a time.
/// </remarks>
public sealed class Run
{
    [ThreadStatic]
    private static Run? t_active;

    private readonly Dictionary<Module, int> _calls = new(16, ReferenceEqualityComparer.Instance); // room for a small network without growing
    private Dictionary<string, Tensor>? _taps;
    private Dictionary<string, Func<Tensor, Tensor>>? _edits;
    private Func<string, bool>? _tapped;
    private RandomSource? _random;

    /// <summary>Describes a forward pass.</summary>
    /// <param name="training">Whether dropout drops and batch normalisation uses, and updates, batch statistics.</param>
    /// <param name="recording">Whether operators are recorded for a backward pass.</param>
    /// <param name="seed">Where the random numbers of this pass start.</param>
    /// <param name="fused">Whether modules may use kernels that do several operators at once; they hide structure from rules.</param>
    public Run(bool training = false, bool recording = false, ulong seed = 0, bool fused = true)
    {
        Training = training;
        Recording = recording;
        Fused = fused;
        Seed = seed;
    }

    /// <summary>Whether dropout drops and batch normalisation uses batch statistics.</summary>
    public bool Training { get; }

    /// <summary>Whether operators are recorded for a backward pass.</summary>
    public bool Recording { get; }

    /// <summary>Whether modules may use fused kernels.</summary>
    public bool Fused { get; }

    /// <summary>Where <see cref="Random"/> starts.</summary>
    public ulong Seed { get; private set; }

    /// <summary>The random numbers of this pass.</summary>
    public RandomSource Random => _random ??= new RandomSource(Seed);

    /// <summary>The activations that were tapped, by scope (<c>features.3</c>, <c>features.3#2</c>), in the order they were computed.</summary>
    public IReadOnlyDictionary<string, Tensor> Taps => _taps ??= [];

    /// <summary>The module call that is being made, or null outside of any.</summary>
    public string? Scope { get; private set; }

    /// <summary>Looks for NaN and infinities after every operator when set; the first is thrown as a <see cref="NumericsException"/> with operator and
    /// scope.</summary>
    public bool CheckNumerics { get; init; }

    /// <summary>
    /// Whether the recorded graph will be asked for the operators' own gradients alone, as in training, and no rule will look for a function in it: modules may
    /// then join their functions with those of others, where fused kernels are allowed.
    /// </summary>
    public bool PlainGradients { get; init; }

    /// <summary>
    /// Whether modules may join their functions with those of others into one operator: no tap, no edit, no check, and fused kernels are allowed. Where a graph
    /// is recorded for rules they may not: rules look for the functions themselves.
    /// </summary>
    internal bool Joins => Fused && (Training || PlainGradients || !Recording) && _tapped is null && _edits is null && !CheckNumerics;

    /// <summary>Whether nothing is asked but the answer: modules may join, and there is no graph.</summary>
    internal bool OnlyAnswers => Joins && !Recording;

    /// <summary>
    /// Gives the buffer of an intermediate result back to the pool at its last use, when nothing but the answer is asked for; unless it is the caller's
    /// <paramref name="input"/> or lives on in the <paramref name="next"/> result.
    /// </summary>
    internal void Done(Tensor intermediate, Tensor input, Tensor next)
    {
        if (!OnlyAnswers || ReferenceEquals(intermediate.Storage, input.Storage) || ReferenceEquals(intermediate.Storage, next.Storage)) return;
        MemoryScope.Release(intermediate.Storage);
    }

    internal static Run? Active => t_active;

    /// <summary>Keeps the results of these module calls; no names keeps all.</summary>
    public Run Tap(params ReadOnlySpan<string> scopes)
    {
        var wanted = new HashSet<string>(scopes.ToArray(), StringComparer.Ordinal);
        _tapped = wanted.Count == 0 ? _ => true : wanted.Contains;
        return this;
    }

    /// <summary>Replaces the result of a module call: ablate, patch, clamp. The function receives the result and returns what flows on.</summary>
    public Run Edit(string scope, Func<Tensor, Tensor> edit)
    {
        (_edits ??= new Dictionary<string, Func<Tensor, Tensor>>(StringComparer.Ordinal))[scope] = edit;
        return this;
    }

    /// <summary>Makes this run the active one while <paramref name="forward"/> runs, for operators applied outside of any module.</summary>
    public T With<T>(Func<T> forward)
    {
        Run? before = t_active;
        t_active = this;
        try
        {
            return forward();
        }
        finally
        {
            t_active = before;
        }
    }

    internal Entered Enter(Module module)
    {
        ref int calls = ref CollectionsMarshal.GetValueRefOrAddDefault(_calls, module, out _);
        calls++;
        var entered = new Entered(this, t_active, Scope);
        Scope = calls == 1 ? module.Path : $"{module.Path}#{calls}";
        t_active = this;
        return entered;
    }

    /// <summary>
    /// A value inside a module that has a name of its own (a value of an ONNX graph): the edit of that name is applied to it and the tap of that name keeps it,
    /// as happens to the result of a module call. Returns what flows on.
    /// </summary>
    public Tensor Value(string name, Tensor value)
    {
        if (_edits is null && _tapped is null) return value;
        if (_edits is not null && _edits.TryGetValue(name, out Func<Tensor, Tensor>? edit)) value = edit(value);
        if (_tapped is not null && _tapped(name)) (_taps ??= new Dictionary<string, Tensor>(StringComparer.Ordinal))[name] = value;
        return value;
    }

    internal Tensor Result(Tensor output, int number = 0) =>
        _edits is null && _tapped is null ? output : Value(number == 0 ? Scope! : $"{Scope}:{number}", output);

    /// <summary>
    /// Whether the next call of one of these modules is tapped or edited, so that its result must exist on its own. Where none is, the caller leaves the
    /// modules out, and the calls count as made: later ones keep their numbers.
    /// </summary>
    internal bool Asks(params ReadOnlySpan<Module> modules)
    {
        if (_edits is null && _tapped is null) return false;
        foreach (Module module in modules)
        {
            int calls = _calls.GetValueOrDefault(module);
            string scope = calls == 0 ? module.Path : $"{module.Path}#{calls + 1}";
            if ((_tapped is not null && _tapped(scope)) || (_edits is not null && _edits.ContainsKey(scope))) return true;
        }
        foreach (Module module in modules) CollectionsMarshal.GetValueRefOrAddDefault(_calls, module, out _)++;
        return false;
    }

    /// <summary>Makes this run good for another pass: scopes are numbered from one again, taps are forgotten, random numbers start at
    /// <paramref name="seed"/>.</summary>
    public void Restart(ulong seed)
    {
        _calls.Clear();
        _taps?.Clear();
        _random = null;
        Seed = seed;
    }

    /// <summary>A run that will do from here on what this one is about to do: the same random numbers, scopes and edits. It taps nothing.</summary>
    internal Run Fork()
    {
        var fork = new Run(Training, Recording, Seed, Fused) { PlainGradients = PlainGradients, CheckNumerics = CheckNumerics, Scope = Scope, _edits = _edits };
        if (_random is not null) fork.Random.Position = _random.Position;
        foreach ((Module module, int calls) in _calls) fork._calls.Add(module, calls);
        return fork;
    }

    internal void Observe(Op op, Tensor output)
    {
        if (!CheckNumerics || output.DType != DType.Float32) return;
        ReadOnlySpan<float> elements = output.Floats;
        for (int i = 0; i < elements.Length; i++)
        {
            if (!float.IsFinite(elements[i]))
            {
                throw new NumericsException($"{op.Name} in {Scope ?? "no scope"} gave {elements[i]} at element {i} of its result of shape {output.Shape}.");
            }
        }
    }

    /// <summary>What was before a module was entered, and comes back when it is left.</summary>
    internal readonly record struct Entered(Run Run, Run? Before, string? ScopeBefore) : IDisposable
    {
        public void Dispose()
        {
            t_active = Before;
            Run.Scope = ScopeBefore;
        }
    }
}

/// <summary>An operator gave a NaN or an infinity; the message says which, in which scope and, in a training, at which step.</summary>
public sealed class NumericsException : ArithmeticException
{
    internal NumericsException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
