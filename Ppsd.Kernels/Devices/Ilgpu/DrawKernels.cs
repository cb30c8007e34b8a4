using ILGPU;
using ILGPU.Runtime;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>The kernels that draw tokens, compiled once; see <see cref="IlgpuKernels"/>.</summary>
internal sealed class DrawKernels(Accelerator accelerator)
{
    public Action<
        AcceleratorStream,
        KernelConfig,
        RowContexts,
        int,
        ArrayView<Float4>,
        int,
        int,
        int,
        DrawBuffers
    > Draw { get; } =
        accelerator.LoadKernel<RowContexts, int, ArrayView<Float4>, int, int, int, DrawBuffers>(DrawKernel.Execute);

    public Action<
        AcceleratorStream,
        KernelConfig,
        RowContexts,
        int,
        ArrayView<Float4>,
        int,
        int,
        ArrayView<float>
    > Filter { get; } =
        accelerator.LoadKernel<RowContexts, int, ArrayView<Float4>, int, int, ArrayView<float>>(FilterKernel.Execute);
}
