using ILGPU;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Ilgpu.Kernels;

namespace Ppsd.Kernels.Distillation.Ilgpu;

/// <content>Biases, and norms of query and key heads.</content>
internal sealed partial class IlgpuTrainingDevice
{
    public override void AddBias(Activations y, int column, TrainingMatrix bias, int rows) =>
        _additions.AddBias(
            _stream,
            ByColumn(rows, bias.Columns),
            RowsView.Of(y),
            column,
            ((IIlgpuTrainingMatrix)bias).Vector
        );

    public override void BiasGradient(Activations dy, int column, TrainedMatrix bias, int rows)
    {
        var chunks = ReserveChunks(rows, bias.Columns);
        _additions.BiasGradient(
            _stream,
            ByChunk(chunks, bias.Columns),
            RowsView.Of(dy),
            column,
            bias.Columns,
            rows,
            _chunkSums!.View.BaseView
        );
        AddChunks(chunks, bias.Columns, 0, bias);
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
        _additions.NormHeads(
            _stream,
            ByWarp(rows, shape.HeadCount + 2 * shape.KvHeadCount),
            Heads(shape),
            RowsView.Of(x),
            ((IIlgpuTrainingMatrix)queryScale).Vector,
            ((IIlgpuTrainingMatrix)keyScale).Vector,
            epsilon,
            RowsView.Of(y),
            RowsView.Of(inverse),
            rows
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
        // Scales first: the input's gradient overwrites what theirs is made of.
        var width = 2 * shape.HeadSize;
        var chunks = ReserveChunks(rows, width);
        _additions.NormHeadsScaleGradient(
            _stream,
            ByChunk(chunks, width),
            Heads(shape),
            RowsView.Of(gradient),
            RowsView.Of(x),
            RowsView.Of(inverse),
            rows,
            _chunkSums!.View.BaseView
        );
        AddChunks(chunks, width, 0, queryScale);
        AddChunks(chunks, width, shape.HeadSize, keyScale);
        _additions.NormHeadsInputGradient(
            _stream,
            ByWarp(rows, shape.HeadCount + shape.KvHeadCount),
            Heads(shape),
            RowsView.Of(gradient),
            RowsView.Of(x),
            ((IlgpuTrainedMatrix)queryScale).Vector,
            ((IlgpuTrainedMatrix)keyScale).Vector,
            RowsView.Of(inverse),
            rows
        );
    }

    private static HeadNumbers Heads(AttentionShape shape) =>
        new()
        {
            QueryHeads = shape.HeadCount,
            KeyHeads = shape.KvHeadCount,
            HeadSize = shape.HeadSize,
        };

    /// <summary>Makes room for sums of chunks of rows.</summary>
    /// <returns>Chunks.</returns>
    private int ReserveChunks(int rows, int width)
    {
        var chunks = (rows + NormKernels.ChunkRows - 1) / NormKernels.ChunkRows;
        if (_chunkSums is null || _chunkSums.Length < (long)chunks * width)
        {
            _stream.Synchronize();
            _chunkSums?.Dispose();
            _chunkSums = _accelerator.AllocateElements<float>((long)chunks * width);
        }

        return chunks;
    }

    /// <summary>Adds columns of the chunks' sums to a vector's gradient.</summary>
    private void AddChunks(int chunks, int stride, int column, TrainedMatrix vector) =>
        _kernels.AddChunks(
            _stream,
            new KernelConfig(
                (vector.Columns + NormKernels.GroupSize - 1) / NormKernels.GroupSize,
                NormKernels.GroupSize
            ),
            _chunkSums!.View.BaseView.SubView(column),
            chunks,
            stride,
            ((IlgpuTrainedMatrix)vector).View(TrainedPart.Gradient)
        );

    private static KernelConfig ByChunk(int chunks, int width) =>
        new(
            new Index2D(chunks, (width + NormKernels.GroupSize - 1) / NormKernels.GroupSize),
            new Index2D(NormKernels.GroupSize, 1)
        );
}
