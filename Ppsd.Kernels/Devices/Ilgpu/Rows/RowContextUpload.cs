namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>Lays out a <see cref="StepBatch"/> as the integers of <see cref="RowContexts"/>.</summary>
internal sealed class RowContextUpload
{
    private readonly Dictionary<int[], int> _tableStarts = new(ReferenceEqualityComparer.Instance);
    private readonly StepBatch[] _single = new StepBatch[1];
    private int[] _words = new int[1024];

    /// <summary>The integers of a step; valid until the next call.</summary>
    public ReadOnlySpan<int> Write(StepBatch batch)
    {
        _single[0] = batch;
        return Write(_single);
    }

    /// <summary>
    /// The integers of several steps: rows of all of them first, one step after another, then their tails and tables. A
    /// step's integers begin with its rows, and say from there where its tails and tables are. Valid until the next call.
    /// </summary>
    public ReadOnlySpan<int> Write(IReadOnlyList<StepBatch> batches)
    {
        var end = 0;
        foreach (var batch in batches)
        {
            end += batch.RowCount * RowContexts.Stride;
        }

        _tableStarts.Clear();
        var first = 0;
        foreach (var batch in batches)
        {
            end = Write(batch, first, end);
            first += batch.RowCount * RowContexts.Stride;
        }

        return _words.AsSpan(0, end);
    }

    /// <summary>Writes a step's rows at <paramref name="first"/> and the rest at <paramref name="end"/>; returns the new end.</summary>
    private int Write(StepBatch batch, int first, int end)
    {
        var tailStart = end;
        end += batch.TailSlotCount;
        Reserve(end);
        batch.TailSlots.AsSpan(0, batch.TailSlotCount).CopyTo(_words.AsSpan(tailStart));
        for (var row = 0; row < batch.RowCount; row++)
        {
            // Rows of one session share its table; the longest view of it is written once.
            if (!_tableStarts.TryGetValue(batch.SlotTables[row], out var start))
            {
                start = end;
                var length = LongestView(batch, row);
                Reserve(end + length);
                batch.SlotTables[row].AsSpan(0, length).CopyTo(_words.AsSpan(start));
                _tableStarts.Add(batch.SlotTables[row], start);
                end += length;
            }

            var draw = batch.Draws[row];
            ReadOnlySpan<int> fields =
            [
                batch.Tokens[row],
                batch.Positions[row],
                batch.Slots[row],
                start - first + batch.CommittedStarts[row],
                batch.CommittedLengths[row] - batch.CommittedStarts[row],
                tailStart - first + batch.TailStarts[row],
                batch.TailLengths[row],
                Agreement(batch, row),
                draw.Drafts,
                BitConverter.SingleToInt32Bits(draw.Settings.Scale),
                draw.Settings.HasNoise ? 1 : 0,
                draw.Settings.TopK,
                (int)draw.Settings.TopPShare,
                BitConverter.SingleToInt32Bits(draw.Settings.LogMinP),
                (int)draw.Settings.Seed,
                (int)(draw.Settings.Seed >> 32),
            ];
            fields.CopyTo(_words.AsSpan(first + row * RowContexts.Stride));
        }

        return end;
    }

    private static int Agreement(StepBatch batch, int row)
    {
        if (
            row == 0
            || !ReferenceEquals(batch.SlotTables[row], batch.SlotTables[row - 1])
            || batch.CommittedStarts[row] != batch.CommittedStarts[row - 1]
        )
        {
            return 0;
        }

        var position =
            Math.Min(batch.CommittedLengths[row - 1], batch.CommittedLengths[row]) - batch.CommittedStarts[row];
        var end = Math.Min(batch.ContextLength(row - 1), batch.ContextLength(row));
        while (position < end && batch.ContextSlot(row - 1, position) == batch.ContextSlot(row, position))
        {
            position++;
        }

        return position;
    }

    private static int LongestView(StepBatch batch, int firstRow)
    {
        var longest = 0;
        for (var row = firstRow; row < batch.RowCount; row++)
        {
            if (ReferenceEquals(batch.SlotTables[row], batch.SlotTables[firstRow]))
            {
                longest = Math.Max(longest, batch.CommittedLengths[row]);
            }
        }

        return longest;
    }

    private void Reserve(int length)
    {
        if (length > _words.Length)
        {
            Array.Resize(ref _words, Math.Max(length, _words.Length * 2));
        }
    }
}
