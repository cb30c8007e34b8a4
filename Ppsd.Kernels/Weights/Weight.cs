using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Kernels.Weights;

/// <summary>
/// A matrix or vector of weights before it is on a device, row by row; a vector is a single row. A device that knows the
/// kind loads it by a shorter way than <see cref="ReadRow"/>, to the same values.
/// </summary>
internal abstract class Weight(long rowCount, long rowLength, ElementType elementType)
{
    /// <summary>Rows; 1 for a vector.</summary>
    public long RowCount { get; } = rowCount;

    /// <summary>Values per row.</summary>
    public long RowLength { get; } = rowLength;

    /// <summary>The type that holds every value exactly.</summary>
    public ElementType ElementType { get; } = elementType;

    /// <summary>Reads one row as fp32; safe for many threads.</summary>
    /// <param name="row">From 0.</param>
    /// <param name="destination">[<see cref="RowLength"/>].</param>
    public abstract void ReadRow(long row, Span<float> destination);
}
