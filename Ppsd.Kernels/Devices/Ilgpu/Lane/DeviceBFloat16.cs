using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu.Lane;

/// <summary>bf16 inside kernels: ILGPU has no such type, so bits are moved by hand, one instruction each.</summary>
internal static class DeviceBFloat16
{
    /// <summary>The value in the lower half of a word.</summary>
    public static float Low(uint word) => Interop.IntAsFloat(word << 16);

    /// <summary>The value in the upper half of a word.</summary>
    public static float High(uint word) => Interop.IntAsFloat(word & 0xFFFF0000u);

    /// <summary>The value of sixteen bits.</summary>
    public static float ToSingle(ushort bits) => Interop.IntAsFloat((uint)bits << 16);

    /// <summary>The nearest bf16, ties to even.</summary>
    public static ushort FromSingle(float value)
    {
        var bits = Interop.FloatAsInt(value);
        return (ushort)((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
    }

    /// <summary>The nearest bf16 of two values as one word.</summary>
    public static uint Pack(float low, float high)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("cvt.rn.bf16x2.f32 %0, %1, %2;", out uint word, high, low);
            return word;
        }

        return FromSingle(low) | ((uint)FromSingle(high) << 16);
    }

    /// <summary>What <see cref="Pack"/> rounded away, as bf16: the two words together hold a value to 16 bits.</summary>
    public static uint PackRest(float low, float high, uint packed) => Pack(low - Low(packed), high - High(packed));
}
