using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Ilgpu.Kernels;

namespace Ppsd.Kernels.Distillation.Ilgpu;

/// <content>Operations but products.</content>
internal sealed partial class IlgpuTrainingDevice
{
    public override void Clear(Activations target, int rows) =>
        _kernels.Clear(_stream, ByColumn(rows, target.Width), RowsView.Of(target));

    public override void Scale(Activations target, float factor, int rows) =>
        _kernels.Scale(_stream, ByColumn(rows, target.Width), RowsView.Of(target), factor);

    public override void Copy(Activations source, Activations target, int rows) =>
        PlaceColumns(source, target, 0, rows);

    public override void Add(Activations source, Activations target, int rows) =>
        TakeColumns(source, 0, target, rows, adds: true);

    public override void PlaceColumns(Activations source, Activations target, int column, int rows) =>
        CopyColumns(source, 0, target, column, source.Width, rows, adds: false);

    public override void TakeColumns(Activations source, int column, Activations target, int rows, bool adds) =>
        CopyColumns(source, column, target, 0, target.Width, rows, adds);

    public override void Embed(TrainingMatrix table, IndexBuffer tokens, Activations y, int rows) =>
        _kernels.Embed(
            _stream,
            ByColumn(rows, y.Width),
            ((IlgpuFrozenMatrix)table).Table!.View.BaseView,
            Indices(tokens),
            RowsView.Of(y)
        );

    public override void GatherRows(Activations x, IndexBuffer rows, int first, int count, Activations y) =>
        _kernels.Gather(_stream, ByColumn(count, y.Width), RowsView.Of(x), Indices(rows), first, RowsView.Of(y));

    public override void ScatterAddRows(Activations x, IndexBuffer rows, int first, int count, Activations y) =>
        _kernels.ScatterAdd(_stream, ByColumn(count, x.Width), RowsView.Of(x), Indices(rows), first, RowsView.Of(y));

    public override void RmsNorm(
        Activations x,
        TrainingMatrix scale,
        float epsilon,
        Activations y,
        Activations inverse,
        int rows
    ) =>
        _kernels.Norm(
            _stream,
            ByWarp(rows, 1),
            RowsView.Of(x),
            ((IIlgpuTrainingMatrix)scale).Vector,
            epsilon,
            RowsView.Of(y),
            RowsView.Of(inverse),
            rows
        );

    public override void RmsNormGradient(
        Activations dy,
        Activations x,
        TrainedMatrix scale,
        Activations inverse,
        Activations? dx,
        int rows
    )
    {
        var trained = (IlgpuTrainedMatrix)scale;
        var chunks = ReserveChunks(rows, x.Width);
        _kernels.NormScaleGradient(
            _stream,
            ByChunk(chunks, x.Width),
            RowsView.Of(dy),
            RowsView.Of(x),
            RowsView.Of(inverse),
            rows,
            _chunkSums!.View.BaseView
        );
        AddChunks(chunks, x.Width, 0, trained);
        if (dx is not null)
        {
            _kernels.NormInputGradient(
                _stream,
                ByWarp(rows, 1),
                RowsView.Of(dy),
                RowsView.Of(x),
                trained.Vector,
                RowsView.Of(inverse),
                RowsView.Of(dx),
                rows
            );
        }
    }

    public override void SwiGlu(Activations gateUp, Activations y, int rows) =>
        _kernels.SwiGlu(_stream, ByColumn(rows, y.Width), RowsView.Of(gateUp), RowsView.Of(y));

    public override void SwiGluGradient(Activations gateUp, Activations dy, Activations dGateUp, int rows) =>
        _kernels.SwiGluGradient(
            _stream,
            ByColumn(rows, dy.Width),
            RowsView.Of(gateUp),
            RowsView.Of(dy),
            RowsView.Of(dGateUp)
        );

    public override void Rotate(
        Activations queryKeyValue,
        AttentionShape shape,
        IDisposable rotary,
        IndexBuffer positions,
        int rows,
        bool inverse
    )
    {
        var table = (DeviceRotary)rotary;
        var pairs = (shape.HeadCount + shape.KvHeadCount) * table.HalfSize;
        _kernels.Rotate(
            _stream,
            ByColumn(rows, pairs),
            RowsView.Of(queryKeyValue),
            pairs,
            table.HalfSize,
            table.Cosines,
            table.Sines,
            Indices(positions),
            inverse ? -1f : 1f
        );
    }

    public override double GradientSquares(TrainedMatrix matrix)
    {
        var gradient = ((IlgpuTrainedMatrix)matrix).View(TrainedPart.Gradient);
        var host = new float[OptimizerKernels.PartialsOf(gradient.Length)];
        var partials = _partials.View.BaseView.SubView(0, host.Length);
        _kernels.Squares(_stream, new KernelConfig(host.Length, OptimizerKernels.GroupSize), gradient, partials);
        partials.CopyToCPU(_stream, host);
        return host.Sum(partial => (double)partial);
    }

    public override void Update(TrainedMatrix matrix, in AdamWStep step)
    {
        var trained = (IlgpuTrainedMatrix)matrix;
        var values = trained.View(TrainedPart.Values);
        _kernels.Update(
            _stream,
            new KernelConfig(
                (int)((values.Length + OptimizerKernels.GroupSize - 1) / OptimizerKernels.GroupSize),
                OptimizerKernels.GroupSize
            ),
            values,
            trained.View(TrainedPart.Gradient),
            trained.View(TrainedPart.FirstMoment),
            trained.View(TrainedPart.SecondMoment),
            new AdamWNumbers
            {
                Rate = step.LearningRate * step.FirstCorrection,
                Scale = step.GradientScale,
                SecondCorrection = step.SecondCorrection,
                Keep = matrix.Decays ? 1 - step.LearningRate * step.WeightDecay : 1,
            }
        );
        trained.Invalidate();
    }

    public override void ClearGradient(TrainedMatrix matrix) =>
        ((IlgpuTrainedMatrix)matrix).View(TrainedPart.Gradient).MemSetToZero(_stream);

    private void CopyColumns(
        Activations source,
        int from,
        Activations target,
        int to,
        int width,
        int rows,
        bool adds
    ) =>
        (adds ? _kernels.AddColumns : _kernels.CopyColumns)(
            _stream,
            ByColumn(rows, width),
            RowsView.Of(source),
            from,
            RowsView.Of(target),
            to,
            width
        );

    private static KernelConfig ByColumn(int rows, int width) =>
        new(
            new Index2D(rows, (width + RowKernels.GroupSize - 1) / RowKernels.GroupSize),
            new Index2D(RowKernels.GroupSize, 1)
        );

    private static KernelConfig ByWarp(int rows, int columns) =>
        new(
            new Index2D((rows + NormKernels.GroupRows - 1) / NormKernels.GroupRows, columns),
            new Index2D(NormKernels.GroupSize, 1)
        );
}
