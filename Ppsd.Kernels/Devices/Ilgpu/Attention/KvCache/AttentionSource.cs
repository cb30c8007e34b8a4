using ILGPU;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;

/// <summary>Where the queries, keys and values of a step come from.</summary>
internal struct AttentionSource
{
    /// <summary>[rows, stride]: queries [heads, headSize], keys and values [kvHeads, headSize], not rotated.</summary>
    public ArrayView<float> QueryKeyValue;

    /// <summary>Values from one row to the next.</summary>
    public int Stride;

    /// <summary>[position, headSize / 2]. From the host: the device's own are not range-reduced.</summary>
    public ArrayView<float> Cosines;

    /// <summary>[position, headSize / 2].</summary>
    public ArrayView<float> Sines;
}
