using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Kernels.Weights;

/// <summary>A weight in an open checkpoint; usable until the checkpoint is disposed.</summary>
internal sealed class CheckpointWeight(Tensor tensor) : Weight(tensor.RowCount, tensor.RowLength, tensor.ElementType)
{
    /// <summary>The tensor.</summary>
    public Tensor Tensor { get; } = tensor;

    public override void ReadRow(long row, Span<float> destination) => Tensor.ReadRow(row, destination);
}
