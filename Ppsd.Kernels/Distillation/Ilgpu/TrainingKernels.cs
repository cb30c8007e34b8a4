using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Distillation.Ilgpu.Kernels;

namespace Ppsd.Kernels.Distillation.Ilgpu;

/// <summary>Launchers of the kernels of training, but for products; ILGPU's own caches hold kernels weakly.</summary>
internal sealed class TrainingKernels(Accelerator accelerator)
{
    public Action<AcceleratorStream, KernelConfig, RowsView, int, RowsView, int, int> CopyColumns { get; } =
        accelerator.LoadKernel<RowsView, int, RowsView, int, int>(RowKernels.CopyColumns);

    public Action<AcceleratorStream, KernelConfig, RowsView, int, RowsView, int, int> AddColumns { get; } =
        accelerator.LoadKernel<RowsView, int, RowsView, int, int>(RowKernels.AddColumns);

    public Action<AcceleratorStream, KernelConfig, RowsView> Clear { get; } =
        accelerator.LoadKernel<RowsView>(RowKernels.Clear);

    public Action<AcceleratorStream, KernelConfig, RowsView, float> Scale { get; } =
        accelerator.LoadKernel<RowsView, float>(RowKernels.Scale);

    public Action<AcceleratorStream, KernelConfig, ArrayView<ushort>, ArrayView<int>, RowsView> Embed { get; } =
        accelerator.LoadKernel<ArrayView<ushort>, ArrayView<int>, RowsView>(RowKernels.Embed);

    public Action<AcceleratorStream, KernelConfig, RowsView, ArrayView<int>, int, RowsView> Gather { get; } =
        accelerator.LoadKernel<RowsView, ArrayView<int>, int, RowsView>(RowKernels.Gather);

    public Action<AcceleratorStream, KernelConfig, RowsView, ArrayView<int>, int, RowsView> ScatterAdd { get; } =
        accelerator.LoadKernel<RowsView, ArrayView<int>, int, RowsView>(RowKernels.ScatterAdd);

    public Action<AcceleratorStream, KernelConfig, RowsView, RowsView> SwiGlu { get; } =
        accelerator.LoadKernel<RowsView, RowsView>(RowKernels.SwiGlu);

    public Action<AcceleratorStream, KernelConfig, RowsView, RowsView, RowsView> SwiGluGradient { get; } =
        accelerator.LoadKernel<RowsView, RowsView, RowsView>(RowKernels.SwiGluGradient);

    public Action<
        AcceleratorStream,
        KernelConfig,
        RowsView,
        int,
        int,
        ArrayView<float>,
        ArrayView<float>,
        ArrayView<int>,
        float
    > Rotate { get; } =
        accelerator.LoadKernel<RowsView, int, int, ArrayView<float>, ArrayView<float>, ArrayView<int>, float>(
            RowKernels.Rotate
        );

    public Action<
        AcceleratorStream,
        KernelConfig,
        RowsView,
        ArrayView<float>,
        float,
        RowsView,
        RowsView,
        int
    > Norm { get; } =
        accelerator.LoadKernel<RowsView, ArrayView<float>, float, RowsView, RowsView, int>(NormKernels.Forward);

    public Action<
        AcceleratorStream,
        KernelConfig,
        RowsView,
        RowsView,
        ArrayView<float>,
        RowsView,
        RowsView,
        int
    > NormInputGradient { get; } =
        accelerator.LoadKernel<RowsView, RowsView, ArrayView<float>, RowsView, RowsView, int>(
            NormKernels.InputGradient
        );

    public Action<
        AcceleratorStream,
        KernelConfig,
        RowsView,
        RowsView,
        RowsView,
        int,
        ArrayView<float>
    > NormScaleGradient { get; } =
        accelerator.LoadKernel<RowsView, RowsView, RowsView, int, ArrayView<float>>(NormKernels.ScaleGradient);

    public Action<AcceleratorStream, KernelConfig, ArrayView<float>, int, int, ArrayView<float>> AddChunks { get; } =
        accelerator.LoadKernel<ArrayView<float>, int, int, ArrayView<float>>(NormKernels.AddChunks);

    public Action<
        AcceleratorStream,
        KernelConfig,
        AttentionNumbers,
        RowsView,
        RowsView,
        RowsView,
        RowsView,
        RowsView
    > Attention { get; } =
        accelerator.LoadKernel<AttentionNumbers, RowsView, RowsView, RowsView, RowsView, RowsView>(
            TrainingAttentionKernels.Forward
        );

    public Action<AcceleratorStream, KernelConfig, RowsView, RowsView, int, int, RowsView> Differences { get; } =
        accelerator.LoadKernel<RowsView, RowsView, int, int, RowsView>(AttentionGradientKernels.Differences);

    public Action<
        AcceleratorStream,
        KernelConfig,
        AttentionNumbers,
        RowsView,
        RowsView,
        RowsView,
        RowsView,
        RowsView,
        RowsView
    > QueryGradients { get; } =
        accelerator.LoadKernel<AttentionNumbers, RowsView, RowsView, RowsView, RowsView, RowsView, RowsView>(
            AttentionGradientKernels.Queries
        );

    public Action<
        AcceleratorStream,
        KernelConfig,
        AttentionNumbers,
        RowsView,
        RowsView,
        RowsView,
        RowsView,
        RowsView,
        RowsView
    > KeyValueGradients { get; } =
        accelerator.LoadKernel<AttentionNumbers, RowsView, RowsView, RowsView, RowsView, RowsView, RowsView>(
            AttentionGradientKernels.KeysValues
        );

    public Action<
        AcceleratorStream,
        KernelConfig,
        AttentionNumbers,
        RowsView,
        RowsView,
        RowsView,
        RowsView,
        RowsView,
        RowsView,
        RowsView,
        int
    > OwnGradients { get; } =
        accelerator.LoadKernel<
            AttentionNumbers,
            RowsView,
            RowsView,
            RowsView,
            RowsView,
            RowsView,
            RowsView,
            RowsView,
            int
        >(AttentionGradientKernels.Own);

    public Action<
        AcceleratorStream,
        KernelConfig,
        ArrayView<float>,
        ArrayView<float>,
        ArrayView<float>,
        ArrayView<float>,
        AdamWNumbers
    > Update { get; } =
        accelerator.LoadKernel<ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, AdamWNumbers>(
            OptimizerKernels.Update
        );

    public Action<AcceleratorStream, KernelConfig, ArrayView<float>, ArrayView<float>> Squares { get; } =
        accelerator.LoadKernel<ArrayView<float>, ArrayView<float>>(OptimizerKernels.Squares);
}
