using System.Diagnostics.CodeAnalysis;

namespace Ppsd.Kernels.Checkpoints.Tensors;

/// <summary>The element types this library reads from a checkpoint. All are stored little-endian.</summary>
[SuppressMessage("Naming", "CA1720", Justification = "The names are those of the formats they stand for.")]
public enum ElementType
{
    /// <summary>16 bits: the upper half of an IEEE 754 single. Safetensors name <c>BF16</c>.</summary>
    BFloat16,

    /// <summary>16 bits: IEEE 754 half. Safetensors name <c>F16</c>.</summary>
    Float16,

    /// <summary>32 bits: IEEE 754 single. Safetensors name <c>F32</c>.</summary>
    Float32,

    /// <summary>
    /// 32 bits, signed. Holds token ids in reference files; a weight is never of this type. Name <c>I32</c>.
    /// </summary>
    Int32,
}
