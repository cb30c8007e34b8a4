using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;

/// <summary>
/// How keys and values are held in device memory; kernels are compiled once per kind. They are read eight at a time, as the
/// bf16 words of a tensor core.
/// </summary>
internal interface IKvEights
{
    /// <summary>True when a value is two bf16 parts, false when the first is all of it.</summary>
    static abstract bool HasLowPart { get; }

    /// <summary>Sixteen-byte loads of eight values.</summary>
    static abstract int Loads { get; }

    /// <summary>Eight values as they were loaded.</summary>
    /// <param name="first">The first load.</param>
    /// <param name="second">The second load; ignored when there is none.</param>
    static abstract KvEight Unpack(UInt4 first, UInt4 second);

    /// <summary>Keeps one value.</summary>
    /// <param name="loads">Keys or values.</param>
    /// <param name="at">Which, in values.</param>
    /// <param name="value">The value, to be rounded.</param>
    static abstract void Store(ArrayView<UInt4> loads, long at, float value);
}

/// <summary>Eight keys or values: their bf16 parts and, for fp32, the residuals.</summary>
internal struct KvEight
{
    public UInt4 High;
    public UInt4 Low;
}

/// <summary>bf16: half the bytes attention reads.</summary>
internal readonly struct BFloat16Kv : IKvEights
{
    public static bool HasLowPart => false;

    public static int Loads => 1;

    public static void Store(ArrayView<UInt4> loads, long at, float value) =>
        loads.Cast<ushort>()[at] = DeviceBFloat16.FromSingle(value);

    public static KvEight Unpack(UInt4 first, UInt4 second) => new() { High = first };
}

/// <summary>fp32; split into two bf16 parts, which hold 16 of its 24 bits, when multiplied.</summary>
internal readonly struct Float32Kv : IKvEights
{
    public static bool HasLowPart => true;

    public static int Loads => 2;

    public static void Store(ArrayView<UInt4> loads, long at, float value) => loads.Cast<float>()[at] = value;

    public static KvEight Unpack(UInt4 first, UInt4 second)
    {
        var result = new KvEight();
        result.High.X = Pack(first.X, first.Y);
        result.High.Y = Pack(first.Z, first.W);
        result.High.Z = Pack(second.X, second.Y);
        result.High.W = Pack(second.Z, second.W);
        result.Low.X = Rest(first.X, first.Y, result.High.X);
        result.Low.Y = Rest(first.Z, first.W, result.High.Y);
        result.Low.Z = Rest(second.X, second.Y, result.High.Z);
        result.Low.W = Rest(second.Z, second.W, result.High.W);
        return result;
    }

    private static uint Pack(uint low, uint high) =>
        DeviceBFloat16.Pack(Interop.IntAsFloat(low), Interop.IntAsFloat(high));

    private static uint Rest(uint low, uint high, uint packed) =>
        DeviceBFloat16.PackRest(Interop.IntAsFloat(low), Interop.IntAsFloat(high), packed);
}
