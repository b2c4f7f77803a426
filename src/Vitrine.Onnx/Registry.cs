using System.Reflection;
using Vitrine.Onnx.Proto;

namespace Vitrine.Onnx;

/// <summary>
/// Marks a function as an operator of the format. Its parameters of type Tensor or Value are the inputs in order (an array takes all that are left, one with a
/// default may be absent); the others are the attributes, named as in the format (<c>kernelShape</c> is <c>kernel_shape</c>), with the format's defaults.
/// </summary>
/// <param name="since">The operator set in which this definition appeared; it holds until the next one of the same name.</param>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class OnnxAttribute(int since) : Attribute
{
    public int Since => since;

    /// <summary>The operator's name where it is not the function's.</summary>
    public string? Name { get; init; }

    /// <summary>The operator's domain; empty for the format's own.</summary>
    public string Domain { get; init; } = "";

    /// <summary>Whether the result is another one each time, or depends on what surrounds the node, so that it is never computed ahead.</summary>
    public bool Volatile { get; init; }
}

/// <summary>An operator's definition in some operator set: a function, and how its parameters are filled.</summary>
internal sealed class Definition
{
    private readonly Parameter[] _parameters;
    private readonly MethodInvoker _invoker;
    private readonly string _name;

    public Definition(MethodInfo method, OnnxAttribute attribute)
    {
        _invoker = MethodInvoker.Create(method);
        _name = attribute.Name ?? method.Name;
        Since = attribute.Since;
        IsVolatile = attribute.Volatile;
        IsOwn = attribute.Domain.Length == 0;
        _parameters = [.. method.GetParameters().Select(p => new Parameter(p))];
    }

    private enum Kind
    {
        Tensor,
        Value,
        Tensors,
        Values,
        Attribute,
        Call,
    }

    public int Since { get; }

    public bool IsVolatile { get; }

    public bool IsOwn { get; }

    /// <summary>Which parameter an attribute is, or -1.</summary>
    public int Position(string attribute) => Array.FindIndex(_parameters, p => p.Kind == Kind.Attribute && p.Attribute == attribute);

    /// <summary>Fits the definition to a node: checks its inputs and reads its attributes, once and for all runs.</summary>
    /// <exception cref="OnnxException">An input or a required attribute is missing, or an attribute is unknown or of another type.</exception>
    public Bound Bind(NodeProto node, Func<GraphProto, Graph> compile, TensorReader reader)
    {
        var attributes = new Dictionary<string, AttributeProto>(StringComparer.Ordinal);
        foreach (AttributeProto attribute in node.Attribute)
        {
            if (!attributes.TryAdd(attribute.Name, attribute)) throw new OnnxException($"{_name} has the attribute {attribute.Name} twice.");
        }
        object?[] arguments = new object?[_parameters.Length];
        int inputs = 0;
        for (int i = 0; i < _parameters.Length; i++)
        {
            Parameter parameter = _parameters[i];
            switch (parameter.Kind)
            {
                case Kind.Tensor or Kind.Value:
                    bool absent = inputs >= node.Input.Count || node.Input[inputs].Length == 0;
                    if (absent && !parameter.IsOptional)
                    {
                        throw new OnnxException($"{_name} needs the input {parameter.Attribute}, which is number {inputs + 1} and absent.");
                    }
                    inputs++;
                    break;
                case Kind.Tensors or Kind.Values:
                    inputs = Math.Max(inputs, node.Input.Count);
                    break;
                case Kind.Attribute:
                    if (attributes.Remove(parameter.Attribute, out AttributeProto? given) || attributes.Remove(parameter.Name, out given))
                    {
                        arguments[i] = Attributes.Read(given, parameter.Type, compile, reader);
                    }
                    else if (parameter.IsOptional) arguments[i] = parameter.Default;
                    else throw new OnnxException($"{_name} needs the attribute {parameter.Attribute}.");
                    break;
            }
        }
        if (node.Input.Count > inputs) throw new OnnxException($"{_name} takes {inputs} inputs, not {node.Input.Count}.");
        attributes.Remove("consumed_inputs"); // of operator sets before 6; means nothing
        if (attributes.Count > 0)
        {
            throw new OnnxException($"{_name} has no attribute {string.Join(", ", attributes.Keys)} in operator set {Since} and later that Vitrine knows.");
        }
        return new Bound(this, arguments);
    }

