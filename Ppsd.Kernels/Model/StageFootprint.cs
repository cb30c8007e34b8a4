using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Devices;

namespace Ppsd.Kernels.Model;

/// <summary>Memory a stage takes, worked out from its configuration alone.</summary>
/// <param name="WeightBytes">Bytes of weights as the checkpoint holds them, embedding and heads included.</param>
/// <param name="KvValuesPerToken">
/// Keys and values of one token over the stage's layers; what a head keeps in fp32 counts twice, since keys may be bf16.
/// </param>
/// <param name="ScratchBytes">What steps are computed in, at least: activations of the largest step and logits.</param>
public readonly record struct StageFootprint(long WeightBytes, long KvValuesPerToken, long ScratchBytes)
{
    /// <summary>What some stages share a device with each other as.</summary>
    /// <param name="stages">All of them.</param>
    /// <param name="isAmongProcesses">True when some are in other processes.</param>
    public static DeviceShare ShareOf(IReadOnlyCollection<StageFootprint> stages, bool isAmongProcesses) =>
        new(
            stages.Count,
            stages.Sum(stage => stage.WeightBytes),
            stages.Sum(stage => stage.ScratchBytes),
            stages.Sum(stage => stage.KvValuesPerToken),
            isAmongProcesses
        );

    /// <summary>The footprint of a stage.</summary>
    public static StageFootprint Of(StageModelOptions options)
    {
        var config = options.Config;
        var heads = options.HeldExitHeads;
        var headLayers = heads.Sum(head => ExitHead.KvLayerCount(head.Config));
        var layer =
            (2L * config.QuerySize + 2L * config.KvSize + 3L * config.IntermediateSize) * config.HiddenSize
            + 2L * config.HiddenSize;
        var table = (long)config.VocabSize * config.HiddenSize;
        var weights = layer * (options.LayerCount + headLayers);
        foreach (var mlp in heads.Select(head => head.Config).Where(head => head.Kind == ExitHeadKind.Mlp))
        {
            weights += 3L * (mlp.IntermediateSize ?? config.IntermediateSize) * config.HiddenSize + config.HiddenSize;
        }

        if (options.HoldsChain)
        {
            weights += 2L * config.HiddenSize * config.HiddenSize;
        }

        var sharesTable = config.TieWordEmbeddings && options.NeedsWholeLmHead;
        weights += options.IsFirst || (options.HoldsChain && !sharesTable) ? table : 0;
        weights += options.NeedsWholeLmHead && !(options.IsFirst && config.TieWordEmbeddings) ? table : 0;
        weights += heads.Sum(head => (head.Config.Vocabulary?.Count ?? 0L) * config.HiddenSize);
        weights += config.HiddenSize * ((long)heads.Count + (options.IsLast ? 1 : 0));
        return new StageFootprint(
            weights * config.ElementType.SizeInBytes(),
            2L * config.KvSize * (options.LayerCount + headLayers) + 2L * FeatureSize(options),
            ScratchOf(options)
        );
    }

    /// <summary>Values that exit heads of the stage keep of each token, in fp32.</summary>
    internal static int FeatureSize(StageModelOptions options) =>
        options.HeldExitHeads.Sum(head => ExitHead.FeatureSize(head.Config, options.Config));

    private static long ScratchOf(StageModelOptions options)
    {
        // Loading fetches chunks of 32 MB, recorded steps and attention take some, and so does the rotary table.
        const long Fixed = 256L << 20;
        var config = options.Config;
        var row = 4L * config.HiddenSize + 2L * config.QuerySize + 2L * config.KvSize + 3L * config.IntermediateSize;
        var exitHeads = options.HeldExitHeads;
        var logits =
            (options.IsLast ? 1 : 0)
            + exitHeads.Sum(head => head.Config.Kind == ExitHeadKind.Chain ? options.MaxDepth : 1);
        var values = (long)config.VocabSize * logits + exitHeads.Sum(head => head.Config.Vocabulary?.Count ?? 0L);
        return Fixed
            + sizeof(float) * row * options.MaxRows * (1 + exitHeads.Count)
            + sizeof(float) * values * options.MaxWidth;
    }
}
