namespace Vitrine.Conformance;

/// <summary>Cases of ONNX's operator tests that are declined, each with its reason. A case that is neither run nor here fails.</summary>
internal static class NodeSkipped
{
    private const string Texts = "Vitrine has no tensors of texts";
    private const string RandomNumbers = "the outputs are random numbers of another generator";

    private const string Grams = "counting the n-grams of a text is preparation of data, not part of a network";

    private const string OtherEpsilon =
        "the outputs were computed with an epsilon of 0.01 that the model does not carry: with it the formula gives 0.759136 for X1_new, with the default " +
        "0.755959";

    private const string CutOff = "the outputs are cut off after 16 bits; Vitrine rounds to the nearest, as PyTorch does";

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
        ["test_tfidfvectorizer_tf_batch_onlybigrams_skip0"] = Grams,
        ["test_tfidfvectorizer_tf_batch_onlybigrams_skip5"] = Grams,
        ["test_tfidfvectorizer_tf_batch_uniandbigrams_skip5"] = Grams,
        ["test_tfidfvectorizer_tf_onlybigrams_levelempty"] = Grams,
        ["test_tfidfvectorizer_tf_onlybigrams_skip5"] = Grams,
        ["test_castlike_FLOAT_to_BFLOAT16"] = CutOff,
        ["test_adam_multiple"] = OtherEpsilon,
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
