using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Kernels.Weights;

/// <summary>A vector of one value throughout: the norms of a synthetic model.</summary>
internal sealed class ConstantWeight(long length, float value) : Weight(1, length, ElementType.Float32)
{
    public override void ReadRow(long row, Span<float> destination) => destination.Fill(value);
}
