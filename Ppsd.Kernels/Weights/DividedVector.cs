using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Kernels.Weights;

/// <summary>A vector whose values are divided by a number.</summary>
internal sealed class DividedVector(Weight vector, double divisor) : Weight(1, vector.RowLength, ElementType.Float32)
{
    public override void ReadRow(long row, Span<float> destination)
    {
        vector.ReadRow(row, destination);
        foreach (ref var value in destination[..(int)RowLength])
        {
            value = (float)(value / divisor);
        }
    }
}
