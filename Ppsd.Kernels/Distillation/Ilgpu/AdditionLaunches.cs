using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Distillation.Ilgpu.Kernels;

namespace Ppsd.Kernels.Distillation.Ilgpu;

/// <summary>Launchers of <see cref="AdditionKernels"/>, compiled when they are first asked for: only some families need them.</summary>
internal sealed class AdditionLaunches(Accelerator accelerator)
{
    private Action<AcceleratorStream, KernelConfig, RowsView, int, ArrayView<float>>? _addBias;
    private Action<AcceleratorStream, KernelConfig, RowsView, int, int, int, ArrayView<float>>? _biasGradient;
    private Action<
        AcceleratorStream,
        KernelConfig,
        HeadNumbers,
        RowsView,
        ArrayView<float>,
        ArrayView<float>,
        float,
        RowsView,
        RowsView,
        int
    >? _normHeads;
    private Action<
        AcceleratorStream,
        KernelConfig,
        HeadNumbers,
        RowsView,
        RowsView,
        ArrayView<float>,
        ArrayView<float>,
        RowsView,
        int
    >? _normHeadsInputGradient;
    private Action<
        AcceleratorStream,
        KernelConfig,
        HeadNumbers,
        RowsView,
        RowsView,
        RowsView,
        int,
        ArrayView<float>
    >? _normHeadsScaleGradient;

    public Action<AcceleratorStream, KernelConfig, RowsView, int, ArrayView<float>> AddBias =>
        _addBias ??= accelerator.LoadKernel<RowsView, int, ArrayView<float>>(AdditionKernels.AddBias);

    public Action<AcceleratorStream, KernelConfig, RowsView, int, int, int, ArrayView<float>> BiasGradient =>
        _biasGradient ??= accelerator.LoadKernel<RowsView, int, int, int, ArrayView<float>>(
            AdditionKernels.BiasGradient
        );

    public Action<
        AcceleratorStream,
        KernelConfig,
        HeadNumbers,
        RowsView,
        ArrayView<float>,
        ArrayView<float>,
        float,
        RowsView,
        RowsView,
        int
    > NormHeads =>
        _normHeads ??= accelerator.LoadKernel<
            HeadNumbers,
            RowsView,
            ArrayView<float>,
            ArrayView<float>,
            float,
            RowsView,
            RowsView,
            int
        >(AdditionKernels.NormHeads);

    public Action<
        AcceleratorStream,
        KernelConfig,
        HeadNumbers,
        RowsView,
        RowsView,
        ArrayView<float>,
        ArrayView<float>,
        RowsView,
        int
    > NormHeadsInputGradient =>
        _normHeadsInputGradient ??= accelerator.LoadKernel<
            HeadNumbers,
            RowsView,
            RowsView,
            ArrayView<float>,
            ArrayView<float>,
            RowsView,
            int
        >(AdditionKernels.NormHeadsInputGradient);

    public Action<
        AcceleratorStream,
        KernelConfig,
        HeadNumbers,
        RowsView,
        RowsView,
        RowsView,
        int,
        ArrayView<float>
    > NormHeadsScaleGradient =>
        _normHeadsScaleGradient ??= accelerator.LoadKernel<
            HeadNumbers,
            RowsView,
            RowsView,
            RowsView,
            int,
            ArrayView<float>
        >(AdditionKernels.NormHeadsScaleGradient);
}
