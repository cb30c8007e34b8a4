using ILGPU;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// The rows of a step in device memory; see <see cref="StepBatch"/>. One buffer of integers holds everything, so that a
/// step takes one upload: eight per row, then the rows' tails, then the slot tables.
/// </summary>
internal struct RowContexts
{
    /// <summary>Integers per row.</summary>
    public const int Stride = 8;

    public ArrayView<int> Words;

    /// <summary>Token of a row.</summary>
    public readonly int Token(int row) => Words[row * Stride];

    /// <summary>Position of a row.</summary>
    public readonly int Position(int row) => Words[row * Stride + 1];

    /// <summary>KV slot the row writes.</summary>
    public readonly int Slot(int row) => Words[row * Stride + 2];

    /// <summary>Positions the row attends to.</summary>
    public readonly int Length(int row) => Words[row * Stride + 4] + Words[row * Stride + 6];

    /// <summary>How many leading positions of its context the row shares with the row before it, slot by slot.</summary>
    public readonly int Agreement(int row) => Words[row * Stride + 7];

    /// <summary>KV slot of a position of the row's context.</summary>
    public readonly int ContextSlot(int row, int position)
    {
        var committed = Words[row * Stride + 4];
        return position < committed
            ? Words[Words[row * Stride + 3] + position]
            : Words[Words[row * Stride + 5] + position - committed];
    }
}
