using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Kernels.Weights;

/// <summary>
/// A matrix or vector of weights before it is on a device, row by row; a vector is a single row. A device may
/// take a shorter way than <see cref="ReadRow"/>, to the same values: the bytes of a file, or the formula.
/// </summary>
internal abstract class Weight(long rowCount, long rowLength, ElementType elementType)
{
    /// <summary>Rows; 1 for a vector.</summary>
    public long RowCount { get; } = rowCount;

    /// <summary>Values per row.</summary>
    public long RowLength { get; } = rowLength;

    /// <summary>The type that holds every value exactly.</summary>
    public ElementType ElementType { get; } = elementType;

    /// <summary>How the values are made, where a formula makes them; null where they are stored.</summary>
    public virtual GeneratedWeight? Generator => null;

    /// <summary>One row as it lies in a file, in <see cref="ElementType"/>, little-endian; safe for many threads.</summary>
    /// <param name="row">From 0.</param>
    /// <param name="bytes">The row's bytes, usable as long as the weight is.</param>
    /// <returns>False where the row lies in no file: <see cref="ReadRow"/> makes it.</returns>
    public virtual bool TryGetRow(long row, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        return false;
    }

    /// <summary>Reads one row as fp32; safe for many threads.</summary>
    /// <param name="row">From 0.</param>
    /// <param name="destination">[<see cref="RowLength"/>].</param>
    public abstract void ReadRow(long row, Span<float> destination);
}
