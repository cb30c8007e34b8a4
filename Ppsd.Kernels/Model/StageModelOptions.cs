using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Model;

/// <summary>Contents of one stage and its memory limits.</summary>
public sealed record StageModelOptions
{
    /// <summary>Folder of the model's checkpoint; null when its weights are <see cref="Synthetic"/>.</summary>
    public string? ModelFolder { get; init; }

    /// <summary>Makes the weights of the model and of its exit heads up; null to read them from their folders.</summary>
    public SyntheticWeights? Synthetic { get; init; }

    /// <summary>The model's configuration.</summary>
    public required ModelConfig Config { get; init; }

    /// <summary>First layer of the stage, from 0.</summary>
    public required int FirstLayer { get; init; }

    /// <summary>Layers of the stage.</summary>
    public required int LayerCount { get; init; }

    /// <summary>The model's exit heads; those whose exit layer is one of the stage's are loaded.</summary>
    public IReadOnlyList<ExitHeadSource> ExitHeads { get; init; } = [];

    /// <summary>Bytes of KV cache; 0 lets the device choose.</summary>
    public long KvCacheBytes { get; init; }

    /// <summary>Who shares the device; null when the stage has it alone.</summary>
    public DeviceShare? Share { get; init; }

    /// <summary>Most rows of one step (a chunk of the prompt).</summary>
    public int MaxRows { get; init; } = 64;

    /// <summary>Most candidates of a micro-batch.</summary>
    public int MaxWidth { get; init; } = 16;

    /// <summary>Most steps that a chain head drafts ahead of a candidate; other heads draft one.</summary>
    public int MaxDepth { get; init; } = 6;

    /// <summary>How exact the rotary embedding's frequencies are.</summary>
    public RopeFrequencies RopeFrequencies { get; init; }

    /// <summary>True when the stage starts with the embedding.</summary>
    public bool IsFirst => FirstLayer == 0;

    /// <summary>True when the stage ends in the target head.</summary>
    public bool IsLast => FirstLayer + LayerCount == Config.LayerCount;

    /// <summary>The exit heads that belong to this stage, in the order of <see cref="ExitHeads"/>.</summary>
    public IReadOnlyList<ExitHeadSource> HeldExitHeads =>
        [
            .. ExitHeads.Where(head =>
                head.Config.ExitLayer > FirstLayer && head.Config.ExitLayer <= FirstLayer + LayerCount
            ),
        ];

    /// <summary>True when an exit head belongs to this stage.</summary>
    public bool HoldsExitHead => HeldExitHeads.Count > 0;

    /// <summary>True when the stage multiplies by the whole LM head: it is last, or an exit head drafts from all tokens.</summary>
    public bool NeedsWholeLmHead => IsLast || HeldExitHeads.Any(head => head.Config.Vocabulary is null);

    /// <summary>True when an exit head of this stage goes on drafting from its own state, and reads the embedding for it.</summary>
    public bool HoldsChain => HeldExitHeads.Any(head => head.Config.Kind == ExitHeadKind.Chain);
}
