namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>How a key or value is held in device memory; kernels are compiled once per kind.</summary>
/// <typeparam name="T">What lies in memory.</typeparam>
internal interface IKvElement<T>
    where T : unmanaged
{
    /// <summary>Value to compute with.</summary>
    static abstract float Load(T stored);

    /// <summary>Value to keep.</summary>
    static abstract T Store(float value);
}

/// <summary>bf16: half the bytes attention reads.</summary>
internal readonly struct BFloat16Kv : IKvElement<ushort>
{
    public static float Load(ushort stored) => BFloat16.ToSingle(stored);

    public static ushort Store(float value) => BFloat16.FromSingle(value);
}

/// <summary>fp32, exact.</summary>
internal readonly struct Float32Kv : IKvElement<float>
{
    public static float Load(float stored) => stored;

    public static float Store(float value) => value;
}
