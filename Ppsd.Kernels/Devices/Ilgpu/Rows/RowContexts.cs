using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Rows;

/// <summary>
/// The rows of a step in device memory; see <see cref="StepBatch"/>. One buffer of integers holds everything, so that a
/// step takes one upload: sixteen per row (eight for its context, eight for its draws), then the rows' tails, then the
/// slot tables.
/// </summary>
internal struct RowContexts
{
    /// <summary>Integers per row.</summary>
    public const int Stride = 16;

    public ArrayView<int> Words;

    /// <summary>Token of a row.</summary>
    public readonly int Token(int row) => Words[row * Stride];

    /// <summary>Position of a row.</summary>
    public readonly int Position(int row) => Words[row * Stride + 1];

    /// <summary>KV slot the row writes.</summary>
    public readonly int Slot(int row) => Words[row * Stride + 2];

    /// <summary>What attention needs to know of a row, in three loads that wait for nothing.</summary>
    public readonly RowContext Context(int row)
    {
        var second = Words.Cast<UInt4>()[row * (Stride / 4) + 1];
        return new RowContext
        {
            TableStart = Words[row * Stride + 3],
            CommittedLength = (int)second.X,
            TailStart = (int)second.Y,
            Length = (int)(second.X + second.Z),
            Agreement = (int)second.W,
        };
    }

    /// <summary>Draws requested for the row.</summary>
    public readonly RowDrawWords Draw(int row)
    {
        var first = Words.Cast<UInt4>()[row * (Stride / 4) + 2];
        var second = Words.Cast<UInt4>()[row * (Stride / 4) + 3];
        return new RowDrawWords
        {
            Drafts = (int)first.X,
            Scale = Interop.IntAsFloat(first.Y),
            HasNoise = (int)first.Z,
            TopK = (int)first.W,
            TopPShare = (int)second.X,
            LogMinP = Interop.IntAsFloat(second.Y),
            Position = Position(row) + 1,
            Seed = ((ulong)second.W << 32) | second.Z,
        };
    }

    /// <summary>Positions the row attends to.</summary>
    public readonly int Length(int row) => Words[row * Stride + 4] + Words[row * Stride + 6];
}

/// <summary>Which slots a row attends to.</summary>
internal struct RowContext
{
    /// <summary>Where its session's slot table begins.</summary>
    public int TableStart;

    /// <summary>Entries of the table that belong to it.</summary>
    public int CommittedLength;

    /// <summary>Where its tail begins.</summary>
    public int TailStart;

    /// <summary>Positions, tail included.</summary>
    public int Length;

    /// <summary>Number of leading positions whose slots equal those of the row before it.</summary>
    public int Agreement;

    /// <summary>Which of the step's words holds the slot of a position.</summary>
    public readonly int SlotWord(int position) =>
        position < CommittedLength ? TableStart + position : TailStart + position - CommittedLength;
}
