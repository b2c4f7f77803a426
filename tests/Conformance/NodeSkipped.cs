namespace Vitrine.Conformance;

/// <summary>Cases of ONNX's operator tests that are declined, each with its reason. A case that is neither run nor here fails.</summary>
internal static class NodeSkipped
{
    private const string Texts = "Vitrine has no tensors of texts";
    private const string RandomNumbers = "the outputs are random numbers of another generator";

    private static readonly Dictionary<string, string> Cases = new(StringComparer.Ordinal)
    {
        ["test_cast_FLOAT_to_STRING"] = Texts,
        ["test_cast_STRING_to_FLOAT"] = Texts,
        ["test_castlike_FLOAT_to_STRING"] = Texts,
        ["test_castlike_FLOAT_to_STRING_expanded"] = Texts,
        ["test_castlike_STRING_to_FLOAT"] = Texts,
        ["test_castlike_STRING_to_FLOAT_expanded"] = Texts,
        ["test_strnormalizer_export_monday_casesensintive_nochangecase"] = Texts,
        ["test_strnormalizer_export_monday_casesensintive_upper"] = Texts,
        ["test_strnormalizer_export_monday_empty_output"] = Texts,
        ["test_strnormalizer_export_monday_insensintive_upper_twodim"] = Texts,
        ["test_strnormalizer_nostopwords_nochangecase"] = Texts,
        ["test_bernoulli"] = RandomNumbers,
        ["test_bernoulli_double"] = RandomNumbers,
        ["test_bernoulli_double_expanded"] = RandomNumbers,
        ["test_bernoulli_seed"] = RandomNumbers,
        ["test_bernoulli_seed_expanded"] = RandomNumbers,
        ["test_training_dropout_default_mask"] = RandomNumbers,
        ["test_training_dropout_mask"] = RandomNumbers,
    };

    /// <summary>Why a case is declined, or null.</summary>
    public static string? Reason(string name) => Cases.GetValueOrDefault(name);

    /// <summary>The cases that are declined.</summary>
    public static IReadOnlyCollection<string> Names => Cases.Keys;
}
