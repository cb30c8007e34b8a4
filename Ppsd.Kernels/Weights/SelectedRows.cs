namespace Ppsd.Kernels.Weights;

/// <summary>Some rows of a matrix, in an order of their own.</summary>
/// <param name="count">How many rows there are here.</param>
/// <param name="from">The row of the matrix that each of them is.</param>
internal sealed class SelectedRows(Weight matrix, long count, Func<long, long> from)
    : Weight(count, matrix.RowLength, matrix.ElementType)
{
    public override bool TryGetRow(long row, out ReadOnlySpan<byte> bytes) => matrix.TryGetRow(from(row), out bytes);

    public override void ReadRow(long row, Span<float> destination) => matrix.ReadRow(from(row), destination);
}
