using Ppsd.Kernels.Devices;

namespace Ppsd.Kernels.Model;

/// <summary>Everything a stage loads from its checkpoint folders, on its device.</summary>
internal sealed class StageWeights : IDisposable
{
    /// <summary>[vocabSize, hiddenSize]; the first stage only.</summary>
    public WeightMatrix? Embedding { get; init; }

    /// <summary>The same for a chain head, in whatever stage it is; may be <see cref="Embedding"/> or <see cref="LmHead"/>.</summary>
    public WeightMatrix? DraftTable { get; init; }

    /// <summary>[vocabSize, hiddenSize], shared by the target head and exit heads that draft from all tokens; null without any.</summary>
    public WeightMatrix? LmHead { get; init; }

    public required TransformerLayer[] Layers { get; init; }

    /// <summary>Those of <see cref="StageModelOptions.HeldExitHeads"/>; disposed by the stage model that runs them.</summary>
    public required ExitHead[] ExitHeads { get; init; }

    public LogitsHead? TargetHead { get; init; }

    public required RotaryMemory Rotary { get; init; }

    /// <summary>The stage's layers, counted from its first, that do not rotate.</summary>
    public required int[] UnrotatedLayers { get; init; }

    /// <summary>A table that turns nothing, for these; null where all layers rotate.</summary>
    public required RotaryMemory? StillRotary { get; init; }

    /// <summary>Bytes of weights one step of the stage reads; of the embedding it reads only a few rows.</summary>
    public required long ByteCount { get; init; }

    /// <summary>The table that a layer of the stage rotates by.</summary>
    public RotaryMemory RotaryOf(int layer) =>
        StillRotary is { } still && UnrotatedLayers.Contains(layer) ? still : Rotary;

    public void Dispose()
    {
        TargetHead?.Dispose();
        foreach (var layer in Layers)
        {
            layer.Dispose();
        }

        if (!ReferenceEquals(DraftTable, Embedding) && !ReferenceEquals(DraftTable, LmHead))
        {
            DraftTable?.Dispose();
        }

        if (!ReferenceEquals(LmHead, Embedding))
        {
            LmHead?.Dispose();
        }

        Embedding?.Dispose();
        Rotary.Dispose();
        StillRotary?.Dispose();
    }
}
