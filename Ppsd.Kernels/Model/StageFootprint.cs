using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Kernels.Model;

/// <summary>Memory a stage takes, worked out from its configuration alone.</summary>
/// <param name="WeightBytes">Bytes of weights as the checkpoint holds them, embedding and heads included.</param>
/// <param name="KvValuesPerToken">Keys and values of one token over the stage's layers.</param>
public readonly record struct StageFootprint(long WeightBytes, long KvValuesPerToken)
{
    /// <summary>The footprint of a stage.</summary>
    public static StageFootprint Of(StageModelOptions options)
    {
        var config = options.Config;
        var headLayers = options.HoldsExitHead ? ExitHead.KvLayerCount(options.ExitHead!) : 0;
        var layer =
            (2L * config.QuerySize + 2L * config.KvSize + 3L * config.IntermediateSize) * config.HiddenSize
            + 2L * config.HiddenSize;
        var table = (long)config.VocabSize * config.HiddenSize;
        var weights = layer * (options.LayerCount + headLayers);
        if (options.ExitHead is { Kind: ExitHeadKind.Mlp } mlp && options.HoldsExitHead)
        {
            weights += 3L * (mlp.IntermediateSize ?? config.IntermediateSize) * config.HiddenSize + config.HiddenSize;
        }

        var needsLmHead = options.IsLast || options.HoldsExitHead;
        weights += options.IsFirst ? table : 0;
        weights += needsLmHead && !(options.IsFirst && config.TieWordEmbeddings) ? table : 0;
        weights += (options.HoldsExitHead ? config.HiddenSize : 0) + (options.IsLast ? config.HiddenSize : 0);
        return new StageFootprint(
            weights * config.ElementType.SizeInBytes(),
            2L * config.KvSize * (options.LayerCount + headLayers)
        );
    }
}
