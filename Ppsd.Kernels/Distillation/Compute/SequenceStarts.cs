namespace Ppsd.Kernels.Distillation.Compute;

/// <summary>Where the sequences of a pass lie: sequence i is the rows from <c>Starts[i]</c> to <c>Starts[i + 1]</c>.</summary>
/// <param name="Starts">First rows, ascending from 0, and the number of rows.</param>
/// <param name="Device">The same on the device.</param>
internal readonly record struct SequenceStarts(int[] Starts, IndexBuffer Device)
{
    /// <summary>Sequences.</summary>
    public int Count => Starts.Length - 1;

    /// <summary>Rows of all sequences.</summary>
    public int Rows => Starts[^1];

    /// <summary>Rows of the longest sequence.</summary>
    public int Longest
    {
        get
        {
            var longest = 0;
            for (var i = 0; i < Count; i++)
            {
                longest = Math.Max(longest, Starts[i + 1] - Starts[i]);
            }

            return longest;
        }
    }
}
