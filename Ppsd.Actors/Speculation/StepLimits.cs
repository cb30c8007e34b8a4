namespace Ppsd.Actors.Speculation;

/// <summary>Limits of one cycle of a pipeline.</summary>
/// <param name="MaxRows">Most candidates of a micro-batch, of all sessions together.</param>
/// <param name="ParallelStages">Stages that can work at the same time.</param>
/// <param name="Window">Most positions drafted beyond the last verified tokens, of all sessions together.</param>
/// <param name="RowCost">What a further row adds to a step of one, as a share of that step; 0 for rows that are free.</param>
internal sealed record StepLimits(int MaxRows, int ParallelStages, int Window, double RowCost = 0)
{
    /// <summary>Rows up to which each adds <see cref="RowCost"/>.</summary>
    public int NarrowRows { get; init; } = int.MaxValue;

    /// <summary>What each row beyond <see cref="NarrowRows"/> adds.</summary>
    public double WideRowCost { get; init; }

    /// <summary>Depths by measured costs; null where nothing was measured.</summary>
    public DraftDepths? Depths { get; init; }

    /// <summary>What the next row adds to a step of some rows.</summary>
    public double CostOfRowAfter(int rows) => rows < NarrowRows ? RowCost : WideRowCost;

    /// <summary>Time of a step of some rows, in steps of one.</summary>
    public double TimeOf(int rows) =>
        1 + RowCost * (Math.Min(rows, NarrowRows) - 1) + WideRowCost * Math.Max(0, rows - NarrowRows);
}
