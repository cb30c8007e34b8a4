using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Model;

/// <summary>Contents of one stage and its memory limits.</summary>
public sealed record StageModelOptions
{
    /// <summary>Folder of the model's checkpoint; null when its weights are <see cref="Synthetic"/>.</summary>
    public string? ModelFolder { get; init; }

    /// <summary>Makes the weights of the model and of its exit head up; null to read them from their folders.</summary>
    public SyntheticWeights? Synthetic { get; init; }

    /// <summary>The model's configuration.</summary>
    public required ModelConfig Config { get; init; }

    /// <summary>First layer of the stage, from 0.</summary>
    public required int FirstLayer { get; init; }

    /// <summary>Layers of the stage.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Folder of an exit head; it is loaded if its exit layer ends in this stage.</summary>
    public string? ExitHeadFolder { get; init; }

    /// <summary>The exit head's configuration; given together with its folder, or alone for synthetic weights.</summary>
    public ExitHeadConfig? ExitHead { get; init; }

    /// <summary>Bytes of KV cache; 0 lets the device choose.</summary>
    public long KvCacheBytes { get; init; }

    /// <summary>Who shares the device; null when the stage has it alone.</summary>
    public DeviceShare? Share { get; init; }

    /// <summary>Most rows of one step (a chunk of the prompt).</summary>
    public int MaxRows { get; init; } = 64;

    /// <summary>Most candidates of a micro-batch.</summary>
    public int MaxWidth { get; init; } = 8;

    /// <summary>Most steps that a chain head drafts ahead of a candidate; other heads draft one.</summary>
    public int MaxDepth { get; init; } = 4;

    /// <summary>How exact the rotary embedding's frequencies are.</summary>
    public RopeFrequencies RopeFrequencies { get; init; }

    /// <summary>True when the stage starts with the embedding.</summary>
    public bool IsFirst => FirstLayer == 0;

    /// <summary>True when the stage ends in the target head.</summary>
    public bool IsLast => FirstLayer + LayerCount == Config.LayerCount;

    /// <summary>True when the exit head of this stage goes on drafting from its own state, and reads the embedding for it.</summary>
    public bool HoldsChain => HoldsExitHead && ExitHead!.Kind == ExitHeadKind.Chain;

    /// <summary>True when the exit head belongs to this stage: its exit layer is one of the stage's.</summary>
    public bool HoldsExitHead =>
        ExitHead is { } head && head.ExitLayer > FirstLayer && head.ExitLayer <= FirstLayer + LayerCount;
}
