namespace Ppsd.Kernels.Checkpoints.Tensors;

/// <summary>Sizes and names of <see cref="ElementType"/>.</summary>
public static class ElementTypes
{
    /// <summary>Bytes one element takes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not a defined element type.</exception>
    public static int SizeInBytes(this ElementType type) =>
        type switch
        {
            ElementType.BFloat16 or ElementType.Float16 => 2,
            ElementType.Float32 or ElementType.Int32 => 4,
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not an element type."),
        };

    /// <summary>The name a safetensors header uses: <c>BF16</c>, <c>F16</c>, <c>F32</c> or <c>I32</c>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not a defined element type.</exception>
    public static string SafetensorsName(this ElementType type) =>
        type switch
        {
            ElementType.BFloat16 => "BF16",
            ElementType.Float16 => "F16",
            ElementType.Float32 => "F32",
            ElementType.Int32 => "I32",
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not an element type."),
        };

    /// <summary>Whether weights may be of this type.</summary>
    public static bool IsFloatingPoint(this ElementType type) =>
        type is ElementType.BFloat16 or ElementType.Float16 or ElementType.Float32;

    /// <summary>
    /// The type a safetensors header calls <paramref name="name"/>, or null for one that is not read here.
    /// </summary>
    public static ElementType? FromSafetensorsName(string name) =>
        name switch
        {
            "BF16" => ElementType.BFloat16,
            "F16" => ElementType.Float16,
            "F32" => ElementType.Float32,
            "I32" => ElementType.Int32,
            _ => null,
        };
}
