using MessagePack;

namespace Ppsd.Actors.Messages;

/// <summary>
/// What rows and drafts cost a stage, in milliseconds, measured when it loaded or read from a plan; zeros where nothing was
/// measured, so rows and drafts count as free.
/// </summary>
/// <param name="StepMs">A step of one candidate: layers and, at the last stage, target head; no exit head.</param>
/// <param name="RowMs">
/// What each further candidate adds, up to <see cref="Width"/>.
/// </param>
[MessagePackObject]
public readonly record struct RowCosts([property: Key(0)] double StepMs, [property: Key(1)] double RowMs)
{
    /// <summary>Candidates up to which each adds <see cref="RowMs"/>; 0 for any number of them.</summary>
    [Key(8)]
    public int Width { get; init; }

    /// <summary>What each candidate beyond <see cref="Width"/> adds.</summary>
    [Key(2)]
    public double WideRowMs { get; init; }

    /// <summary>The exit head on a candidate that nothing is drafted from: it only enters the head's caches.</summary>
    [Key(3)]
    public double EnterMs { get; init; }

    /// <summary>The exit head on one candidate, one token ahead.</summary>
    [Key(4)]
    public double HeadMs { get; init; }

    /// <summary>What each further candidate adds to that.</summary>
    [Key(5)]
    public double HeadRowMs { get; init; }

    /// <summary>Each further step of a chain behind one candidate.</summary>
    [Key(6)]
    public double ChainMs { get; init; }

    /// <summary>What each further candidate adds to such a step.</summary>
    [Key(7)]
    public double ChainRowMs { get; init; }

    /// <summary>Milliseconds of a step without its exit head.</summary>
    /// <param name="rows">Candidates, at least 1.</param>
    public double LayersMs(int rows)
    {
        var narrow = Width > 0 ? Math.Min(rows, Width) : rows;
        return StepMs + RowMs * (narrow - 1) + WideRowMs * (rows - narrow);
    }

    /// <summary>Milliseconds of the exit head in a step.</summary>
    /// <param name="rows">Candidates to draft from; 0 where it only enters them.</param>
    /// <param name="depth">Tokens ahead of each, at least 1.</param>
    public double ExitHeadMs(int rows, int depth) =>
        rows == 0 ? EnterMs : HeadMs + HeadRowMs * (rows - 1) + (depth - 1) * (ChainMs + ChainRowMs * (rows - 1));

    /// <summary>True when all of them are numbers that time can have.</summary>
    public bool IsSound() =>
        Width >= 0
        && IsTime(StepMs)
        && IsTime(RowMs)
        && IsTime(WideRowMs)
        && IsTime(EnterMs)
        && IsTime(HeadMs)
        && IsTime(HeadRowMs)
        && IsTime(ChainMs)
        && IsTime(ChainRowMs);

    private static bool IsTime(double ms) => double.IsFinite(ms) && ms >= 0;
}
