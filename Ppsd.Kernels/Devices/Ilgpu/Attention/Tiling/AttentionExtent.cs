using System.Numerics;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;

/// <summary>What a step's launches of attention are cut for; results do not depend on it.</summary>
/// <param name="LongestContext">Positions of the longest context, or room for more.</param>
/// <param name="RowsTogether">Neighbouring rows that share a context, on average: a power of two, 8 at most.</param>
/// <param name="Ranges">See <see cref="RowRanges.All"/>.</param>
internal readonly record struct AttentionExtent(int LongestContext, int RowsTogether, IReadOnlyList<RowRange> Ranges)
{
    /// <summary>The extent of a step.</summary>
    /// <param name="batch">Its rows.</param>
    /// <param name="ranges">What is alike among them.</param>
    /// <param name="isRecorded">
    /// True when the launches are recorded, and replayed for rows of other contexts: those lie in other ranges, unless all
    /// rows are one prompt's.
    /// </param>
    public static AttentionExtent Of(StepBatch batch, RowRanges ranges, bool isRecorded) =>
        new(
            RoomFor(batch.LongestContext, isRecorded),
            TogetherIn(batch),
            isRecorded && !ranges.IsOnePrompt ? [] : ranges.All
        );

    /// <summary>The same with room for a context.</summary>
    public AttentionExtent WithRoomFor(int context, bool isRecorded) =>
        this with
        {
            LongestContext = Math.Max(LongestContext, RoomFor(context, isRecorded)),
        };

    /// <summary>Few sizes, so that few steps need recording; blocks beyond the context end at once.</summary>
    private static int RoomFor(int context, bool isRecorded) =>
        isRecorded
            ? Math.Max(AttentionTiling.ChunkLength, (int)BitOperations.RoundUpToPowerOf2((uint)context))
            : context;

    private static int TogetherIn(StepBatch batch)
    {
        var sessions = Math.Max(1, batch.SessionRuns);
        return Math.Clamp(
            (int)BitOperations.RoundUpToPowerOf2((uint)(batch.RowCount / sessions + 1)) / 2,
            1,
            AttentionGeometry.TileColumns
        );
    }
}
