using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;

/// <summary>
/// One layer's keys and values in device memory, [page, kvHead, slot of the page, headSize]; heads are padded with zeros to
/// whole sixteen-byte loads of bf16. See <see cref="AttentionGeometry.CacheIndex"/>.
/// </summary>
internal sealed class IlgpuKvMemory : KvMemory
{
    private readonly MemoryBuffer1D<UInt4, Stride1D.Dense> _keys;
    private readonly MemoryBuffer1D<UInt4, Stride1D.Dense> _values;

    /// <summary>Allocates zeros.</summary>
    /// <param name="shape">Its shape.</param>
    /// <param name="eightLoads">Loads of sixteen bytes that hold eight values.</param>
    public IlgpuKvMemory(Accelerator accelerator, KvShape shape, int eightLoads)
        : base(shape)
    {
        var pages = (shape.SlotCount + AttentionGeometry.PageSlots - 1) / AttentionGeometry.PageSlots;
        var heads = (long)pages * AttentionGeometry.PageSlots * shape.KvHeadCount;
        var length = heads * ColumnGroups.Count(shape.HeadSize) * eightLoads;
        _keys = accelerator.AllocateElements<UInt4>(length);
        _values = accelerator.AllocateElements<UInt4>(length);
        _keys.MemSetToZero();
        _values.MemSetToZero();
        accelerator.DefaultStream.Synchronize();
        View = new KvCacheView
        {
            Keys = _keys.View.BaseView,
            Values = _values.View.BaseView,
            KeyAddress = DeviceAddress.Of(accelerator, _keys.View.BaseView),
            ValueAddress = DeviceAddress.Of(accelerator, _values.View.BaseView),
        };
    }

    /// <summary>The view that kernels get.</summary>
    public KvCacheView View { get; }

    public override void Dispose()
    {
        _keys.Dispose();
        _values.Dispose();
    }
}
