using System.Collections.Immutable;

namespace Ppsd.Kernels.Checkpoints.Tensors;

/// <summary>
/// A safetensors header's entry for one tensor. Holds no weights, so it stays valid when the file is closed.
/// </summary>
/// <param name="Name">The tensor's name.</param>
/// <param name="Dtype">The element type as the header writes it; it may be one this library does not read.</param>
/// <param name="Shape">The dimensions, outermost first; empty for a scalar.</param>
/// <param name="ElementCount">The product of the dimensions.</param>
/// <param name="Offset">Where the tensor begins, in bytes from the start of the file's data part.</param>
/// <param name="ByteCount">Its bytes.</param>
public sealed record TensorEntry(
    string Name,
    string Dtype,
    ImmutableArray<long> Shape,
    long ElementCount,
    long Offset,
    long ByteCount
)
{
    /// <summary>The element type, or null when it is not one this library reads.</summary>
    public ElementType? ElementType => ElementTypes.FromSafetensorsName(Dtype);

    /// <summary>Where the tensor ends, in bytes from the start of the file's data part.</summary>
    internal long End => Offset + ByteCount;
}
