using ILGPU;
using ILGPU.Algorithms;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// Attention of one row and head by one group: each warp takes every n-th position of the row's context, keeps a running
/// maximum, sum and weighted values (online softmax, Milakov and Gimelshein 2018), and the warps' results are merged in
/// warp order. Positions are logical, so neither slots nor chunking change a bit, and no context is too long.
/// </summary>
internal static class AttentionKernel
{
    /// <summary>Threads of a group.</summary>
    public const int GroupSize = 128;

    /// <summary>Largest head: eight values a lane.</summary>
    public const int MaxHeadSize = 8 * GroupSum.WarpSize;

    private const int WarpCount = GroupSize / GroupSum.WarpSize;

    /// <param name="rows">The step's rows.</param>
    /// <param name="qkv">[rows, stride], queries first.</param>
    /// <param name="stride">Values from one row to the next.</param>
    /// <param name="keys">[slot, kvHeads, headSize].</param>
    /// <param name="values">[slot, kvHeads, headSize].</param>
    /// <param name="kvHeads">Key/value heads.</param>
    /// <param name="groupHeads">Query heads per key/value head.</param>
    /// <param name="headSize">Values per head.</param>
    /// <param name="scale">Factor of the scores.</param>
    /// <param name="y">[rows, yStride].</param>
    /// <param name="yStride">Values from one row to the next.</param>
    public static void Execute<T, TElement>(
        RowContexts rows,
        ArrayView<float> qkv,
        int stride,
        ArrayView<T> keys,
        ArrayView<T> values,
        int kvHeads,
        int groupHeads,
        int headSize,
        float scale,
        ArrayView<float> y,
        int yStride
    )
        where T : unmanaged
        where TElement : struct, IKvElement<T>
    {
        var maxima = SharedMemory.Allocate<float>(WarpCount);
        var sums = SharedMemory.Allocate<float>(WarpCount);
        var weighted = SharedMemory.Allocate<float>(WarpCount * MaxHeadSize);

        var row = Grid.IdxX;
        var head = Grid.IdxY;
        var lane = Group.IdxX % GroupSum.WarpSize;
        var warp = Group.IdxX / GroupSum.WarpSize;
        var query = (long)row * stride + (long)head * headSize;
        var length = rows.Length(row);

        var max = float.NegativeInfinity;
        var sum = 0f;
        for (var i = lane; i < headSize; i += GroupSum.WarpSize)
        {
            weighted[warp * MaxHeadSize + i] = 0f;
        }

        for (var position = warp; position < length; position += WarpCount)
        {
            var cell = ((long)rows.ContextSlot(row, position) * kvHeads + head / groupHeads) * headSize;
            var product = 0f;
            for (var i = lane; i < headSize; i += GroupSum.WarpSize)
            {
                product += qkv[query + i] * TElement.Load(keys[cell + i]);
            }

            var score = GroupSum.OverWarp(product) * scale;
            var newMax = XMath.Max(max, score);
            var rescale = XMath.Exp(max - newMax);
            var weight = XMath.Exp(score - newMax);
            sum = sum * rescale + weight;
            max = newMax;
            for (var i = lane; i < headSize; i += GroupSum.WarpSize)
            {
                var at = warp * MaxHeadSize + i;
                weighted[at] = weighted[at] * rescale + weight * TElement.Load(values[cell + i]);
            }
        }

        if (lane == 0)
        {
            maxima[warp] = max;
            sums[warp] = sum;
        }

        Group.Barrier();
        var overall = maxima[0];
        for (var w = 1; w < WarpCount; w++)
        {
            overall = XMath.Max(overall, maxima[w]);
        }

        var total = 0f;
        for (var w = 0; w < WarpCount; w++)
        {
            total += sums[w] * XMath.Exp(maxima[w] - overall);
        }

        for (var i = Group.IdxX; i < headSize; i += GroupSize)
        {
            var value = 0f;
            for (var w = 0; w < WarpCount; w++)
            {
                value += weighted[w * MaxHeadSize + i] * XMath.Exp(maxima[w] - overall);
            }

            y[(long)row * yStride + (long)head * headSize + i] = value / total;
        }
    }
}
