using ILGPU;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// Turns a row's queries in place and stores its keys (turned) and values in its slot; one group per row and head
/// (queries, then keys, then values), one thread a pair.
/// </summary>
internal static class RotaryKernel
{
    /// <summary>Threads of a group for a head size.</summary>
    public static int GroupSize(int headSize) => headSize / 2;

    /// <param name="rows">The step's rows.</param>
    /// <param name="qkv">[rows, stride]: queries [heads, headSize], keys and values [kvHeads, headSize].</param>
    /// <param name="stride">Values from one row to the next.</param>
    /// <param name="cosines">[position, headSize / 2]. From the host: the device's own are not range-reduced.</param>
    /// <param name="sines">[position, headSize / 2].</param>
    /// <param name="keys">[slot, kvHeads, headSize].</param>
    /// <param name="values">[slot, kvHeads, headSize].</param>
    /// <param name="heads">Query heads.</param>
    /// <param name="kvHeads">Key/value heads.</param>
    /// <param name="headSize">Values per head.</param>
    public static void Execute<T, TElement>(
        RowContexts rows,
        ArrayView<float> qkv,
        int stride,
        ArrayView<float> cosines,
        ArrayView<float> sines,
        ArrayView<T> keys,
        ArrayView<T> values,
        int heads,
        int kvHeads,
        int headSize
    )
        where T : unmanaged
        where TElement : struct, IKvElement<T>
    {
        var row = Grid.IdxX;
        var head = Grid.IdxY;
        var pair = Group.IdxX;
        var half = headSize / 2;
        var source = (long)row * stride + (long)head * headSize;
        var first = qkv[source + pair];
        var second = qkv[source + pair + half];
        if (head >= heads + kvHeads)
        {
            var at = ((long)rows.Slot(row) * kvHeads + head - heads - kvHeads) * headSize;
            values[at + pair] = TElement.Store(first);
            values[at + pair + half] = TElement.Store(second);
            return;
        }

        var angle = (long)rows.Position(row) * half + pair;
        var turnedFirst = first * cosines[angle] - second * sines[angle];
        var turnedSecond = second * cosines[angle] + first * sines[angle];
        if (head < heads)
        {
            qkv[source + pair] = turnedFirst;
            qkv[source + pair + half] = turnedSecond;
        }
        else
        {
            var at = ((long)rows.Slot(row) * kvHeads + head - heads) * headSize;
            keys[at + pair] = TElement.Store(turnedFirst);
            keys[at + pair + half] = TElement.Store(turnedSecond);
        }
    }
}
