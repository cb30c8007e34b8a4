using Ppsd.Actors.Speculation;

namespace Ppsd.Actors.Stages;

/// <summary>Cuts candidates that died with a sibling's acceptance out of a micro-batch before a stage spends time on them.</summary>
internal static class DeadBranches
{
    /// <summary>The item without its dead candidates; null when none is left. Descendants of a dead candidate are dead too.</summary>
    public static WorkItem? Without(WorkItem item, CancelBoard board)
    {
        var batch = item.Batch;
        if (!board.HasDeadBranches(batch.Session))
        {
            return item;
        }

        var living = new List<int>(batch.Count);
        for (var row = 0; row < batch.Count; row++)
        {
            if (!board.IsDead(batch.Session, batch.Candidates[row]))
            {
                living.Add(row);
            }
        }

        board.ForgetBefore(batch.Session, batch.Candidates[0]);
        if (living.Count == batch.Count)
        {
            return item;
        }

        if (living.Count == 0)
        {
            return null;
        }

        return new WorkItem(
            batch with
            {
                Candidates = [.. living.Select(row => batch.Candidates[row])],
                Tokens = [.. living.Select(row => batch.Tokens[row])],
                Parents = [.. living.Select(row => batch.Parents[row])],
                CertainCount = living.Count(row => row < batch.CertainCount),
                FirstHeadRow = living.Count(row => row < batch.FirstHeadRow),
            },
            Rows(item.Hidden, living, batch.Count)
        );
    }

    private static ReadOnlyMemory<byte> Rows(ReadOnlyMemory<byte> hidden, List<int> living, int rowCount)
    {
        if (hidden.IsEmpty)
        {
            return hidden;
        }

        var rowBytes = hidden.Length / rowCount;
        var kept = new byte[living.Count * rowBytes];
        for (var i = 0; i < living.Count; i++)
        {
            hidden.Span.Slice(living[i] * rowBytes, rowBytes).CopyTo(kept.AsSpan(i * rowBytes));
        }

        return kept;
    }
}
