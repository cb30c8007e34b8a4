namespace Ppsd.Kernels.Checkpoints.Tensors;

/// <summary>
/// Sizes of all whole-byte dtypes a safetensors header may name. More than are read: the size lets a header be checked
/// even where it describes tensors nobody will ask for.
/// </summary>
internal static class SafetensorsDtype
{
    /// <summary>Bytes of one element; null for a dtype that is unknown here or not a whole number of bytes.</summary>
    public static int? SizeInBytes(string dtype) =>
        dtype switch
        {
            "BOOL" or "U8" or "I8" or "F8_E5M2" or "F8_E4M3" or "F8_E8M0" => 1,
            "U16" or "I16" or "F16" or "BF16" => 2,
            "U32" or "I32" or "F32" => 4,
            "U64" or "I64" or "F64" or "C64" => 8,
            _ => null,
        };
}
