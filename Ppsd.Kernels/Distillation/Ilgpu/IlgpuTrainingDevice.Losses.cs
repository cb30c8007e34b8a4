using ILGPU;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Ilgpu.Kernels;

namespace Ppsd.Kernels.Distillation.Ilgpu;

/// <content>Losses, and what is kept of the target for them.</content>
internal sealed partial class IlgpuTrainingDevice
{
    public override void Loss(
        Activations target,
        Activations draft,
        IndexBuffer rows,
        IndexBuffer nextTokens,
        int first,
        int count,
        DistillationLoss loss,
        float weight,
        Activations results
    ) =>
        _losses.Loss(
            _stream,
            new KernelConfig(count, LossKernel.GroupSize),
            RowsView.Of(target),
            RowsView.Of(draft),
            Indices(rows),
            Indices(nextTokens),
            first,
            loss == DistillationLoss.Hybrid ? 1 : 0,
            weight,
            RowsView.Of(results)
        );

    public override void KeepTop(Activations logits, int count, int first, Activations kept) =>
        _losses.KeepTop(
            _stream,
            new KernelConfig(count, LossKernel.GroupSize),
            RowsView.Of(logits),
            first,
            RowsView.Of(kept)
        );

    public override void TruncatedLoss(
        Activations kept,
        Activations draft,
        IndexBuffer rows,
        IndexBuffer nextTokens,
        int first,
        int count,
        DistillationLoss loss,
        float weight,
        Activations results
    ) =>
        _losses.TruncatedLoss(
            _stream,
            new KernelConfig(count, LossKernel.GroupSize),
            RowsView.Of(kept),
            RowsView.Of(draft),
            Indices(rows),
            Indices(nextTokens),
            first,
            loss == DistillationLoss.Hybrid ? 1 : 0,
            weight,
            RowsView.Of(results)
        );
}
