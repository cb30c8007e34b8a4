using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;

/// <summary>
/// Rotates rows' keys by their positions and stores keys and values in the rows' slots, for steps with too many rows
/// for <see cref="Chunks.SplitAttentionKernel"/> to do it, or without attention. One thread a pair; a group takes a few heads
/// of a row (keys, then values).
/// </summary>
internal static class KvAppendKernel
{
    /// <summary>Heads of a group.</summary>
    public const int HeadsPerGroup = 4;

    /// <param name="rows">The step's rows.</param>
    /// <param name="source">Their keys and values.</param>
    /// <param name="cache">Receives them.</param>
    /// <param name="geometry">Heads and their sizes.</param>
    public static void Execute<TElement>(
        RowContexts rows,
        AttentionSource source,
        KvCacheView cache,
        AttentionGeometry geometry
    )
        where TElement : struct, IKvEights
    {
        DependentLaunch.Release();
        var row = Grid.IdxX;
        var head = Grid.IdxY * HeadsPerGroup + Group.IdxY;
        var i = Group.IdxX;
        var half = geometry.HeadSize / 2;
        DependentLaunch.Wait();
        if (head >= 2 * geometry.KvHeads)
        {
            return;
        }

        var at = (long)row * source.Stride + (long)(geometry.Heads + head) * geometry.HeadSize + i;
        var pair = new RotaryPair { First = source.QueryKeyValue[at], Second = source.QueryKeyValue[at + half] };
        if (head >= geometry.KvHeads)
        {
            var value = geometry.CacheIndex(rows.Slot(row), head - geometry.KvHeads) * 8 + i;
            TElement.Store(cache.Values, value, pair.First);
            TElement.Store(cache.Values, value + half, pair.Second);
            return;
        }

        var angle = (long)rows.Position(row) * half + i;
        var turned = pair.Turned(source.Cosines[angle], source.Sines[angle]);
        var key = geometry.CacheIndex(rows.Slot(row), head) * 8 + i;
        TElement.Store(cache.Keys, key, turned.First);
        TElement.Store(cache.Keys, key + half, turned.Second);
    }
}
