using ILGPU;
using ILGPU.Runtime;

namespace Ppsd.Kernels.Devices.Ilgpu.Buffers;

/// <summary>A norm's scale in device memory, padded with zeros to whole tiles.</summary>
internal sealed class IlgpuVector(MemoryBuffer1D<float, Stride1D.Dense> buffer, int length) : WeightVector(length)
{
    public ArrayView<float> View => buffer.View.BaseView;

    public override void Dispose() => buffer.Dispose();
}
