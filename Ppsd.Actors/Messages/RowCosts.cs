using MessagePack;

namespace Ppsd.Actors.Messages;

/// <summary>What rows cost a stage, measured when it loaded; zeros where nothing was measured, so rows count as free.</summary>
/// <param name="StepMs">Milliseconds of a step of one candidate, heads included.</param>
/// <param name="RowMs">Milliseconds that each further candidate adds.</param>
[MessagePackObject]
public readonly record struct RowCosts([property: Key(0)] double StepMs, [property: Key(1)] double RowMs);
