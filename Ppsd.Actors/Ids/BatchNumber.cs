namespace Ppsd.Actors.Ids;

/// <summary>Tells the micro-batches of a draft stage apart. Counts up; never used again.</summary>
/// <param name="Value">From 0.</param>
public readonly record struct BatchNumber(long Value);