    /// <summary>Calls the function.</summary>
    public Value[] Invoke(object?[] bound, Call call)
    {
        object?[] arguments = (object?[])bound.Clone();
        int next = 0;
        for (int i = 0; i < _parameters.Length; i++)
        {
            arguments[i] = _parameters[i].Kind switch
            {
                Kind.Tensor => call.Input(next++)?.Tensor,
                Kind.Value => call.Input(next++),
                Kind.Tensors => Rest(call, ref next).Select(v => v?.Tensor).ToArray(),
                Kind.Values => Rest(call, ref next).ToArray(),
                Kind.Call => call,
                _ => arguments[i],
            };
        }
        return _invoker.Invoke(null, arguments.AsSpan()) switch
        {
            Tensor tensor => [Like(call, tensor)],
            Value value => [value],
            Tensor[] tensors => [.. tensors.Select(t => Like(call, t))],
            Value[] values => values,
            _ => throw new InvalidOperationException($"{_name} gave nothing"),
        };
    }

    private static IEnumerable<Value?> Rest(Call call, ref int next)
    {
        int start = next;
        next = call.Inputs;
        return Enumerable.Range(start, Math.Max(0, call.Inputs - start)).Select(call.Input);
    }

    /// <summary>A result of unstated type has that of the first input, where the tensor can stand for it.</summary>
    private static Value Like(Call call, Tensor tensor) => call.Inputs > 0 && call.Input(0) is { IsTensor: true } first ? first.With(tensor) : Value.Of(tensor);

    private sealed class Parameter
    {
        public Parameter(ParameterInfo info)
        {
            Type = info.ParameterType;
            IsOptional = info.HasDefaultValue;
            Default = info.HasDefaultValue ? info.DefaultValue : null;
            Name = info.Name!;
            Attribute = Snake(Name);
            Kind = Type == typeof(Tensor) ? Kind.Tensor
                : Type == typeof(Value) ? Kind.Value
                : Type == typeof(Tensor[]) ? Kind.Tensors
                : Type == typeof(Value[]) ? Kind.Values
                : Type == typeof(Call) ? Kind.Call
                : Kind.Attribute;
        }

        public Type Type { get; }

        public Kind Kind { get; }

        public bool IsOptional { get; }

        public object? Default { get; }

        /// <summary>The name in the file.</summary>
        public string Attribute { get; }

        /// <summary>The name in the file where it is written as here: <c>transA</c>.</summary>
        public string Name { get; }

        private static string Snake(string name) => string.Concat(name.Select(c => char.IsUpper(c) ? $"_{char.ToLowerInvariant(c)}" : c.ToString()));
    }
}

/// <summary>A definition with the attributes of one node.</summary>
internal sealed class Bound(Definition definition, object?[] arguments)
{
    public bool IsVolatile => definition.IsVolatile;

    /// <summary>The graphs among the attributes.</summary>
    public IEnumerable<Graph> Graphs => arguments.OfType<Graph>();

    /// <summary>Whether the operator is the format's own.</summary>
    public bool IsOwn => definition.IsOwn;

    public Value[] Invoke(Call call) => definition.Invoke(arguments, call);

    /// <summary>The value of an attribute, or another where the definition has no such one.</summary>
    public T Attribute<T>(string name, T otherwise) => definition.Position(name) is >= 0 and var i ? (T)arguments[i]! : otherwise;
}

/// <summary>Every operator there is, by name and operator set.</summary>
internal static class Registry
{
    private static readonly Dictionary<(string Domain, string Name), Definition[]> All = Collect();

    /// <summary>The names of the operators, with those of other domains as <c>domain.Name</c>.</summary>
    public static IEnumerable<string> Names => All.Keys.Select(k => k.Domain.Length == 0 ? k.Name : $"{k.Domain}.{k.Name}");

    /// <summary>The definition that holds in an operator set, or null.</summary>
    public static Definition? Find(string domain, string name, long opset) =>
        All.TryGetValue((domain, name), out Definition[]? definitions) ? definitions.LastOrDefault(d => d.Since <= opset) : null;

    private static Dictionary<(string Domain, string Name), Definition[]> Collect()
    {
        var all = new Dictionary<(string Domain, string Name), List<Definition>>();
        foreach (MethodInfo method in typeof(Operators).GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic
            | BindingFlags.DeclaredOnly))
        {
            foreach (OnnxAttribute attribute in method.GetCustomAttributes<OnnxAttribute>())
            {
                (string, string) key = (attribute.Domain, attribute.Name ?? method.Name);
                if (!all.TryGetValue(key, out List<Definition>? definitions)) all.Add(key, definitions = []);
                definitions.Add(new Definition(method, attribute));
            }
        }
        return all.ToDictionary(e => e.Key, e => e.Value.OrderBy(d => d.Since).ToArray());
    }
}
