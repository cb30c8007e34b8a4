using System.Globalization;

namespace Ppsd.Kernels.Checkpoints.Configuration;

/// <summary>What a model has that a plain LLaMA lacks, in words for people.</summary>
public static class FamilyDifferences
{
    /// <summary>The differences, in the order of a layer's work; empty for a plain LLaMA.</summary>
    public static IReadOnlyList<string> Of(ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var (layers, rope) = (config.Layers, config.Rope);
        string?[] all =
        [
            Number("embeddings times", layers.EmbeddingMultiplier),
            layers.HasFusedProjections ? "fused projections" : null,
            layers.HasQueryKeyValueBias ? "biases of q, k, v" : null,
            layers.HasOutputBias ? "bias of attention's output" : null,
            layers.HasFeedForwardBias ? "biases of the feed-forward block" : null,
            layers.HasHeadNorms ? "norms of query and key heads" : null,
            config.HeadSize * config.HeadCount != config.HiddenSize ? "head size of its own" : null,
            rope.Kind switch
            {
                RopeKind.Default => null,
                RopeKind.LongRope => "longrope",
                _ => $"{rope.Kind.ToString().ToLowerInvariant()} rope",
            },
            rope.RotatedSize is { } rotated
                ? $"{Text(rotated)} of {Text(config.HeadSize)} elements of a head rotated"
                : null,
            layers.UnrotatedLayers.Count > 0
                ? $"{Text(layers.UnrotatedLayers.Count)} of {Text(config.LayerCount)} layers not rotated"
                : null,
            layers.AttentionMultiplier is { } scores ? $"attention scores times {Text(scores)}" : null,
            layers.SlidingWindow is { } window ? $"sliding window of {Text(window)} tokens" : null,
            Number("residual additions times", layers.ResidualMultiplier),
            Number("logits divided by", layers.LogitsDivisor),
            config.TieWordEmbeddings ? "tied LM head" : null,
        ];
        return [.. all.OfType<string>()];
    }

    private static string? Number(string words, double number) => number == 1 ? null : $"{words} {Text(number)}";

    private static string Text(double number) => ((float)number).ToString(CultureInfo.InvariantCulture);
}
