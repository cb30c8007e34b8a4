using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Products;

/// <summary>An fp32 matrix, row by row: one plain kernel multiplies it, whatever the number of rows.</summary>
/// <param name="matrix">Its memory; owned.</param>
/// <param name="queue">Where its operations go.</param>
internal sealed class RowMatrix(IlgpuRowMatrix matrix, MatrixQueue queue) : IlgpuMatrix(matrix.Rows, matrix.Columns)
{
    public override long ByteCount => matrix.ByteCount;

    public override void Embed(IlgpuActivations hidden, float factor) =>
        queue.Kernels.EmbedFloat32(
            queue.Stream,
            EmbeddingKernel.Config(queue.Rows, hidden.Width),
            queue.Contexts,
            matrix.Loads.Cast<float>(),
            matrix.Stride,
            hidden.View,
            hidden.Width,
            hidden.Stride,
            factor
        );

    public override void Join(in JoinSource source, in JoinTarget target) =>
        queue.Kernels.JoinFloat32(
            queue.Stream,
            new KernelConfig(queue.Rows, JoinKernel.GroupSize),
            queue.Contexts,
            matrix.Loads.Cast<float>(),
            matrix.Stride,
            source,
            target
        );

    public override void Multiply(IlgpuNormedRows x, IlgpuActivations y, int rows) =>
        Queue(x.View, y, rows, accumulate: 0);

    public override void MultiplyGated(IlgpuNormedRows x, IlgpuActivations scratch, IlgpuProductInput y, int rows)
    {
        Multiply(x, scratch, rows);
        queue.SwiGlu(scratch, y, rows);
    }

    public override void AddTo(
        IlgpuProductInput x,
        IlgpuActivations hidden,
        int rows,
        Norm? next,
        IlgpuNormedRows? normed
    )
    {
        Queue(NormedRowsView.Unnormed(x), hidden, rows, accumulate: 1);
        if (next is not null)
        {
            queue.Norm(hidden, 0, rows, next, normed!);
        }
    }

    public override void Dispose() => matrix.Dispose();

    private void Queue(NormedRowsView x, IlgpuActivations y, int rows, int accumulate)
    {
        queue.Wide.ForgetParts();
        var groups = (matrix.Rows + MatMulKernel.OutputsPerGroup - 1) / MatMulKernel.OutputsPerGroup;
        queue.Kernels.MatMulFloat32(
            queue.Stream,
            new KernelConfig(new Index2D(groups, rows), new Index2D(MatMulKernel.GroupSize, 1)),
            matrix.Loads,
            x,
            y.View,
            matrix.Rows,
            matrix.Stride / 8,
            y.Stride,
            accumulate
        );
    }
}
