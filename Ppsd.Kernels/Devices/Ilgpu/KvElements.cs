using ILGPU;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>How a key or value is held in device memory; kernels are compiled once per kind.</summary>
/// <typeparam name="T">What lies in memory.</typeparam>
internal interface IKvElement<T> : IKvEights
    where T : unmanaged
{
    /// <summary>Value to keep.</summary>
    static abstract T Store(float value);
}

/// <summary>Reads keys or values eight at a time, as the bf16 words of a tensor core.</summary>
internal interface IKvEights
{
    /// <summary>True when a value is two bf16 parts, false when the first is all of it.</summary>
    static abstract bool HasLowPart { get; }

    /// <summary>The eight values of a group.</summary>
    /// <param name="view">Keys or values of a layer.</param>
    /// <param name="group">Eights before it.</param>
    static abstract KvEight Load(ArrayView<UInt4> view, long group);
}

/// <summary>Eight keys or values: their bf16 parts and, where those are not all, what they leave.</summary>
internal struct KvEight
{
    public UInt4 High;
    public UInt4 Low;
}

/// <summary>bf16: half the bytes attention reads.</summary>
internal readonly struct BFloat16Kv : IKvElement<ushort>
{
    public static bool HasLowPart => false;

    public static ushort Store(float value) => BFloat16.FromSingle(value);

    public static KvEight Load(ArrayView<UInt4> view, long group) => new() { High = view[group] };
}

/// <summary>fp32; split into two bf16 parts, which hold 16 of its 24 bits, when multiplied.</summary>
internal readonly struct Float32Kv : IKvElement<float>
{
    public static bool HasLowPart => true;

    public static float Store(float value) => value;

    public static KvEight Load(ArrayView<UInt4> view, long group)
    {
        var first = view[2 * group];
        var second = view[2 * group + 1];
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

    private static uint Pack(uint low, uint high) => BFloat16.Pack(Interop.IntAsFloat(low), Interop.IntAsFloat(high));

    private static uint Rest(uint low, uint high, uint packed) =>
        BFloat16.PackRest(Interop.IntAsFloat(low), Interop.IntAsFloat(high), packed);
}
