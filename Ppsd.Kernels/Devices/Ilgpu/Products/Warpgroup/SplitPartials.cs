using ILGPU;
using ILGPU.Runtime.Cuda;
using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Products.Warpgroup;

/// <summary>
/// Sums that groups leave in memory: for others with which they share a tile, and for themselves on the way from
/// registers to results.
/// </summary>
internal struct SplitPartials
{
    /// <summary>[place, split, row block, thread]; the prefix of a tile stands at split 0.</summary>
    public ArrayView<Float4> Sums;

    /// <summary>Where they lie on a card.</summary>
    public long SumsAddress;

    /// <summary>[shared tile], splits that were added up where the first stands.</summary>
    public ArrayView<int> Prefixes;

    /// <summary>[shared tile], splits that are in memory; zero before the product.</summary>
    public ArrayView<int> Counts;

    /// <summary>Where they lie on a card.</summary>
    public long CountsAddress;

    /// <summary>Counts of the next product on other rows: made zero here, since nobody uses them now.</summary>
    public ArrayView<int> NextCounts;

    /// <summary>
    /// Counts a segment's splits. True in all threads of the group that completes the tile, which then sees what the
    /// others wrote. All threads must arrive.
    /// </summary>
    /// <param name="tile">The shared tile.</param>
    /// <param name="walk">In the segment's last split.</param>
    /// <param name="isLast">A word of shared memory.</param>
    public readonly bool IsLast(int tile, in TileWalk walk, ArrayView<int> isLast)
    {
        // As in ChunkMerge: the count releases and acquires for all threads, to whom barriers hand it on.
        Group.Barrier();
        if (Group.IdxX == 0)
        {
            if (walk.IsPrefix)
            {
                Prefixes[tile] = walk.SegmentLength;
            }

            isLast[0] = Count(tile, walk.SegmentLength) + walk.SegmentLength == RowSplits.Count ? 1 : 0;
        }

        Group.Barrier();
        return isLast[0] != 0;
    }

    /// <summary>Adds the splits behind the prefix, in their order, to the totals of two blocks of rows.</summary>
    /// <param name="at">Where the first one's prefix stands.</param>
    /// <param name="step">From one split to the next.</param>
    /// <param name="blockStep">From the first block to the second.</param>
    /// <param name="prefix">Splits in the prefix.</param>
    public readonly void AddRest(int at, int step, int blockStep, int prefix, ref Float4 first, ref Float4 second)
    {
        // No branches: all loads leave before the first addition. Those of the prefix become zeros.
        var first1 = Load(at, step, prefix, 1);
        var first2 = Load(at, step, prefix, 2);
        var first3 = Load(at, step, prefix, 3);
        var first4 = Load(at, step, prefix, 4);
        var first5 = Load(at, step, prefix, 5);
        var first6 = Load(at, step, prefix, 6);
        var first7 = Load(at, step, prefix, 7);
        at += blockStep;
        var second1 = Load(at, step, prefix, 1);
        var second2 = Load(at, step, prefix, 2);
        var second3 = Load(at, step, prefix, 3);
        var second4 = Load(at, step, prefix, 4);
        var second5 = Load(at, step, prefix, 5);
        var second6 = Load(at, step, prefix, 6);
        var second7 = Load(at, step, prefix, 7);
        Warp.Barrier();
        Add(ref first, first1);
        Add(ref first, first2);
        Add(ref first, first3);
        Add(ref first, first4);
        Add(ref first, first5);
        Add(ref first, first6);
        Add(ref first, first7);
        Add(ref second, second1);
        Add(ref second, second2);
        Add(ref second, second3);
        Add(ref second, second4);
        Add(ref second, second5);
        Add(ref second, second6);
        Add(ref second, second7);
    }

    private readonly Float4 Load(int at, int step, int prefix, int split)
    {
        var mask = (prefix - 1 - split) >> 31;
        var sums = Sums[at + (step * split & mask)];
        return new Float4
        {
            X = Masked(sums.X, mask),
            Y = Masked(sums.Y, mask),
            Z = Masked(sums.Z, mask),
            W = Masked(sums.W, mask),
        };
    }

    private static float Masked(float value, int mask) => Interop.IntAsFloat(Interop.FloatAsInt(value) & (uint)mask);

    private static void Add(ref Float4 total, in Float4 sums)
    {
        total.X = UnfusedMath.Add(total.X, sums.X);
        total.Y = UnfusedMath.Add(total.Y, sums.Y);
        total.Z = UnfusedMath.Add(total.Z, sums.Z);
        total.W = UnfusedMath.Add(total.W, sums.W);
    }

    /// <summary>Splits counted before these.</summary>
    private readonly int Count(int tile, int splits)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit(
                "atom.acq_rel.gpu.global.add.u32 %0, [%1], %2;",
                out int counted,
                CountsAddress + tile * sizeof(int),
                splits
            );
            return counted;
        }

        MemoryFence.DeviceLevel();
        var before = Atomic.Add(ref Counts[tile], splits);
        MemoryFence.DeviceLevel();
        return before;
    }
}
