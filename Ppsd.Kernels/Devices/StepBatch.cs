namespace Ppsd.Kernels.Devices;

/// <summary>
/// The rows of one step as devices see them: which token stands at which position, where its keys and values go, and
/// which slots it attends to. A row's context, in position order, is the entries of its session's slot table from
/// <see cref="CommittedStarts"/> to <see cref="CommittedLengths"/>, followed by its own tail (uncommitted ancestors and itself). Reused between steps.
/// </summary>
/// <param name="capacity">Rows the batch can hold.</param>
/// <param name="window">
/// Positions that a row attends to at most, itself included: the last ones. All before them drop out of its context, so a
/// row's context depends on its position alone.
/// </param>
internal sealed class StepBatch(int capacity, int window = int.MaxValue)
{
    private int _tailCount;

    /// <summary>Rows the batch can hold.</summary>
    public int Capacity { get; } = capacity;

    /// <summary>Rows in this step.</summary>
    public int RowCount { get; private set; }

    /// <summary>Token id per row.</summary>
    public int[] Tokens { get; } = new int[capacity];

    /// <summary>Position in the sequence per row; the rotary embedding's angle.</summary>
    public int[] Positions { get; } = new int[capacity];

    /// <summary>KV slot each row writes.</summary>
    public int[] Slots { get; } = new int[capacity];

    /// <summary>Slot table of each row's session, by position.</summary>
    public int[][] SlotTables { get; } = new int[capacity][];

    /// <summary>The first entry of its slot table that each row attends to.</summary>
    public int[] CommittedStarts { get; } = new int[capacity];

    /// <summary>Where the entries of its slot table end that each row attends to.</summary>
    public int[] CommittedLengths { get; } = new int[capacity];

    /// <summary>Draws requested for each row, if the device draws.</summary>
    public RowDraw[] Draws { get; } = new RowDraw[capacity];

    /// <summary>Where each row's tail begins in <see cref="TailSlots"/>.</summary>
    public int[] TailStarts { get; } = new int[capacity];

    /// <summary>Length of each row's tail.</summary>
    public int[] TailLengths { get; } = new int[capacity];

    /// <summary>Tails of all rows, one after another.</summary>
    public int[] TailSlots { get; private set; } = new int[capacity * 8];

    /// <summary>Slots in <see cref="TailSlots"/> that this step uses.</summary>
    public int TailSlotCount => _tailCount;

    /// <summary>Longest context of any row, in tokens.</summary>
    public int LongestContext { get; private set; }

    /// <summary>True when a device draws for a row that excludes some tokens.</summary>
    public bool HasFilters
    {
        get
        {
            foreach (ref readonly var draw in Draws.AsSpan(0, RowCount))
            {
                if (draw is { Drafts: > 0, Settings.HasFilters: true })
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Runs of neighbouring rows of one session each.</summary>
    public int SessionRuns
    {
        get
        {
            var runs = 0;
            for (var row = 0; row < RowCount; row++)
            {
                runs += row == 0 || SlotTables[row] != SlotTables[row - 1] ? 1 : 0;
            }

            return runs;
        }
    }

    /// <summary>Positions a row attends to.</summary>
    public int ContextLength(int row) => CommittedLengths[row] - CommittedStarts[row] + TailLengths[row];

    /// <summary>KV slot of a position of a row's context.</summary>
    public int ContextSlot(int row, int position)
    {
        var entry = CommittedStarts[row] + position;
        return entry < CommittedLengths[row]
            ? SlotTables[row][entry]
            : TailSlots[TailStarts[row] + entry - CommittedLengths[row]];
    }

    /// <summary>Slot of the token before a row's; -1 for the first of a context.</summary>
    public int ParentSlot(int row) => ContextLength(row) is > 1 and var length ? ContextSlot(row, length - 2) : -1;

    /// <summary>Forgets all rows.</summary>
    public void Clear()
    {
        // Tables are dropped so that a released session's table can be collected.
        Array.Clear(SlotTables, 0, RowCount);
        RowCount = 0;
        _tailCount = 0;
        LongestContext = 0;
    }

    /// <summary>Takes rows back out, from <paramref name="row"/> on.</summary>
    public void DropFrom(int row)
    {
        if (row >= RowCount)
        {
            return;
        }

        _tailCount = TailStarts[row];
        Array.Clear(SlotTables, row, RowCount - row);
        RowCount = row;
        LongestContext = 0;
        for (var i = 0; i < row; i++)
        {
            LongestContext = Math.Max(LongestContext, ContextLength(i));
        }
    }

    /// <summary>
    /// Adds a row whose context is the table's entries from <paramref name="committedStart"/> to
    /// <paramref name="committedLength"/>, and <paramref name="tail"/>.
    /// </summary>
    public void Add(
        int token,
        int position,
        int slot,
        int[] slotTable,
        int committedLength,
        ReadOnlySpan<int> tail,
        int committedStart = 0
    )
    {
        var passed = Math.Max(0, committedLength - committedStart + tail.Length - window);
        var skipped = Math.Min(passed, committedLength - committedStart);
        committedStart += skipped;
        tail = tail[(passed - skipped)..];
        var row = RowCount++;
        Tokens[row] = token;
        Positions[row] = position;
        Slots[row] = slot;
        SlotTables[row] = slotTable;
        CommittedStarts[row] = committedStart;
        CommittedLengths[row] = committedLength;
        Draws[row] = default;
        TailStarts[row] = _tailCount;
        TailLengths[row] = tail.Length;
        if (_tailCount + tail.Length > TailSlots.Length)
        {
            var grown = new int[Math.Max(TailSlots.Length * 2, _tailCount + tail.Length)];
            TailSlots.AsSpan(0, _tailCount).CopyTo(grown);
            TailSlots = grown;
        }

        tail.CopyTo(TailSlots.AsSpan(_tailCount));
        _tailCount += tail.Length;
        LongestContext = Math.Max(LongestContext, ContextLength(row));
    }
}
