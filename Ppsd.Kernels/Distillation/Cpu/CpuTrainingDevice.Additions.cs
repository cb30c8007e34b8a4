using System.Numerics.Tensors;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Distillation.Compute;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <content>What layers of some families have beyond a plain LLaMA's: biases, and norms of query and key heads.</content>
internal sealed unsafe partial class CpuTrainingDevice
{
    public override void AddBias(Activations y, int column, TrainingMatrix bias, int rows)
    {
        var values = (ICpuTrainingMatrix)bias;
        _rows.Run(
            rows,
            (first, end) =>
            {
                for (var row = first; row < end; row++)
                {
                    var target = RowOf(y, row).Slice(column, bias.Columns);
                    TensorPrimitives.Add(target, new ReadOnlySpan<float>(values.Row(0), bias.Columns), target);
                }
            }
        );
    }

    public override void BiasGradient(Activations dy, int column, TrainedMatrix bias, int rows)
    {
        var width = Lanes.RoundUp(bias.Columns);
        var sums = PartialSums(RowWork.Chunks(rows) * width);
        _rows.Run(
            rows,
            (first, end) =>
            {
                var partial = sums.AsSpan(first / RowWork.ChunkRows * width, bias.Columns);
                for (var row = first; row < end; row++)
                {
                    TensorPrimitives.Add(partial, RowOf(dy, row).Slice(column, bias.Columns), partial);
                }
            }
        );
        var gradient = ((CpuTrainedMatrix)bias).Part(TrainedPart.Gradient).Row(0);
        AddPartialSums(sums, RowWork.Chunks(rows), width, gradient, bias.Columns);
    }

    public override void NormHeads(
        Activations x,
        AttentionShape shape,
        TrainingMatrix queryScale,
        TrainingMatrix keyScale,
        float epsilon,
        Activations y,
        Activations inverse,
        int rows
    ) =>
        _rows.Run(
            rows,
            (first, end) =>
            {
                for (var row = first; row < end; row++)
                {
                    var inverses = RowOf(inverse, row);
                    for (var head = 0; head < inverses.Length; head++)
                    {
                        var scale = head < shape.HeadCount ? queryScale : keyScale;
                        inverses[head] = HeadNormRow.Forward(
                            RowOf(x, row).Slice(head * shape.HeadSize, shape.HeadSize),
                            new ReadOnlySpan<float>(((ICpuTrainingMatrix)scale).Row(0), shape.HeadSize),
                            epsilon,
                            RowOf(y, row).Slice(head * shape.HeadSize, shape.HeadSize)
                        );
                    }

                    var values = inverses.Length * shape.HeadSize;
                    RowOf(x, row)[values..].CopyTo(RowOf(y, row)[values..]);
                }
            }
        );

    public override void NormHeadsGradient(
        Activations gradient,
        Activations x,
        AttentionShape shape,
        TrainedMatrix queryScale,
        TrainedMatrix keyScale,
        Activations inverse,
        int rows
    )
    {
        var size = shape.HeadSize;
        var sums = PartialSums(RowWork.Chunks(rows) * 2 * size);
        _rows.Run(
            rows,
            (first, end) =>
            {
                var partial = sums.AsSpan(first / RowWork.ChunkRows * 2 * size, 2 * size);
                for (var row = first; row < end; row++)
                {
                    var inverses = RowOf(inverse, row);
                    for (var head = 0; head < inverses.Length; head++)
                    {
                        var isQuery = head < shape.HeadCount;
                        var scale = ((CpuTrainedMatrix)(isQuery ? queryScale : keyScale)).Row(0);
                        HeadNormRow.Backward(
                            RowOf(gradient, row).Slice(head * size, size),
                            RowOf(x, row).Slice(head * size, size),
                            new ReadOnlySpan<float>(scale, size),
                            inverses[head],
                            isQuery ? partial[..size] : partial[size..]
                        );
                    }
                }
            }
        );
        for (var chunk = 0; chunk < RowWork.Chunks(rows); chunk++)
        {
            var partial = sums.AsSpan(chunk * 2 * size, 2 * size);
            AddTo(queryScale, partial[..size]);
            AddTo(keyScale, partial[size..]);
        }

        static void AddTo(TrainedMatrix scale, ReadOnlySpan<float> sum)
        {
            var target = new Span<float>(((CpuTrainedMatrix)scale).Part(TrainedPart.Gradient).Row(0), sum.Length);
            TensorPrimitives.Add(target, sum, target);
        }
    }
}
