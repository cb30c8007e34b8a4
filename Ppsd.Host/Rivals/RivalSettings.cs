namespace Ppsd.Host.Rivals;

/// <summary>A published way to decode that PPSD is compared with.</summary>
internal enum RivalMethod
{
    /// <summary>Early exit with a head of its own, and a control of the block's length (2406.03853).</summary>
    Eesd,

    /// <summary>Early exit with the model's own norm and LM head, and blocks of one length (2404.16710).</summary>
    LayerSkip,
}

/// <summary>A rival and its settings.</summary>
/// <param name="Method">The method.</param>
internal sealed record RivalSettings(RivalMethod Method)
{
    /// <summary>Names on the command line, in the order of <see cref="RivalMethod"/>.</summary>
    public static IReadOnlyList<string> Names { get; } = ["eesd", "layerskip"];

    /// <summary>True for EESD with draws of what its acceptance may be; false for the length that pays best.</summary>
    public bool IsThompson { get; init; }

    /// <summary>Layers that LayerSkip drafts with; null for a quarter of the model.</summary>
    public int? ExitLayer { get; init; }

    /// <summary>Drafts of LayerSkip's blocks.</summary>
    public int DraftLength { get; init; } = 4;

    /// <summary>Its name on the command line.</summary>
    public string Name => Names[(int)Method];

    /// <summary>The rival in words.</summary>
    public string Description =>
        Method switch
        {
            RivalMethod.Eesd => $"eesd, {(IsThompson ? "thompson" : "fixed")} control",
            _ => $"layerskip, {DraftLength} drafts a block",
        };
}
