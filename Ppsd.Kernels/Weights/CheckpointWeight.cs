using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Kernels.Weights;

/// <summary>A weight in an open checkpoint; usable until the checkpoint is disposed.</summary>
internal sealed class CheckpointWeight(Tensor tensor) : Weight(tensor.RowCount, tensor.RowLength, tensor.ElementType)
{
    public override bool TryGetRow(long row, out ReadOnlySpan<byte> bytes)
    {
        var rowBytes = (int)RowLength * ElementType.SizeInBytes();
        bytes = tensor.Bytes(row * rowBytes, rowBytes);
        return true;
    }

    public override void ReadRow(long row, Span<float> destination) => tensor.ReadRow(row, destination);
}
