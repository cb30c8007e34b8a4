using ILGPU;
using ILGPU.Algorithms;

namespace Ppsd.Kernels.Distillation.Ilgpu.Kernels;

/// <summary>What attention's kernels know of heads and sequences.</summary>
internal struct AttentionNumbers
{
    /// <summary>Values of a head, up to <see cref="TrainingAttentionKernels.MaxHeadSize"/>.</summary>
    public int HeadSize;

    /// <summary>Query heads for each key/value head.</summary>
    public int GroupSize;

    /// <summary>First column of keys.</summary>
    public int KeyColumn;

    /// <summary>First column of values.</summary>
    public int ValueColumn;

    /// <summary>Factor of scores.</summary>
    public float Scale;

    /// <summary>Blocks of rows for each sequence, as many as the longest needs.</summary>
    public int BlocksPerSequence;

    /// <summary>Keys of the first step that a query sees, up to its own row's.</summary>
    public int Reach;

    /// <summary>Own steps of each row; 0 in plain attention.</summary>
    public int OwnSteps;

    /// <summary>Width of an own step's keys and values.</summary>
    public int OwnWidth;

    /// <summary>First rows of the sequences, and the end of the last.</summary>
    public ArrayView<int> Starts;

    /// <summary>First row of the sequence of the group's block.</summary>
    public readonly int SequenceStart => Starts[Grid.IdxX / BlocksPerSequence];

    /// <summary>First row whose keys a query sees.</summary>
    public readonly int FirstKey(int row) => XMath.Max(SequenceStart, row - Reach + 1);

    /// <summary>End of that sequence.</summary>
    public readonly int SequenceEnd => Starts[Grid.IdxX / BlocksPerSequence + 1];

    /// <summary>First row of the group's block.</summary>
    public readonly int BlockStart =>
        SequenceStart + Grid.IdxX % BlocksPerSequence * TrainingAttentionKernels.BlockRows;
}
