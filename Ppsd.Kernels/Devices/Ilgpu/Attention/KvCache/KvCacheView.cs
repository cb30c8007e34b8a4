using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;

/// <summary>A layer's keys and values, sixteen bytes a load; see <see cref="AttentionGeometry.CacheIndex"/>.</summary>
internal struct KvCacheView
{
    /// <summary>Keys.</summary>
    public ArrayView<UInt4> Keys;

    /// <summary>Values.</summary>
    public ArrayView<UInt4> Values;

    /// <summary>Where the keys lie on the card; 0 on the simulator.</summary>
    public long KeyAddress;

    /// <summary>Where the values lie on the card; 0 on the simulator.</summary>
    public long ValueAddress;
}
