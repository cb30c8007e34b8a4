using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Rows;
using Filtering = System.Action<
    ILGPU.Runtime.AcceleratorStream,
    ILGPU.KernelConfig,
    Ppsd.Kernels.Devices.Ilgpu.Rows.RowContexts,
    int,
    ILGPU.ArrayView<Ppsd.Kernels.Devices.Ilgpu.Lane.Float4>,
    int,
    int,
    ILGPU.ArrayView<float>
>;
using Spreading = System.Action<
    ILGPU.Runtime.AcceleratorStream,
    ILGPU.KernelConfig,
    ILGPU.ArrayView<int>,
    ILGPU.ArrayView<float>,
    int,
    ILGPU.ArrayView<float>,
    int
>;

namespace Ppsd.Kernels.Devices.Ilgpu.Draws;

/// <summary>The kernels that draw tokens, compiled once; see <see cref="IlgpuKernels"/>.</summary>
internal sealed class DrawKernels(Accelerator accelerator)
{
    private Filtering? _filter;
    private Spreading? _spread;

    public Action<
        AcceleratorStream,
        KernelConfig,
        ArrayView<int>,
        RowContexts,
        int,
        ArrayView<Float4>,
        int,
        int,
        int,
        DrawBuffers
    > Draw { get; } =
        accelerator.LoadKernel<ArrayView<int>, RowContexts, int, ArrayView<Float4>, int, int, int, DrawBuffers>(
            DrawKernel.Execute
        );

    /// <summary>
    /// Compiled when the first request uses top-k or top-p, because compiling takes most of a second.
    /// </summary>
    public Filtering Filter =>
        _filter ??= accelerator.LoadKernel<RowContexts, int, ArrayView<Float4>, int, int, ArrayView<float>>(
            FilterKernel.Execute
        );

    /// <summary>Compiled when an exit head first drafts from a list of tokens.</summary>
    public Spreading Spread =>
        _spread ??= accelerator.LoadKernel<ArrayView<int>, ArrayView<float>, int, ArrayView<float>, int>(
            SpreadKernel.Execute
        );
}
