using Ppsd.Kernels.Checkpoints.Configuration;

namespace Ppsd.Kernels.Weights;

/// <summary>
/// Where elements of a head go when only some are rotated. Devices turn element i with element i + headSize / 2; a head of
/// which the first r are rotated pairs i with i + r / 2. So queries and keys are loaded with their elements in another
/// order, the rotated pairs first; scores are sums over elements, and queries and keys have the same order.
/// </summary>
internal static class RotatedPairs
{
    /// <summary>Query or key projection [heads * headSize, hidden], or its bias, or a head's norm [headSize], as devices want it.</summary>
    public static Weight Arrange(Weight weight, ModelConfig config)
    {
        if (config.Rope.RotatedSize is not { } rotated)
        {
            return weight;
        }

        var size = config.HeadSize;
        return weight.RowCount == 1
            ? new ReorderedVector(weight, i => From(i, size, rotated))
            : new SelectedRows(weight, weight.RowCount, row => From(row, size, rotated));
    }

    /// <summary>Undoes <see cref="Arrange"/>: rows as devices have them, in the order of a checkpoint.</summary>
    /// <param name="values">All rows; the elements of a vector are rows of one value.</param>
    /// <param name="rowLength">Values of a row.</param>
    /// <param name="config">The model's shape.</param>
    public static float[] Restore(float[] values, int rowLength, ModelConfig config)
    {
        if (config.Rope.RotatedSize is not { } rotated)
        {
            return values;
        }

        var restored = new float[values.Length];
        for (var row = 0; row < values.Length / rowLength; row++)
        {
            values
                .AsSpan(row * rowLength, rowLength)
                .CopyTo(restored.AsSpan((int)From(row, config.HeadSize, rotated) * rowLength));
        }

        return restored;
    }

    /// <summary>The place in a checkpoint of what a device has at <paramref name="place"/>.</summary>
    private static long From(long place, int size, int rotated)
    {
        var head = place / size * size;
        var (half, pair) = Math.DivRem((int)(place % size), size / 2);
        return head
            + (pair < rotated / 2 ? pair + (half * rotated / 2) : pair + (rotated / 2) + (half * (size - rotated) / 2));
    }
}
