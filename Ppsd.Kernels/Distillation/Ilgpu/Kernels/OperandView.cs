using ILGPU;

namespace Ppsd.Kernels.Distillation.Ilgpu.Kernels;

/// <summary>
/// A matrix that a product reads: value (i, k) lies at <c>i * OuterStride + k * DepthStride</c>, zero beyond
/// <see cref="Count"/> and <see cref="Depth"/>; k is what is summed over. Covers a matrix and its transpose.
/// </summary>
internal struct OperandView
{
    public ArrayView<float> Values;
    public int OuterStride;
    public int DepthStride;

    /// <summary>Values of i.</summary>
    public int Count;

    /// <summary>Values of k.</summary>
    public int Depth;

    /// <summary>A value, or zero beyond the matrix.</summary>
    public readonly float At(int outer, int depth) =>
        outer < Count && depth < Depth ? Values[(long)outer * OuterStride + (long)depth * DepthStride] : 0f;
}
