using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Buffers;
using Ppsd.Kernels.Devices.Ilgpu.Products.Wide;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Products;

/// <summary>A bf16 matrix in tiles: tensor cores multiply it, a few rows at a time or many.</summary>
/// <param name="tiles">Its memory; owned.</param>
/// <param name="queue">Where its operations go.</param>
internal sealed class TiledMatrix(IlgpuTiledMatrix tiles, MatrixQueue queue) : IlgpuMatrix(tiles.Rows, tiles.Columns)
{
    public override long ByteCount => tiles.ByteCount;

    public override void Embed(IlgpuActivations hidden, float factor) =>
        queue.Kernels.EmbedTiled(
            queue.Stream,
            EmbeddingKernel.Config(queue.Rows, hidden.Width),
            queue.Contexts,
            tiles.View,
            hidden.View,
            hidden.Width,
            hidden.Stride,
            factor
        );

    public override void Join(in JoinSource source, in JoinTarget target) =>
        queue.Kernels.JoinTiled(
            queue.Stream,
            new KernelConfig(queue.Rows, JoinKernel.GroupSize),
            queue.Contexts,
            tiles.View,
            source,
            target
        );

    public override void Multiply(IlgpuNormedRows x, IlgpuActivations y, int rows)
    {
        if (IsWide(rows))
        {
            queue.Wide.Project(queue.Stream, queue.Step, tiles, x, rows, y);
        }
        else
        {
            queue.Narrow.Multiply(queue.Stream, queue.Step, tiles, x.View, rows, y);
        }
    }

    public override void MultiplyGated(IlgpuNormedRows x, IlgpuActivations scratch, IlgpuProductInput y, int rows)
    {
        if (IsWide(rows))
        {
            queue.Wide.ProjectGated(queue.Stream, queue.Step, tiles, x, rows, y);
        }
        else
        {
            queue.Narrow.MultiplyGated(queue.Stream, queue.Step, tiles, x.View, rows, y);
        }
    }

    public override void AddTo(
        IlgpuProductInput x,
        IlgpuActivations hidden,
        int rows,
        Norm? next,
        IlgpuNormedRows? normed
    )
    {
        if (!IsWide(rows))
        {
            var from = NormedRowsView.Unnormed(x);
            var half = next is null ? NormedRowsView.Unnormed(hidden) : normed!.For(next);
            queue.Narrow.AddTo(queue.Stream, queue.Step, tiles, from, rows, hidden, half);
            return;
        }

        queue.Wide.Add(queue.Stream, queue.Step, tiles, x, rows, hidden);
        if (next is not null)
        {
            queue.Norm(hidden, 0, rows, next, normed!);
        }
    }

    public override void Dispose() => tiles.Dispose();

    private static bool IsWide(int rows) => rows >= ManyRowProducts.MinRows;
}
