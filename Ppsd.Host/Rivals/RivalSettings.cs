namespace Ppsd.Host.Rivals;

/// <summary>A published way to decode that PPSD is compared with.</summary>
internal enum RivalMethod
{
    /// <summary>Early exit with a head of its own, and a control of the block's length (2406.03853).</summary>
    Eesd,

    /// <summary>Early exit with the model's own norm and LM head, and blocks of one length (2404.16710).</summary>
    LayerSkip,

    /// <summary>Early exit at the layer that promises most, with a norm head at each (2504.05598).</summary>
    Del,

    /// <summary>Drafts by the model without some sublayers, chosen by the prompt (2505.16162).</summary>
    KnnSsd,
}

/// <summary>A rival and its settings.</summary>
internal sealed record RivalSettings(RivalMethod Method)
{
    /// <summary>Names on the command line, in the order of <see cref="RivalMethod"/>.</summary>
    public static IReadOnlyList<string> Names { get; } = ["eesd", "layerskip", "del", "knn-ssd"];

    /// <summary>True for EESD with draws of what its acceptance may be; false for the length that pays best.</summary>
    public bool IsThompson { get; init; }

    /// <summary>Layers that LayerSkip drafts with; null for a quarter of the model.</summary>
    public int? ExitLayer { get; init; }

    /// <summary>Drafts of LayerSkip's blocks.</summary>
    public int DraftLength { get; init; } = 4;

    /// <summary>True for DEL's variant that drafts as many tokens as it computed; false for the threshold it was published with.</summary>
    public bool UsesLength { get; init; }

    /// <summary>Folder of DEL's heads, or "own"; null for the one beside the model.</summary>
    public string? LayerHeads { get; init; }

    /// <summary>File of KNN-SSD's sets; null for the one beside the model.</summary>
    public string? SetsFile { get; init; }

    /// <summary>Its name on the command line.</summary>
    public string Name => Names[(int)Method];

    /// <summary>The rival in words.</summary>
    public string Description =>
        Method switch
        {
            RivalMethod.Eesd => $"eesd, {(IsThompson ? "thompson" : "fixed")} control",
            RivalMethod.LayerSkip => $"layerskip, {DraftLength} drafts a block",
            RivalMethod.Del => $"del, {(UsesLength ? "as many drafts as it computes" : "drafts up to its threshold")}",
            _ => "knn-ssd",
        };
}
