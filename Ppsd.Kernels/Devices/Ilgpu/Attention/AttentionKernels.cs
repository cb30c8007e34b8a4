using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Chunks;
using Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Prompts;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention;

/// <summary>
/// The attention kernel for one element type of the cache and any head size, and its launch for the rows of a step.
/// </summary>
internal abstract class AttentionKernels
{
    /// <summary>Compiles the kernel for heads of up to <paramref name="partCount"/> parts.</summary>
    /// <param name="partCount">1 or 2.</param>
    /// <param name="limits">Limits of the device.</param>
    public static AttentionKernels Create<TElement>(Accelerator accelerator, int partCount, IlgpuLimits limits)
        where TElement : struct, IKvEights =>
        partCount == 1
            ? new AttentionKernels<TElement, OneHeadPart>(accelerator, limits)
            : new AttentionKernels<TElement, TwoHeadParts>(accelerator, limits);

    /// <summary>
    /// Queues attention of a step's rows. For up to <see cref="AppendedRows.MaxCount"/> rows it also appends keys and
    /// values; for more, they must have been appended before.
    /// </summary>
    /// <param name="ranges">Prompts among the rows; see <see cref="RowRanges.All"/>.</param>
    public abstract void Attend(
        AcceleratorStream stream,
        RowContexts contexts,
        int rows,
        IReadOnlyList<RowRange> ranges,
        AttentionGeometry geometry,
        AttentionSource source,
        KvCacheView cache,
        AttentionScratch scratch,
        AttendedRows y
    );
}

