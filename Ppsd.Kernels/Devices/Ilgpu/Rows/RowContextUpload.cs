namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>Lays out a <see cref="StepBatch"/> as the integers of <see cref="RowContexts"/>.</summary>
internal sealed class RowContextUpload
{
    private readonly Dictionary<int[], int> _tableStarts = new(ReferenceEqualityComparer.Instance);
    private int[] _words = new int[1024];

    /// <summary>The integers; valid until the next call.</summary>
    public ReadOnlySpan<int> Write(StepBatch batch)
    {
        var rows = batch.RowCount;
        var tailStart = rows * RowContexts.Stride;
        var end = tailStart + batch.TailSlotCount;
        Reserve(end);
        batch.TailSlots.AsSpan(0, batch.TailSlotCount).CopyTo(_words.AsSpan(tailStart));
        _tableStarts.Clear();
        for (var row = 0; row < rows; row++)
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
                start,
                batch.CommittedLengths[row],
                tailStart + batch.TailStarts[row],
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
            fields.CopyTo(_words.AsSpan(row * RowContexts.Stride));
        }

        return _words.AsSpan(0, end);
    }

    private static int Agreement(StepBatch batch, int row)
    {
        if (row == 0 || !ReferenceEquals(batch.SlotTables[row], batch.SlotTables[row - 1]))
        {
            return 0;
        }

        var position = Math.Min(batch.CommittedLengths[row - 1], batch.CommittedLengths[row]);
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
