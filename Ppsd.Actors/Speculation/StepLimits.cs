namespace Ppsd.Actors.Speculation;

/// <summary>Limits of one cycle of a pipeline.</summary>
/// <param name="MaxRows">Most candidates of a micro-batch, of all sessions together.</param>
/// <param name="ParallelStages">Stages that can work at the same time.</param>
/// <param name="Window">Most positions drafted beyond the last verified tokens, of all sessions together.</param>
/// <param name="RowCost">What a further row adds to a step of one, as a share of that step; 0 for rows that are free.</param>
/// <param name="SharedRows">
/// Most rows of a step that holds verified tokens and a prompt's; 0 where they take turns, a step each.
/// </param>
internal sealed record StepLimits(int MaxRows, int ParallelStages, int Window, double RowCost = 0, int SharedRows = 0)
{
    /// <summary>A prompt gets on, whatever its rows cost those who wait for a token.</summary>
    private const int FewestPromptRows = 8;

    /// <summary>Rows up to which each adds <see cref="RowCost"/>.</summary>
    public int NarrowRows { get; init; } = int.MaxValue;

    /// <summary>What each row beyond <see cref="NarrowRows"/> adds.</summary>
    public double WideRowCost { get; init; }

    /// <summary>True where fewer stages can work at the same time than there are.</summary>
    public bool SharesProcessors { get; init; }

    /// <summary>How far the exit head drafts, by measured costs; null where nothing was measured or there is none.</summary>
    public DraftDepths? Depths { get; init; }

    /// <summary>The same of sources that take no device's time: n-grams. Null where nothing was measured.</summary>
    public DraftDepths? TextDepths { get; init; }

    /// <summary>What the next row adds to a step of some rows.</summary>
    public double CostOfRowAfter(int rows) => rows < NarrowRows ? RowCost : WideRowCost;

    /// <summary>Time of a step of some rows, in steps of one.</summary>
    public double TimeOf(int rows) =>
        1 + RowCost * (Math.Min(rows, NarrowRows) - 1) + WideRowCost * Math.Max(0, rows - NarrowRows);

    /// <summary>
    /// Prompt tokens that may enter with some verified ones: as many as make the step twice as long as it would be without
    /// them.
    /// </summary>
    /// <param name="verified">Verified tokens of the step, at least one.</param>
    public int PromptRowsBeside(int verified)
    {
        var room = SharedRows - verified;
        return RowCost > 0
            ? (int)Math.Clamp((1 + RowCost * (verified - 1)) / RowCost, Math.Min(FewestPromptRows, room), room)
            : room;
    }
}
