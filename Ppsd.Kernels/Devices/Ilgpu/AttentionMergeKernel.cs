using ILGPU;
using ILGPU.Algorithms;

namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>
/// Joins the chunks of one row and head: y = sum of 2^(max of chunk - max) * weighted values, over the same sum of the
/// chunks' sums. A warp takes every fourth chunk in order, and the warps are added in order.
/// </summary>
internal static class AttentionMergeKernel
{
    /// <summary>Threads of a group.</summary>
    public const int GroupSize = WarpCount * GroupSum.WarpSize;

    private const int WarpCount = 4;

    /// <param name="rows">The step's rows.</param>
    /// <param name="firstRow">First row of this launch.</param>
    /// <param name="geometry">How the work was cut.</param>
    /// <param name="partials">See <see cref="SplitAttentionKernel"/>.</param>
    /// <param name="totals">See <see cref="SplitAttentionKernel"/>.</param>
    /// <param name="y">[rows, stride].</param>
    /// <param name="stride">Values from one row to the next.</param>
    public static void Execute<TParts>(
        RowContexts rows,
        int firstRow,
        AttentionGeometry geometry,
        ArrayView<Float4> partials,
        ArrayView<SoftmaxTotal> totals,
        ArrayView<float> y,
        int stride
    )
        where TParts : struct, IHeadParts
    {
        DependentLaunch.Release();
        var sums = SharedMemory.Allocate<float>(WarpCount);
        var weighted = SharedMemory.Allocate<float>(WarpCount * 2 * HeadPart.Size);
        var lane = Warp.LaneIdx;
        var warp = Group.IdxX >> 5;
        var loads = TParts.Count * HeadPart.Size / 4;
        var length = rows.Length(firstRow + Grid.IdxY);
        var chunks = (length + SplitAttentionKernel.ChunkLength - 1) >> 7;
        var source = (long)Grid.IdxY * geometry.Chunks * geometry.Heads + Grid.IdxX;

        DependentLaunch.Wait();
        var max = float.NegativeInfinity;
        for (var chunk = lane; chunk < chunks; chunk += GroupSum.WarpSize)
        {
            max = XMath.Max(max, totals[source + (long)chunk * geometry.Heads].Max);
        }

        max = XMath.Max(max, Warp.ShuffleXor(max, 16));
        max = XMath.Max(max, Warp.ShuffleXor(max, 8));
        max = XMath.Max(max, Warp.ShuffleXor(max, 4));
        max = XMath.Max(max, Warp.ShuffleXor(max, 2));
        max = XMath.Max(max, Warp.ShuffleXor(max, 1));

        // Four chunks of a warp are loaded at once; past the last one it is loaded again and weighs nothing.
        var sum = 0f;
        var value = new Float4();
        var load = lane & (loads - 1);
        for (var chunk = warp; chunk < chunks; chunk += 4 * WarpCount)
        {
            var at0 = source + (long)chunk * geometry.Heads;
            var at1 = source + (long)XMath.Min(chunk + WarpCount, chunks - 1) * geometry.Heads;
            var at2 = source + (long)XMath.Min(chunk + 2 * WarpCount, chunks - 1) * geometry.Heads;
            var at3 = source + (long)XMath.Min(chunk + 3 * WarpCount, chunks - 1) * geometry.Heads;
            var total0 = totals[at0];
            var total1 = totals[at1];
            var total2 = totals[at2];
            var total3 = totals[at3];
            var part0 = partials[at0 * loads + load];
            var part1 = partials[at1 * loads + load];
            var part2 = partials[at2 * loads + load];
            var part3 = partials[at3 * loads + load];
            Warp.Barrier();
            Add(total0, part0, max, true, ref sum, ref value);
            Add(total1, part1, max, chunk + WarpCount < chunks, ref sum, ref value);
            Add(total2, part2, max, chunk + 2 * WarpCount < chunks, ref sum, ref value);
            Add(total3, part3, max, chunk + 3 * WarpCount < chunks, ref sum, ref value);
        }

        if (lane == 0)
        {
            sums[warp] = sum;
        }

        if (lane < loads)
        {
            var at = (warp * loads + lane) * 4;
            weighted[at] = value.X;
            weighted[at + 1] = value.Y;
            weighted[at + 2] = value.Z;
            weighted[at + 3] = value.W;
        }

        Group.Barrier();
        if (Group.IdxX < geometry.HeadSize)
        {
            var size = TParts.Count * HeadPart.Size;
            var i = Group.IdxX;
            var total = sums[0] + sums[1] + sums[2] + sums[3];
            var result = weighted[i] + weighted[size + i] + weighted[2 * size + i] + weighted[3 * size + i];
            y[(long)(firstRow + Grid.IdxY) * stride + (long)Grid.IdxX * geometry.HeadSize + i] = result / total;
        }
    }

    private static void Add(
        in SoftmaxTotal total,
        in Float4 part,
        float max,
        bool isLive,
        ref float sum,
        ref Float4 value
    )
    {
        var factor = isLive ? XMath.Exp2(total.Max - max) : 0f;
        sum += factor * total.Sum;
        value.X += factor * part.X;
        value.Y += factor * part.Y;
        value.Z += factor * part.Z;
        value.W += factor * part.W;
    }
}
