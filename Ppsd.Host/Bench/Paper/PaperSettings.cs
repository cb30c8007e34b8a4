using Ppsd.Actors.Messages;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Runtime;

namespace Ppsd.Host.Bench.Paper;

/// <summary>Settings of <c>ppsd bench paper</c>.</summary>
internal sealed record PaperSettings
{
    /// <summary>The model; its exit head is that of a quarter of the layers where there is one.</summary>
    public required ModelAssets Assets { get; init; }

    /// <summary>The model with each of its other heads.</summary>
    public required IReadOnlyList<ModelAssets> Heads { get; init; }

    /// <summary>Devices of the stages; threads are those of one stage or one device.</summary>
    public required StageSettings Stages { get; init; }

    /// <summary>How stages find each other.</summary>
    public required NodeSettings Node { get; init; }

    /// <summary>Prompts of the replication.</summary>
    public required IReadOnlyList<int[]> Prompts { get; init; }

    /// <summary>Tokens of each text.</summary>
    public required int Tokens { get; init; }

    /// <summary>Rounds of each measurement.</summary>
    public required int Rounds { get; init; }

    /// <summary>Acceptance of replayed drafts; null for the heads' own.</summary>
    public double? Acceptance { get; init; }

    /// <summary>True for a short form, which takes under a minute and whose figures are too few to compare.</summary>
    public bool IsShort { get; init; }

    /// <summary>Sets tried for knn-ssd where the model has no file of sets.</summary>
    public int KnnTrials { get; init; } = 40;

    /// <summary>Folder of the cells, pictures and pages.</summary>
    public required string Folder { get; init; }

    /// <summary>True where the devices are cards.</summary>
    public bool IsOnCards => Stages.Devices.All(device => device != "cpu");

    /// <summary>What a stage has to itself in figures of what more devices would give: a core or a card.</summary>
    public string Device => IsOnCards ? "card" : "core";

    /// <summary>The name of those figures.</summary>
    public string Free => IsOnCards ? "own cards" : "free cores";

    /// <summary>The paper's choice of E: layers before the exit.</summary>
    public int Quarter => Math.Max(1, Assets.Config.LayerCount / 4);

    /// <summary>Greedy texts of one length.</summary>
    public GenerationSettings Greedy =>
        new()
        {
            Drafts = DraftSources.None,
            Sampling = SamplingSettings.Greedy,
            MaxTokens = Tokens,
            IgnoreEndTokens = true,
            MaxWidth = 1,
            ChainDepth = 1,
        };

    /// <summary>The settings that cells depend on; cells measured with other settings are measured again.</summary>
    public string Key =>
        FormattableString.Invariant(
            $"{Assets.Fingerprint[..12]} {string.Join(',', Stages.Devices)} x{Stages.Threads}, {Prompts.Count} prompts of {Prompts.Sum(prompt => prompt.Length)}, {Tokens} tokens, {Rounds} rounds{(Acceptance is { } rate ? $", drafts replayed at {rate}" : "")}"
        );

    /// <summary>The model with a head of a kind at a layer; null without one.</summary>
    public ModelAssets? HeadAt(int layer, Kernels.Checkpoints.Configuration.ExitHeadKind kind) =>
        Assets.Synthetic is { } synthetic
            ? ModelAssets.Open(synthetic with { ExitLayer = layer, Head = kind.ToString().ToLowerInvariant() })
            : Heads.FirstOrDefault(assets => assets.ExitHead!.ExitLayer == layer && assets.ExitHead.Kind == kind);
}
