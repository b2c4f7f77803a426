using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Vitrine.Experiments.Tests;

/// <summary>
/// The public surface of an assembly, one type or member a line, sorted by name. Every line names its type in full, so that a difference is understood on its
/// own and merges are rarely in each other's way. Overrides are left out: whoever calls them sees the member of the base type. So is what the compiler writes
/// for records. The names of a tuple's elements are not told.
/// </summary>
internal static class PublicApi
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(object)] = "object",
        [typeof(string)] = "string",
        [typeof(bool)] = "bool",
        [typeof(char)] = "char",
        [typeof(sbyte)] = "sbyte",
        [typeof(byte)] = "byte",
        [typeof(short)] = "short",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(nint)] = "nint",
        [typeof(nuint)] = "nuint",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(decimal)] = "decimal",
    };

    // A type and its members stand together: the words before the name do not count.
    public static string[] Lines(Assembly assembly) => [.. assembly.GetExportedTypes().SelectMany(OfType).Distinct(StringComparer.Ordinal)
        .OrderBy(line => line[line.IndexOf("Vitrine", StringComparison.Ordinal)..], StringComparer.Ordinal)];

    private static IEnumerable<string> OfType(Type type)
    {
        if (type.Name.StartsWith("<M>$", StringComparison.Ordinal)) yield break; // only says what an extension block extends
        if (type.Name.StartsWith("<G>$", StringComparison.Ordinal))
        {
            foreach (string line in OfMembers(type, $"{FullName(type.DeclaringType!)}.extension({TypeName(Extended(type), null)})")) yield return line;
            yield break;
        }
        string name = FullName(type);
        if (typeof(Delegate).IsAssignableFrom(type))
        {
            MethodInfo invoke = type.GetMethod("Invoke")!;
            yield return $"{name}{Parameters(invoke)} -> {Returns(invoke)} : delegate{Constraints(type.GetGenericArguments())}";
            yield break;
        }
        yield return $"{name} : {Kind(type)}{Bases(type)}{Constraints(type.GetGenericArguments())}";
        if (type.IsEnum)
        {
            foreach (FieldInfo value in type.GetFields(BindingFlags.Public | BindingFlags.Static))
                yield return $"{name}.{value.Name} = {Convert.ToString(value.GetRawConstantValue(), CultureInfo.InvariantCulture)}";
            yield break;
        }
        foreach (string line in OfMembers(type, name)) yield return line;
    }

    private static IEnumerable<string> OfMembers(Type type, string name)
    {
        foreach (MemberInfo member in type.GetMembers(Declared))
        {
            if (member.Name.Contains('<')) continue; // the compiler's
            string? line = member switch
            {
                ConstructorInfo c when Visible(c) && !c.IsStatic => $"{Access(c)}{name}.{Bare(type)}{Parameters(c)}",
                MethodInfo m when Visible(m) && IsOfItsOwn(m) => $"{Access(m)}{Modifiers(m)}{name}.{m.Name}{Arguments(m)}{Parameters(m)} -> {Returns(m)}" +
                    Constraints(m.GetGenericArguments()),
                PropertyInfo p => OfProperty(name, p),
                FieldInfo f when f.IsPublic || f.IsFamily || f.IsFamilyOrAssembly => OfField(name, f),
                EventInfo { AddMethod: { } add } e when Visible(add) =>
                    $"{Access(add)}{Modifiers(add)}{name}.{e.Name} -> {TypeName(e.EventHandlerType!, null)} : event",
                _ => null,
            };
            if (line is not null) yield return line;
        }
    }

    // The blocks that extend one type are one nested type to the runtime, and its nested types have a method whose parameter is the type extended.
    private static Type Extended(Type group) => group.GetNestedTypes()
        .SelectMany(t => t.GetMethods(Declared)).First(m => m.Name.StartsWith("<Extension>", StringComparison.Ordinal)).GetParameters()[0].ParameterType;

    private static string? OfProperty(string type, PropertyInfo property)
    {
        MethodInfo[] accessors = [.. property.GetAccessors(nonPublic: true).Where(Visible)];
        if (accessors.Length == 0 || IsOverride(accessors[0]) || property.Name is "EqualityContract") return null;
        string index = property.GetIndexParameters() is { Length: > 0 } parameters ? $"[{string.Join(", ", parameters.Select(Parameter))}]" : "";
        string required = property.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : "";
        IEnumerable<string> verbs = accessors.Select(a => a.IsPublic || Access(accessors[0]) == Access(a) ? Verb(a) : Access(a) + Verb(a));
        return $"{Access(accessors[0])}{required}{Modifiers(accessors[0])}{type}.{property.Name}{index} {{ {string.Join(" ", verbs)} }} -> " +
            (property.PropertyType.IsByRef ? "ref " : "") + TypeName(property.PropertyType, new NullabilityInfoContext().Create(property));
    }

    private static string Verb(MethodInfo accessor) => accessor.ReturnType == typeof(void)
        ? accessor.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? "init;" : "set;" : "get;";

    private static string OfField(string type, FieldInfo field)
    {
        string kind = field.IsLiteral ? "const " : (field.IsStatic ? "static " : "") + (field.IsInitOnly ? "readonly " : "");
        string value = field.IsLiteral ? " = " + Literal(field.GetRawConstantValue()) : "";
        return $"{(field.IsPublic ? "" : "protected ")}{kind}{type}.{field.Name}{value} -> {TypeName(field.FieldType, new NullabilityInfoContext().Create(field))}";
    }

    // A private protected or internal member is nobody's business outside.
    private static bool Visible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static bool IsOfItsOwn(MethodInfo method) => !IsOverride(method) && !method.IsDefined(typeof(CompilerGeneratedAttribute))
        && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal));

    private static bool IsOverride(MethodInfo method) => method.GetBaseDefinition().DeclaringType != method.DeclaringType;

    private static string Access(MethodBase method) => method.IsPublic ? "" : "protected ";

    // An interface's members are abstract, and a method that merely implements one is virtual and final to the runtime.
    private static string Modifiers(MethodBase method) => method switch
    {
        { DeclaringType.IsInterface: true } => method.IsStatic ? "static " : "",
        { IsStatic: true } => "static ",
        { IsAbstract: true } => "abstract ",
        { IsVirtual: true, IsFinal: false } => "virtual ",
        _ => "",
    };

    private static string Kind(Type type) => type switch
    {
        { IsInterface: true } => "interface",
        { IsEnum: true } => "enum",
        { IsValueType: true } => $"{(type.IsDefined(typeof(IsReadOnlyAttribute)) ? "readonly " : "")}{(type.IsByRefLike ? "ref " : "")}struct",
        { IsAbstract: true, IsSealed: true } => "static class",
        _ => (type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "") + (type.GetMethod("<Clone>$") is null ? "class" : "record"),
    };

    private static string Bases(Type type)
    {
        if (type.IsEnum) return ", " + TypeName(Enum.GetUnderlyingType(type), null);
        IEnumerable<Type> inherited = (type.BaseType?.GetInterfaces() ?? []).Concat(type.GetInterfaces().SelectMany(i => i.GetInterfaces()));
        IEnumerable<string> bases = type.GetInterfaces().Except(inherited).Where(i => i.IsVisible).Select(i => TypeName(i, null)).Order(StringComparer.Ordinal);
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType)) bases = bases.Prepend(TypeName(parent, null));
        return string.Concat(bases.Select(b => ", " + b));
    }

    private static string Returns(MethodInfo method) =>
        (method.ReturnType.IsByRef ? "ref " : "") + TypeName(method.ReturnType, new NullabilityInfoContext().Create(method.ReturnParameter));

    private static string Parameters(MethodBase method)
    {
        IEnumerable<string> parameters = method.GetParameters().Select(Parameter);
        return $"({(method.IsDefined(typeof(ExtensionAttribute)) ? "this " : "")}{string.Join(", ", parameters)})";
    }

    private static string Parameter(ParameterInfo parameter)
    {
        string passed = parameter switch
        {
            { IsOut: true } => "out ",
            { IsIn: true, ParameterType.IsByRef: true } => "in ",
            { ParameterType.IsByRef: true } => "ref ",
            _ => parameter.IsDefined(typeof(ParamArrayAttribute)) || parameter.IsDefined(typeof(ParamCollectionAttribute)) ? "params " : "",
        };
        string otherwise = parameter.HasDefaultValue ? " = " + Otherwise(parameter) : "";
        return $"{passed}{TypeName(parameter.ParameterType, new NullabilityInfoContext().Create(parameter))} {parameter.Name}{otherwise}";
    }

    private static string Otherwise(ParameterInfo parameter)
    {
        Type type = Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType;
        if (parameter.RawDefaultValue is null) return parameter.ParameterType.IsValueType && type == parameter.ParameterType ? "default" : "null";
        return type.IsEnum ? $"{type.Name}.{Enum.ToObject(type, parameter.RawDefaultValue)}" : Literal(parameter.RawDefaultValue);
    }

    private static string Literal(object? value) => value switch
    {
        null => "null",
        string text => $"\"{text}\"",
        char c => $"'{c}'",
        bool b => b ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string Arguments(MethodInfo method) =>
        method.IsGenericMethodDefinition ? $"<{string.Join(", ", method.GetGenericArguments().Select(a => a.Name))}>" : "";

    private static string Constraints(Type[] arguments)
    {
        var lines = new List<string>();
        foreach (Type argument in arguments.Where(a => a.IsGenericParameter))
        {
            GenericParameterAttributes special = argument.GenericParameterAttributes;
            var all = new List<string>();
            if (argument.GetCustomAttributesData().Any(a => a.AttributeType.Name == "IsUnmanagedAttribute")) all.Add("unmanaged");
            else if (special.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint)) all.Add("struct");
            else if (special.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint)) all.Add("class");
            else if (special.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint)) all.Add("new()");
            all.AddRange(argument.GetGenericParameterConstraints().Where(c => c != typeof(ValueType)).Select(c => TypeName(c, null)));
            if (all.Count > 0) lines.Add($" where {argument.Name} : {string.Join(", ", all)}");
        }
        return string.Concat(lines);
    }

    private static string FullName(Type type) =>
        (type.DeclaringType is { } outer ? FullName(outer) : type.Namespace) + "." + Bare(type)
        + (type.GetGenericArguments() is { Length: > 0 } arguments ? $"<{string.Join(", ", arguments.Select(a => a.Name))}>" : "");

    private static string Bare(Type type) => type.Name.Split('`')[0];

    // A type as one writes it, without namespaces; nullability is known where the declaration has it.
    private static string TypeName(Type type, NullabilityInfo? nullability)
    {
        if (type.IsByRef) return TypeName(type.GetElementType()!, nullability);
        if (Nullable.GetUnderlyingType(type) is { } value) return TypeName(value, null) + "?";
        string mark = !type.IsValueType && nullability?.ReadState is NullabilityState.Nullable ? "?" : "";
        if (type.IsArray) return $"{TypeName(type.GetElementType()!, nullability?.ElementType)}[{new string(',', type.GetArrayRank() - 1)}]{mark}";
        if (type.IsPointer) return TypeName(type.GetElementType()!, null) + "*";
        if (Keywords.TryGetValue(type, out string? keyword)) return keyword + mark;
        if (!type.IsGenericType) return Nested(type) + mark;
        Type[] arguments = type.GetGenericArguments();
        NullabilityInfo[] known = nullability?.GenericTypeArguments ?? [];
        IEnumerable<string> names = arguments.Select((a, i) => TypeName(a, i < known.Length ? known[i] : null));
        return typeof(ITuple).IsAssignableFrom(type) && type.IsValueType
            ? $"({string.Join(", ", names)})" : $"{Nested(type)}<{string.Join(", ", names)}>{mark}";
    }

    private static string Nested(Type type) => type is { IsGenericParameter: false, DeclaringType: { } outer } ? $"{Nested(outer)}.{Bare(type)}" : Bare(type);
}
