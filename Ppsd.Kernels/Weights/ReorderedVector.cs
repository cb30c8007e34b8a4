using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Kernels.Weights;

/// <summary>A vector's values in another order.</summary>
/// <param name="from">The place in it of each value here.</param>
internal sealed class ReorderedVector(Weight vector, Func<long, long> from)
    : Weight(1, vector.RowLength, ElementType.Float32)
{
    public override void ReadRow(long row, Span<float> destination)
    {
        var values = new float[RowLength];
        vector.ReadRow(row, values);
        for (var i = 0; i < values.Length; i++)
        {
            destination[i] = values[from(i)];
        }
    }
}
