using ILGPU;
using ILGPU.Runtime;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;

/// <summary>Cosines and sines in device memory, [position, headSize / 2].</summary>
internal sealed class IlgpuRotaryTable(
    MemoryBuffer1D<float, Stride1D.Dense> cosines,
    MemoryBuffer1D<float, Stride1D.Dense> sines,
    int length
) : IDisposable
{
    /// <summary>Positions in the table: the longest sequence.</summary>
    public int Length { get; } = length;

    public ArrayView<float> Cosines => cosines.View.BaseView;

    public ArrayView<float> Sines => sines.View.BaseView;

    public void Dispose()
    {
        cosines.Dispose();
        sines.Dispose();
    }
}
