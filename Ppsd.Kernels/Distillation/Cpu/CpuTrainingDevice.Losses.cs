using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Distillation.Compute;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <content>Losses, and what is kept of the target for them.</content>
internal sealed unsafe partial class CpuTrainingDevice
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
        _rows.Run(
            count,
            (start, end) =>
            {
                for (var i = start; i < end; i++)
                {
                    if (Values(rows)[first + i] < 0)
                    {
                        RowOf(draft, i).Clear();
                        ClearResult((CpuActivations)results, first + i);
                        continue;
                    }

                    LossRow.Execute(
                        ((CpuActivations)target).Row(i),
                        ((CpuActivations)draft).Row(i),
                        target.Width,
                        Values(nextTokens)[first + i],
                        loss,
                        weight,
                        ((CpuActivations)results).Row(0) + first + i,
                        ((CpuActivations)results).Stride
                    );
                }
            }
        );

    public override void KeepTop(Activations logits, int count, int first, Activations kept) =>
        _rows.Run(
            count,
            (start, end) =>
            {
                for (var i = start; i < end; i++)
                {
                    TopRow.Execute(
                        ((CpuActivations)logits).Row(i),
                        logits.Width,
                        ((CpuActivations)kept).Row(first + i),
                        kept.Width / 2
                    );
                }
            }
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
        _rows.Run(
            count,
            (start, end) =>
            {
                for (var i = start; i < end; i++)
                {
                    if (Values(rows)[first + i] < 0)
                    {
                        RowOf(draft, i).Clear();
                        ClearResult((CpuActivations)results, first + i);
                        continue;
                    }

                    TruncatedLossRow.Execute(
                        ((CpuActivations)kept).Row(first + i),
                        kept.Width / 2,
                        ((CpuActivations)draft).Row(i),
                        draft.Width,
                        Values(nextTokens)[first + i],
                        loss,
                        weight,
                        ((CpuActivations)results).Row(0) + first + i,
                        ((CpuActivations)results).Stride
                    );
                }
            }
        );

    private static void ClearResult(CpuActivations results, int column)
    {
        for (var i = 0; i < 4; i++)
        {
            results.Row(i)[column] = 0;
        }
    }
}
