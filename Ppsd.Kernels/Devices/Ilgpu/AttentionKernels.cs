using ILGPU;
using ILGPU.Runtime;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>The kernels that attend, for one kind of cache and any head size; launches them for the rows of a step.</summary>
internal abstract class AttentionKernels
{
    /// <summary>Compiles the kernels for heads of up to <paramref name="partCount"/> parts.</summary>
    public static AttentionKernels Create<TElement>(Accelerator accelerator, int partCount)
        where TElement : struct, IKvEights =>
        partCount == 1
            ? new AttentionKernels<TElement, OneHeadPart>(accelerator)
            : new AttentionKernels<TElement, TwoHeadParts>(accelerator);

    /// <summary>Queues attention of a step's rows, y[row] from <paramref name="scratch"/>'s queries.</summary>
    public abstract void Attend(
        AcceleratorStream stream,
        RowContexts contexts,
        int rows,
        AttentionGeometry geometry,
        ArrayView<UInt4> keys,
        ArrayView<UInt4> values,
        AttentionScratch scratch,
        IlgpuActivations y
    );
}

/// <summary>The kernels for one kind of cache and of head.</summary>
/// <typeparam name="TElement">How the cache is read.</typeparam>
/// <typeparam name="TParts">Size of a head.</typeparam>
internal sealed class AttentionKernels<TElement, TParts>(Accelerator accelerator) : AttentionKernels
    where TElement : struct, IKvEights
    where TParts : struct, IHeadParts
{
    private readonly Action<
        AcceleratorStream,
        KernelConfig,
        RowContexts,
        int,
        int,
        ArrayView<UInt4>,
        ArrayView<UInt4>,
        ArrayView<UInt4>,
        AttentionGeometry,
        ArrayView<Float4>,
        ArrayView<SoftmaxTotal>
    > _split = accelerator.LoadKernel<
        RowContexts,
        int,
        int,
        ArrayView<UInt4>,
        ArrayView<UInt4>,
        ArrayView<UInt4>,
        AttentionGeometry,
        ArrayView<Float4>,
        ArrayView<SoftmaxTotal>
    >(SplitAttentionKernel.Execute<TElement, TParts>, SplitAttentionKernel.Specialization<TElement>());

    private readonly Action<
        AcceleratorStream,
        KernelConfig,
        RowContexts,
        int,
        AttentionGeometry,
        ArrayView<Float4>,
        ArrayView<SoftmaxTotal>,
        ArrayView<float>,
        int
    > _merge = accelerator.LoadKernel<
        RowContexts,
        int,
        AttentionGeometry,
        ArrayView<Float4>,
        ArrayView<SoftmaxTotal>,
        ArrayView<float>,
        int
    >(AttentionMergeKernel.Execute<TParts>);

    public override void Attend(
        AcceleratorStream stream,
        RowContexts contexts,
        int rows,
        AttentionGeometry geometry,
        ArrayView<UInt4> keys,
        ArrayView<UInt4> values,
        AttentionScratch scratch,
        IlgpuActivations y
    )
    {
        var step = scratch.RowsPerLaunch(geometry, TParts.Count);
        for (var first = 0; first < rows; first += step)
        {
            var last = Math.Min(first + step, rows);
            var tiles = (last - first + geometry.TileRows - 1) / geometry.TileRows;
            _split(
                stream,
                new KernelConfig(
                    new Index3D(geometry.KvHeads, geometry.Chunks, tiles * geometry.BlocksPerKvHead),
                    new Index3D(SplitAttentionKernel.GroupSize, 1, 1)
                ),
                contexts,
                first,
                last,
                scratch.Queries,
                keys,
                values,
                geometry,
                scratch.Partials,
                scratch.Totals
            );
            _merge(
                stream,
                new KernelConfig(
                    new Index2D(geometry.Heads, last - first),
                    new Index2D(AttentionMergeKernel.GroupSize, 1)
                ),
                contexts,
                first,
                geometry,
                scratch.Partials,
                scratch.Totals,
                y.View,
                y.Stride
            );
        }
    }
}
