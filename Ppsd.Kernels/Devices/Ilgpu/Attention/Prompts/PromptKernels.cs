using ILGPU;
using ILGPU.Runtime;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Chunks;
using Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Prompts;

/// <summary>Launches <see cref="PromptAttentionKernel"/> and its merge for a range of a step's rows.</summary>
/// <typeparam name="TParts">Size of a head.</typeparam>
internal sealed class PromptKernels<TParts>
    where TParts : struct, IHeadParts
{
    private readonly int _multiprocessors;
    private readonly ChunkLauncher _chunks;
    private readonly MergeLauncher _merge;

    /// <param name="limits">Limits of the device.</param>
    public PromptKernels(Accelerator accelerator, IlgpuLimits limits)
    {
        _multiprocessors = limits.Multiprocessors;
        _chunks = SharedKernel.Load<ChunkLauncher>(
            accelerator,
            PromptAttentionKernel.Execute<TParts>,
            PromptAttentionKernel.Specialization,
            SharedBytes
        );
        _merge = SharedKernel.Load<MergeLauncher>(
            accelerator,
            PromptMergeKernel.Execute<TParts>,
            PromptMergeKernel.Specialization,
            bytes: 0
        );
    }

    private delegate void ChunkLauncher(
        AcceleratorStream stream,
        KernelConfig config,
        RowContexts rows,
        int firstRow,
        int lastRow,
        AttentionSource source,
        KvCacheView cache,
        AttentionGeometry geometry,
        AttentionPartials partials
    );

    private delegate void MergeLauncher(
        AcceleratorStream stream,
        KernelConfig config,
        RowContexts rows,
        int firstRow,
        int lastRow,
        AttentionGeometry geometry,
        AttentionPartials partials,
        AttendedRows y
    );

    /// <summary>Shared memory of a group.</summary>
    public static int SharedBytes => PromptShared.Loads<TParts>() * SharedCopy.LoadBytes;

    /// <summary>Queues attention of a range of rows, whose keys and values must have been appended.</summary>
    public void Attend(
        AcceleratorStream stream,
        RowContexts contexts,
        RowRange range,
        AttentionGeometry geometry,
        AttentionSource source,
        KvCacheView cache,
        AttentionScratch scratch,
        AttendedRows y
    )
    {
        var blockRows = geometry.TileRows * AttentionTiling.WarpCount;
        var step = scratch.RowsPerLaunch(geometry, TParts.Count, blockRows);
        for (var first = range.First; first < range.End; first += step)
        {
            var last = Math.Min(first + step, range.End);
            var blocks = (last - first + blockRows - 1) / blockRows * geometry.BlocksPerKvHead;
            var tiles = (last - first + geometry.TileRows - 1) / geometry.TileRows * geometry.BlocksPerKvHead;

            // Groups share a block's chunks where there are too few blocks to fill the card.
            var groupsPerBlock = Math.Clamp(_multiprocessors / (geometry.KvHeads * blocks), 1, geometry.Chunks);
            _chunks(
                stream,
                new KernelConfig(
                    new Index3D(geometry.KvHeads, groupsPerBlock, blocks),
                    new Index3D(AttentionTiling.GroupSize, 1, 1),
                    SharedMemoryConfig.RequestDynamic<UInt4>(PromptShared.Loads<TParts>())
                ),
                contexts,
                first,
                last,
                source,
                cache,
                geometry,
                scratch.Partials
            );
            _merge(
                stream,
                new KernelConfig(new Index3D(geometry.KvHeads, 1, tiles), new Index3D(AttentionTiling.GroupSize, 1, 1)),
                contexts,
                first,
                last,
                geometry,
                scratch.Partials,
                y
            );
        }
    }
}
