namespace Ppsd.Kernels.Checkpoints.Tensors;

/// <summary>bf16: the upper 16 bits of an fp32.</summary>
internal static class BFloat16
{
    /// <summary>The nearest bf16 value, ties to even; a NaN stays one.</summary>
    public static ushort Round(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value)
            ? (ushort)((bits >> 16) | 0x40)
            : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    /// <summary>Its value.</summary>
    public static float ToSingle(ushort half) => BitConverter.UInt32BitsToSingle((uint)half << 16);
}
