namespace Ppsd.Actors.Speculation;

/// <summary>Bounds on how far a session drafts ahead.</summary>
/// <param name="Window">Most positions drafted beyond the last verified token.</param>
/// <param name="MaxWidth">Most candidates of a micro-batch.</param>
/// <param name="PrefillChunk">Prompt tokens of a micro-batch.</param>
/// <param name="MinAcceptance">Share of drafts that must be confirmed, or the session pauses drafting; see <see cref="DraftPolicy"/>.</param>
internal sealed record SpeculationLimits(int Window, int MaxWidth, int PrefillChunk, double MinAcceptance = 0);
