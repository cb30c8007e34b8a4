using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Distillation.Ilgpu.Kernels;

namespace Ppsd.Kernels.Distillation.Ilgpu;

/// <summary>Launchers of the losses' kernels. Those that only some runs need are compiled when they are first asked for.</summary>
internal sealed class LossLaunches(Accelerator accelerator)
{
    public Action<
        AcceleratorStream,
        KernelConfig,
        RowsView,
        RowsView,
        ArrayView<int>,
        ArrayView<int>,
        int,
        int,
        float,
        RowsView
    > Loss { get; } =
        accelerator.LoadKernel<RowsView, RowsView, ArrayView<int>, ArrayView<int>, int, int, float, RowsView>(
            LossKernel.Execute
        );

    public Action<AcceleratorStream, KernelConfig, RowsView, int, RowsView> KeepTop =>
        _keepTop ??= accelerator.LoadKernel<RowsView, int, RowsView>(TopKernel.Execute);

    private Action<AcceleratorStream, KernelConfig, RowsView, int, RowsView>? _keepTop;

    public Action<
        AcceleratorStream,
        KernelConfig,
        RowsView,
        RowsView,
        ArrayView<int>,
        ArrayView<int>,
        int,
        int,
        float,
        RowsView
    > TruncatedLoss =>
        _truncatedLoss ??= accelerator.LoadKernel<
            RowsView,
            RowsView,
            ArrayView<int>,
            ArrayView<int>,
            int,
            int,
            float,
            RowsView
        >(TruncatedLossKernel.Execute);

    private Action<
        AcceleratorStream,
        KernelConfig,
        RowsView,
        RowsView,
        ArrayView<int>,
        ArrayView<int>,
        int,
        int,
        float,
        RowsView
    >? _truncatedLoss;
}
