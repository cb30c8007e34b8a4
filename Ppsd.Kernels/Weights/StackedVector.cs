using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Kernels.Weights;

/// <summary>Vectors one after another as one: the biases of projections that are one matrix.</summary>
internal sealed class StackedVector(params Weight[] parts)
    : Weight(1, parts.Sum(part => part.RowLength), ElementType.Float32)
{
    public override void ReadRow(long row, Span<float> destination)
    {
        foreach (var part in parts)
        {
            part.ReadRow(row, destination[..(int)part.RowLength]);
            destination = destination[(int)part.RowLength..];
        }
    }
}
