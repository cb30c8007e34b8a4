using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Model;
using Ppsd.Kernels.Weights;

namespace Ppsd.Tests.Kernels.Model;

/// <summary>A small model with a chain head, both made.</summary>
internal static class ToyChain
{
    /// <summary>Steps of the chain.</summary>
    public const int Depth = 4;

    public static StageModel Load(
        Backend backend,
        int positions = 64,
        int exitLayer = 2,
        (int First, int Count)? layers = null
    )
    {
        var config = Config(layers: 3, positions);
        var options = Options(config, exitLayer, ExitHeadKind.Chain);
        return StageModelLoader.Load(
            backend,
            options with
            {
                FirstLayer = layers?.First ?? 0,
                LayerCount = layers?.Count ?? 3,
            }
        );
    }

    public static ModelConfig Config(int layers, int positions) =>
        SyntheticPresets.Find("toy")! with
        {
            LayerCount = layers,
            HiddenSize = 48,
            IntermediateSize = 64,
            HeadCount = 2,
            KvHeadCount = 1,
            HeadSize = 16,
            VocabSize = 64 + 16,
            MaxPositions = positions,
        };

    public static StageModelOptions Options(ModelConfig config, int exitLayer, ExitHeadKind? head) =>
        new()
        {
            Synthetic = new SyntheticWeights(),
            Config = config,
            FirstLayer = 0,
            LayerCount = config.LayerCount,
            KvCacheBytes = 1 << 20,
            MaxDepth = Depth,
            ExitHeads = head is { } kind
                ? [new(SyntheticPresets.ExitHead(config, exitLayer) with { Kind = kind, LayerCount = 1 }, null)]
                : [],
        };
}
