using ILGPU;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// Turns a row's queries and keys by its position and puts them where attention reads them: queries beside each other in
/// two bf16 parts, keys and values in the row's slot. One thread a pair; a group takes a few heads of a row (queries, then
/// keys, then values).
/// </summary>
internal static class RotaryKernel
{
    /// <summary>Heads of a group.</summary>
    public const int HeadsPerGroup = 4;

    /// <param name="rows">The step's rows.</param>
    /// <param name="qkv">[rows, stride]: queries [heads, headSize], keys and values [kvHeads, headSize].</param>
    /// <param name="stride">Values from one row to the next.</param>
    /// <param name="cosines">[position, headSize / 2]. From the host: the device's own are not range-reduced.</param>
    /// <param name="sines">[position, headSize / 2].</param>
    /// <param name="queries">
    /// [rows, heads, 2, partCount * 64]: bf16 parts, then what they leave, as bf16. Values past the head are not written.
    /// </param>
    /// <param name="partCount">Parts of 64 that hold a head.</param>
    /// <param name="keys">See <see cref="AttentionGeometry.CacheIndex"/>.</param>
    /// <param name="values">See <see cref="AttentionGeometry.CacheIndex"/>.</param>
    /// <param name="geometry">Heads and their sizes.</param>
    public static void Execute<T, TElement>(
        RowContexts rows,
        ArrayView<float> qkv,
        int stride,
        ArrayView<float> cosines,
        ArrayView<float> sines,
        ArrayView<ushort> queries,
        int partCount,
        ArrayView<T> keys,
        ArrayView<T> values,
        AttentionGeometry geometry
    )
        where T : unmanaged
        where TElement : struct, IKvElement<T>
    {
        DependentLaunch.Release();
        var row = Grid.IdxX;
        var head = Grid.IdxY * HeadsPerGroup + Group.IdxY;
        var pair = Group.IdxX;
        var half = geometry.HeadSize / 2;
        DependentLaunch.Wait();
        if (head >= geometry.Heads + 2 * geometry.KvHeads)
        {
            return;
        }

        var source = (long)row * stride + (long)head * geometry.HeadSize;
        var first = qkv[source + pair];
        var second = qkv[source + pair + half];
        var kvHead = head - geometry.Heads;
        if (kvHead >= geometry.KvHeads)
        {
            var at = geometry.CacheIndex(rows.Slot(row), kvHead - geometry.KvHeads) * 8 + pair;
            values[at] = TElement.Store(first);
            values[at + half] = TElement.Store(second);
            return;
        }

        var angle = (long)rows.Position(row) * half + pair;
        var turnedFirst = first * cosines[angle] - second * sines[angle];
        var turnedSecond = second * cosines[angle] + first * sines[angle];
        if (kvHead < 0)
        {
            var size = partCount * HeadPart.Size;
            var at = ((long)row * geometry.Heads + head) * 2 * size + pair;
            StoreQuery(queries, at, size, turnedFirst);
            StoreQuery(queries, at + half, size, turnedSecond);
        }
        else
        {
            var at = geometry.CacheIndex(rows.Slot(row), kvHead) * 8 + pair;
            keys[at] = TElement.Store(turnedFirst);
            keys[at + half] = TElement.Store(turnedSecond);
        }
    }

    private static void StoreQuery(ArrayView<ushort> queries, long at, int size, float value)
    {
        var high = BFloat16.FromSingle(value);
        queries[at] = high;
        queries[at + size] = BFloat16.FromSingle(value - BFloat16.ToSingle(high));
    }
}
