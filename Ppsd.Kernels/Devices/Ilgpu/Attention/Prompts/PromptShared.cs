using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Prompts;

/// <summary>
/// The dynamic shared memory of a group of <see cref="PromptAttentionKernel"/>: two chunks of keys and values, one that is
/// computed and one that arrives, then the warps' queries.
/// </summary>
internal struct PromptShared
{
    /// <summary>Stages of keys and values.</summary>
    private const int Stages = 2;

    /// <summary>Keys and values; see <see cref="KvStage{TElement, TParts}"/>.</summary>
    public ArrayView<UInt4> Ring;

    /// <summary>The warp's queries, [column, parts of both kinds]; see <see cref="AttentionShared.QueryAt"/>.</summary>
    public ArrayView<UInt4> Queries;

    /// <summary>Address of <see cref="Ring"/> on a card.</summary>
    public int RingAddress;

    /// <summary>Address of <see cref="Queries"/> on a card.</summary>
    public int QueryAddress;

    private static int QueryLoads => AttentionShared.QueryAt(AttentionGeometry.TileColumns, 0);

    /// <summary>Size in loads of sixteen bytes.</summary>
    public static int Loads<TParts>()
        where TParts : struct, IHeadParts =>
        Stages * KvStage<BFloat16Kv, TParts>.Loads + AttentionTiling.WarpCount * QueryLoads;

    /// <summary>The warp's view of its group's memory.</summary>
    public static PromptShared OfWarp<TParts>()
        where TParts : struct, IHeadParts
    {
        var memory = SharedMemory.GetDynamic<UInt4>();
        var start = SharedCopy.Start();
        var queries = Stages * KvStage<BFloat16Kv, TParts>.Loads + (Group.IdxX >> 5) * QueryLoads;
        return new PromptShared
        {
            Ring = memory,
            Queries = memory.SubView(queries, QueryLoads),
            RingAddress = start,
            QueryAddress = start + queries * SharedCopy.LoadBytes,
        };
    }
}