/// <summary>The kernel for one kind of cache and of head.</summary>
/// <typeparam name="TElement">How the cache is read.</typeparam>
/// <typeparam name="TParts">Size of a head.</typeparam>
internal sealed class AttentionKernels<TElement, TParts> : AttentionKernels
    where TElement : struct, IKvEights
    where TParts : struct, IHeadParts
{
    private const string PromptSwitch = "PPSD_PROMPT_ATTENTION";

    // A card reserves 1 KiB of each group's shared memory.
    private const int ReservedLoads = 2 * 1024 / SharedCopy.LoadBytes;

    private readonly Accelerator _accelerator;
    private readonly int _groupsPerMultiprocessor = SplitAttentionKernel.GroupsPerMultiprocessor<TElement>();
    private readonly IlgpuLimits _limits;
    private readonly int _multiprocessors;
    private readonly int _sharedLoads;
    private readonly AttentionRoom _room;
    private readonly Split _split;
    private readonly bool _hasPrompts;
    private PromptKernels<TParts>? _prompts;

    /// <param name="limits">Limits of the device.</param>
    public AttentionKernels(Accelerator accelerator, IlgpuLimits limits)
    {
        _accelerator = accelerator;
        _limits = limits;
        _hasPrompts = HasPrompts(limits);
        _multiprocessors = limits.Multiprocessors;
        _sharedLoads = limits.SharedBytes / SharedCopy.LoadBytes;
        _room = FittingRoom();
        _split = SharedKernel.Load<Split>(
            accelerator,
            SplitAttentionKernel.Execute<TElement, TParts>,
            new KernelSpecialization(AttentionTiling.GroupSize, _groupsPerMultiprocessor),
            Math.Max(_sharedLoads / 2 + 1, AttentionShared.Loads<TElement, TParts>(_room)) * SharedCopy.LoadBytes
        );
    }

    private delegate void Split(
        AcceleratorStream stream,
        KernelConfig config,
        RowContexts rows,
        int firstRow,
        int lastRow,
        int appendCount,
        AttentionSource source,
        KvCacheView cache,
        AttentionRoom room,
        AttentionGeometry geometry,
        AttentionPartials partials,
        AttendedRows y
    );

    public override void Attend(
        AcceleratorStream stream,
        RowContexts contexts,
        int rows,
        IReadOnlyList<RowRange> ranges,
        AttentionGeometry geometry,
        AttentionSource source,
        KvCacheView cache,
        AttentionScratch scratch,
        AttendedRows y
    )
    {
        if (!_hasPrompts || ranges.Count == 0)
        {
            var appendCount = rows <= AppendedRows.MaxCount ? rows : 0;
            Attend(stream, contexts, new RowRange(0, rows, false), appendCount, geometry, source, cache, scratch, y);
            return;
        }

        foreach (var range in ranges)
        {
            if (range.IsPrompt)
            {
                _prompts ??= new PromptKernels<TParts>(_accelerator, _limits);
                _prompts.Attend(stream, contexts, range, geometry.OfFullTiles(), source, cache, scratch, y);
            }
            else
            {
                Attend(stream, contexts, range, 0, geometry, source, cache, scratch, y);
            }
        }
    }

    /// <summary>
    /// True where a group may have the shared memory for prompts: they are read from a bf16 cache only, since two chunks of
    /// fp32 have no room. PPSD_PROMPT_ATTENTION=0 turns it off, for measurements.
    /// </summary>
    private static bool HasPrompts(IlgpuLimits limits) =>
        !TElement.HasLowPart
        && PromptKernels<TParts>.SharedBytes <= limits.SharedBytes
        && Environment.GetEnvironmentVariable(PromptSwitch) != "0";

    private void Attend(
        AcceleratorStream stream,
        RowContexts contexts,
        RowRange range,
        int appendCount,
        AttentionGeometry geometry,
        AttentionSource source,
        KvCacheView cache,
        AttentionScratch scratch,
        AttendedRows y
    )
    {
        var step = scratch.RowsPerLaunch(geometry, TParts.Count, geometry.TileRows);
        for (var first = range.First; first < range.End; first += step)
        {
            var last = Math.Min(first + step, range.End);
            var tiles = (last - first + geometry.TileRows - 1) / geometry.TileRows * geometry.BlocksPerKvHead;
            var groupsPerTile = GroupsPerTile(geometry.KvHeads * tiles, geometry.Chunks);
            _split(
                stream,
                new KernelConfig(
                    new Index3D(geometry.KvHeads, groupsPerTile, tiles),
                    new Index3D(AttentionTiling.GroupSize, 1, 1),
                    SharedMemoryConfig.RequestDynamic<UInt4>(SharedLoads(geometry.KvHeads * tiles * groupsPerTile))
                ),
                contexts,
                first,
                last,
                appendCount,
                source,
                cache,
                _room,
                geometry,
                scratch.Partials,
                y
            );
        }
    }

    /// <summary>
    /// The deepest ring that leaves a multiprocessor's other groups their memory, with one stage at least; a place of their own
    /// for weighted values goes before further stages.
    /// </summary>
    private AttentionRoom FittingRoom()
    {
        for (var stages = KvRing<TElement, TParts>.MaxStageCount; stages > 0; stages--)
        {
            var room = new AttentionRoom { Stages = stages, WeightedSpaces = 1 };
            if (
                AttentionShared.Loads<TElement, TParts>(room) * _groupsPerMultiprocessor
                <= _sharedLoads - ReservedLoads
            )
            {
                return room;
            }
        }

        return new AttentionRoom { Stages = 1, WeightedSpaces = 0 };
    }

    /// <summary>
    /// Shared memory of a group. Where every group can have a multiprocessor it has one to itself: the first to become free
    /// would else take two of them, and the others wait for it.
    /// </summary>
    private int SharedLoads(int groups)
    {
        var needed = AttentionShared.Loads<TElement, TParts>(_room);
        return _accelerator is CudaAccelerator && groups <= _accelerator.NumMultiprocessors
            ? Math.Max(needed, _sharedLoads / 2 + 1)
            : needed;
    }

    /// <summary>Groups that share a tile's chunks: enough to fill the card, and no more than there are chunks.</summary>
    private int GroupsPerTile(int tiles, int chunks) =>
        Math.Clamp(_groupsPerMultiprocessor * _multiprocessors / tiles, 1, chunks);
}
