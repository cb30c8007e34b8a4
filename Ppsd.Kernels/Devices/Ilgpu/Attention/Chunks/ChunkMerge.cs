using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Chunks;

/// <summary>
/// Joins the chunks of a row and head: y = sum of 2^(max of chunk - max) * weighted values, over the same sum of the
/// chunks' sums. Every fourth chunk is added to one of four sums, in order, and these are added in order: the result
/// does not depend on which group computed which chunk, nor on the number of groups.
/// </summary>
internal static class ChunkMerge
{
    /// <summary>
    /// Counts the group as finished with its tile. True in all threads of the tile's last group, which then sees what
    /// the others wrote. All threads must arrive.
    /// </summary>
    /// <param name="partials">What the groups wrote, and their counters.</param>
    /// <param name="isLast">A word of shared memory.</param>
    public static bool IsLast(in AttentionPartials partials, ArrayView<int> isLast)
    {
        // Barriers hand the group's writes to the thread that counts, and what it has seen to the group: its count releases
        // and acquires for all of them, as a cooperative launch orders its grid.
        Group.Barrier();
        if (Grid.DimY == 1)
        {
            return true;
        }

        if (Group.IdxX == 0)
        {
            isLast[0] = Count(partials, (int)(Grid.IdxZ * Grid.DimX + Grid.IdxX)) == Grid.DimY - 1 ? 1 : 0;
        }

        Group.Barrier();
        return isLast[0] != 0;
    }

    /// <summary>Merges the tile's columns, a warp each.</summary>
    /// <param name="geometry">How the work was cut.</param>
    /// <param name="launchRow">The tile's first row, from the launch's first.</param>
    /// <param name="partials">What the groups wrote.</param>
    /// <param name="y">Receives them.</param>
    public static void Merge<TParts>(
        in QueryTile tile,
        in AttentionGeometry geometry,
        int launchRow,
        in AttentionPartials partials,
        in AttendedRows y
    )
        where TParts : struct, IHeadParts
    {
        var lane = Warp.LaneIdx;
        var column = Group.IdxX >> 5;
        var row = tile.RowOf(column);
        var length = tile.LengthOf(row);
        if (!tile.IsLive(column))
        {
            return;
        }

        var chunks = (length + AttentionTiling.ChunkLength - 1) >> AttentionTiling.ChunkShift;
        var head = tile.HeadOf(column);
        var source = ((long)(launchRow + row) * geometry.Heads + head) * geometry.Chunks;
        var loads = TParts.Count * HeadPart.Size / 4;
        var load = lane & (loads - 1);
        var weighted = partials.Weighted.SubView(source * loads, (long)chunks * loads);

        // Lane i computes the weight of chunk i of 32. Sixteen chunks are loaded at a time, the first before their
        // weights are known; past the end the last chunk is loaded again with weight zero.
        var total = partials.Totals[source + XMath.Min(lane, chunks - 1)];
        var first = ChunkQuad.Load(weighted, 0, chunks, loads, load);
        var second = ChunkQuad.Load(weighted, 4, chunks, loads, load);
        var third = ChunkQuad.Load(weighted, 8, chunks, loads, load);
        var fourth = ChunkQuad.Load(weighted, 12, chunks, loads, load);
        Warp.Barrier();
        var max = MaxOf(partials.Totals, source, chunks, total.Max);
        var sums = new ChunkQuad();
        var divisors = new Float4();
        for (var i = 0; i < chunks; i += 16)
        {
            var block = i & ~(GroupSum.WarpSize - 1);
            var factor = block + lane < chunks ? XMath.Exp2(total.Max - max) : 0f;
            var sum = factor * total.Sum;
            var at16 = i - block;
            first.AddTo(ref sums, ref divisors, factor, sum, at16);
            second.AddTo(ref sums, ref divisors, factor, sum, at16 + 4);
            third.AddTo(ref sums, ref divisors, factor, sum, at16 + 8);
            fourth.AddTo(ref sums, ref divisors, factor, sum, at16 + 12);
            var next = i + 16;
            total = partials.Totals[source + XMath.Min((next & ~(GroupSum.WarpSize - 1)) + lane, chunks - 1)];
            first = ChunkQuad.Load(weighted, next, chunks, loads, load);
            second = ChunkQuad.Load(weighted, next + 4, chunks, loads, load);
            third = ChunkQuad.Load(weighted, next + 8, chunks, loads, load);
            fourth = ChunkQuad.Load(weighted, next + 12, chunks, loads, load);
            Warp.Barrier();
        }

        var divisor = divisors.X + divisors.Y + divisors.Z + divisors.W;
        var end = (head + 1) * geometry.HeadSize;
        var place = end - geometry.HeadSize + ChunkQuad.FirstValue(load, loads);
        var values = new Float4
        {
            X = (sums.C0.X + sums.C1.X + sums.C2.X + sums.C3.X) / divisor,
            Y = (sums.C0.Y + sums.C1.Y + sums.C2.Y + sums.C3.Y) / divisor,
            Z = (sums.C0.Z + sums.C1.Z + sums.C2.Z + sums.C3.Z) / divisor,
            W = (sums.C0.W + sums.C1.W + sums.C2.W + sums.C3.W) / divisor,
        };
        y.StoreFour(tile.FirstRow + row, place, end, values);
    }

    private static float MaxOf(ArrayView<SoftmaxTotal> totals, long source, int chunks, float max)
    {
        for (var chunk = Warp.LaneIdx + GroupSum.WarpSize; chunk < chunks; chunk += GroupSum.WarpSize)
        {
            max = XMath.Max(max, totals[source + chunk].Max);
        }

        max = XMath.Max(max, Warp.ShuffleXor(max, 16));
        max = XMath.Max(max, Warp.ShuffleXor(max, 8));
        max = XMath.Max(max, Warp.ShuffleXor(max, 4));
        max = XMath.Max(max, Warp.ShuffleXor(max, 2));
        return XMath.Max(max, Warp.ShuffleXor(max, 1));
    }

    /// <summary>Number of the tile's groups counted before this one; the last group resets the counter.</summary>
    private static uint Count(in AttentionPartials partials, int counter)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit(
                "atom.acq_rel.gpu.global.inc.u32 %0, [%1], %2;",
                out uint counted,
                partials.FinishedAddress + counter * sizeof(int),
                (uint)(Grid.DimY - 1)
            );
            return counted;
        }

        MemoryFence.DeviceLevel();
        var before = Atomic.Add(ref partials.Finished[counter], 1);
        if (before == Grid.DimY - 1)
        {
            partials.Finished[counter] = 0;
        }

        MemoryFence.DeviceLevel();
        return (uint)before;
    }
}
