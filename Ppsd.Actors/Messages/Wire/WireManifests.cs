namespace Ppsd.Actors.Messages.Wire;

/// <summary>
/// The messages that may cross the wire, each under a short fixed name. Anything else is refused: this table is the
/// allow-list.
/// </summary>
internal static class WireManifests
{
    private static readonly (string Manifest, Type Type)[] _all =
    [
        ("forward", typeof(Forward)),
        ("credit", typeof(Credit)),
        ("drafts", typeof(Drafts)),
        ("verdicts", typeof(Verdicts)),
        ("cancel", typeof(Cancel)),
        ("gap", typeof(GapSeen)),
        ("end", typeof(EndSession)),
        ("released", typeof(SessionReleased)),
        ("fault", typeof(StageFault)),
        ("find-kept", typeof(FindKept)),
        ("kept", typeof(KeptFound)),
        ("replayed", typeof(TokensReplayed)),
        ("start", typeof(StartSession)),
        ("queued", typeof(SessionQueued)),
        ("started", typeof(SessionStarted)),
        ("refused", typeof(SessionRefused)),
        ("tokens", typeof(TokensEmitted)),
        ("token-credit", typeof(TokenCredit)),
        ("in-flight", typeof(DraftsInFlight)),
        ("ended", typeof(SessionEnded)),
        ("failed", typeof(SessionFailed)),
        ("stop", typeof(StopSession)),
        ("start-text", typeof(StartText)),
        ("text-accepted", typeof(TextAccepted)),
        ("text", typeof(TextEmitted)),
        ("text-credit", typeof(TextCredit)),
        ("text-ended", typeof(TextEnded)),
        ("text-failed", typeof(TextFailed)),
        ("stop-text", typeof(StopText)),
        ("ready", typeof(StageReady)),
        ("stage-failed", typeof(StageFailed)),
        ("formed", typeof(PipelineFormed)),
        ("get-status", typeof(GetStageStatus)),
        ("status", typeof(StageStatus)),
        ("probe", typeof(LinkProbe)),
        ("echo", typeof(LinkEcho)),
        ("offer", typeof(StageOffered)),
        ("offer-refused", typeof(OfferRefused)),
        ("assign", typeof(AssignStage)),
        ("drain", typeof(DrainNode)),
        ("draining", typeof(NodeDraining)),
        ("node-released", typeof(NodeReleased)),
        ("text-declined", typeof(TextDeclined)),
        ("get-pipeline", typeof(GetPipeline)),
        ("pipeline", typeof(PipelineState)),
    ];

    private static readonly Dictionary<string, Type> _types = _all.ToDictionary(
        entry => entry.Manifest,
        entry => entry.Type
    );

    private static readonly Dictionary<Type, string> _manifests = _all.ToDictionary(
        entry => entry.Type,
        entry => entry.Manifest
    );

    /// <summary>Every type on the list.</summary>
    public static IEnumerable<Type> Types => _types.Values;

    /// <summary>The type behind a manifest, or null when it is not on the list.</summary>
    public static Type? TypeOf(string manifest) => _types.GetValueOrDefault(manifest);

    /// <summary>The manifest of a type, or null when it is not on the list.</summary>
    public static string? ManifestOf(Type type) => _manifests.GetValueOrDefault(type);
}
