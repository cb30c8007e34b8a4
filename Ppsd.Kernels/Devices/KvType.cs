namespace Ppsd.Kernels.Devices;

/// <summary>How keys and values are held.</summary>
public enum KvType
{
    /// <summary>Half the bytes attention reads; rounding at the level of the weights.</summary>
    BFloat16,

    /// <summary>UnfusedMath.</summary>
    Float32,
}
