using Ppsd.Kernels.Devices;

namespace Ppsd.Kernels.Model;

/// <summary>
/// The rows of a chain's steps, worked out from those of the step: where a drafted token stands, what it attends to, and the
/// slots its keys and values take while the chain runs, behind those of the stage's pages. Used by the stage's thread.
/// </summary>
internal sealed class ChainRows
{
    private readonly StageLimits _limits;
    private readonly StepBatch[] _steps;
    private readonly StepBatch[][] _byDepth;
    private int[] _tail = new int[64];

    public ChainRows(StageLimits limits)
    {
        _limits = limits;
        _steps = new StepBatch[limits.MaxDepth - 1];
        for (var i = 0; i < _steps.Length; i++)
        {
            _steps[i] = new StepBatch(limits.MaxWidth);
        }

        _byDepth = [.. Enumerable.Range(0, limits.MaxDepth).Select(count => _steps[..count])];
    }

    /// <summary>Slots that chains take at once: of each row its own, which only a token that has not entered needs, and its steps'.</summary>
    public static int SlotCount(StageLimits limits) => limits.MaxWidth * limits.MaxDepth;

    /// <summary>Slot of a row that has none in the stage's pages.</summary>
    /// <param name="index">Its place among the rows to draft from.</param>
    public int SlotOf(int index) => _limits.KvSlots + index * _limits.MaxDepth;

    /// <summary>The rows of a step of the chain, from 1.</summary>
    public StepBatch Step(int step) => _steps[step - 1];

    /// <summary>Works them out for the steps from 1 to <paramref name="depth"/> - 1.</summary>
    /// <param name="batch">The step's rows.</param>
    /// <param name="firstRow">First row to draft from.</param>
    /// <param name="depth">Steps, that of the row itself counted.</param>
    /// <param name="given">Tokens of the steps, [rows, depth - 1]; empty to leave them open.</param>
    public IReadOnlyList<StepBatch> Build(StepBatch batch, int firstRow, int depth, ReadOnlySpan<int> given)
    {
        var steps = _byDepth[depth - 1];
        for (var step = 1; step < depth; step++)
        {
            _steps[step - 1].Clear();
        }

        for (var row = firstRow; row < batch.RowCount; row++)
        {
            // The first token of a text has no input to the second layer: nothing attends to its slot.
            var skipsTable = batch.CommittedLengths[row] > 0;
            var tail = batch.TailSlots.AsSpan(batch.TailStarts[row], batch.TailLengths[row])[(skipsTable ? 0 : 1)..];
            Reserve(tail.Length + depth);
            tail.CopyTo(_tail);
            for (var step = 1; step < depth; step++)
            {
                var slot = SlotOf(row - firstRow) + step;
                _tail[tail.Length + step - 1] = slot;
                var rows = _steps[step - 1];
                rows.Add(
                    given.IsEmpty ? 0 : given[(row - firstRow) * (depth - 1) + step - 1],
                    Math.Min(batch.Positions[row] + step, _limits.MaxLength - 1),
                    slot,
                    batch.SlotTables[row],
                    batch.CommittedLengths[row],
                    _tail.AsSpan(0, tail.Length + step),
                    skipsTable ? 1 : 0
                );
                rows.Draws[rows.RowCount - 1] = batch.Draws[row];
            }
        }

        return steps;
    }

    private void Reserve(int length)
    {
        if (length > _tail.Length)
        {
            _tail = new int[length * 2];
        }
    }
}
