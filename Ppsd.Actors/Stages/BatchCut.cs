using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;

namespace Ppsd.Actors.Stages;

/// <summary>
/// Removes parts that are dead or cannot be placed from a micro-batch before a stage spends time on them. Pure.
/// </summary>
internal static class BatchCut
{
    /// <summary>
    /// The item without parts whose run is dead and without candidates that died with a sibling's acceptance
    /// (descendants of a dead candidate are dead too); null when nothing is left.
    /// </summary>
    public static WorkItem? WithoutDead(WorkItem item, CancelBoard board)
    {
        var parts = item.Batch.Parts;
        List<BatchPart?>? living = null;
        for (var i = 0; i < parts.Length; i++)
        {
            var part = board.IsDead(parts[i].Session, parts[i].Run) ? null : WithoutDeadBranches(parts[i], board);
            if (living is null && !ReferenceEquals(part, parts[i]))
            {
                living = [.. parts[..i]];
            }

            living?.Add(part);
        }

        return living is null ? item : Keep(item, living);
    }

    /// <summary>The item with what is left of each of its parts (null: nothing); null when nothing is left at all.</summary>
    public static WorkItem? Keep(WorkItem item, IReadOnlyList<BatchPart?> left)
    {
        BatchPart[] parts = [.. left.OfType<BatchPart>()];
        if (parts.Length == 0)
        {
            return null;
        }

        var batch = new MicroBatch(item.Batch.Number, parts)
        {
            StageMs = item.Batch.StageMs,
            ArrivedAt = item.Batch.ArrivedAt,
        };
        return item.Hidden.IsEmpty
            ? new WorkItem(batch, item.Hidden)
            : new WorkItem(batch, HiddenStates.Keep(Rows(item, left, batch.Count)));
    }

    private static BatchPart? WithoutDeadBranches(BatchPart part, CancelBoard board)
    {
        // One look for all rows: a cancel may arrive between two of them.
        var dead = board.DeadBranches(part.Session);
        if (dead.IsEmpty)
        {
            return part;
        }

        var living = new List<int>(part.Count);
        for (var row = 0; row < part.Count; row++)
        {
            if (!dead.Contains(part.Candidates[row]))
            {
                living.Add(row);
            }
        }

        board.ForgetBefore(part.Session, part.Candidates[0]);
        if (living.Count == part.Count)
        {
            return part;
        }

        return living.Count == 0
            ? null
            : part with
            {
                Candidates = [.. living.Select(row => part.Candidates[row])],
                Tokens = [.. living.Select(row => part.Tokens[row])],
                Parents = [.. living.Select(row => part.Parents[row])],
                CertainCount = living.Count(row => row < part.CertainCount),
                FirstHeadRow = living.Count(row => row < part.FirstHeadRow),
            };
    }

    /// <summary>Hidden states of the rows that are left, in memory of their own.</summary>
    private static byte[] Rows(WorkItem item, IReadOnlyList<BatchPart?> left, int count)
    {
        var rowBytes = item.Hidden.Length / item.Batch.Count;
        var kept = new byte[count * rowBytes];
        var row = 0;
        var target = 0;
        for (var i = 0; i < left.Count; i++)
        {
            var next = 0;
            foreach (var candidate in item.Batch.Parts[i].Candidates)
            {
                if (left[i] is { } part && next < part.Count && part.Candidates[next] == candidate)
                {
                    item.Hidden.Memory.Span.Slice(row * rowBytes, rowBytes).CopyTo(kept.AsSpan(target++ * rowBytes));
                    next++;
                }

                row++;
            }
        }

        return kept;
    }
}
