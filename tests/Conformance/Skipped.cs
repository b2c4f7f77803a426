namespace Vitrine.Conformance;

/// <summary>The operators whose cases are passed over, each with its reason. A case whose operator is neither in the table nor here fails.</summary>
internal static class Skipped
{
    private const string Missing = "not implemented yet";

    public static readonly IReadOnlyDictionary<string, string> Operators = new[]
    {
        "adaptive_avg_pool2d", "adaptive_max_pool2d", "conv1d", "conv3d", "cosine_similarity", "ctc_loss", "cumsum", "einsum", "grid_sample", "group_norm",
        "gru", "huber_loss", "instance_norm", "interpolate", "kl_div", "l1_loss", "layer_norm", "local_response_norm", "log1p", "lstm", "max_pool1d",
        "max_unpool2d", "multi_head_attention", "pixel_shuffle", "prelu", "rnn", "scaled_dot_product_attention", "smooth_l1_loss", "triplet_margin_loss",
    }.ToDictionary(op => op, _ => Missing, StringComparer.Ordinal);
}
