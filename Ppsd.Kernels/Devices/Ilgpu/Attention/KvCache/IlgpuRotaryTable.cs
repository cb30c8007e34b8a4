using ILGPU;
using ILGPU.Runtime;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;

/// <summary>Cosines and sines in device memory, [position, headSize / 2].</summary>
internal sealed class IlgpuRotaryTable(
    MemoryBuffer1D<float, Stride1D.Dense> cosines,
    MemoryBuffer1D<float, Stride1D.Dense> sines,
    int length
) : RotaryMemory(length)
{
    public ArrayView<float> Cosines => cosines.View.BaseView;

    public ArrayView<float> Sines => sines.View.BaseView;

    public override void Dispose()
    {
        cosines.Dispose();
        sines.Dispose();
    }
}
