using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Rows;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Devices.Ilgpu.Draws;

/// <summary>
/// Finds the least score that a row's filters keep, as <see cref="TokenFilter"/> does, bit for bit; one group a row. A
/// threshold is found by bisection over ordered scores: all counts and weights are whole numbers, so the order in which
/// threads add them does not matter.
/// </summary>
internal static class FilterKernel
{
    /// <summary>Threads of a group.</summary>
    public const int GroupSize = Warps * GroupSum.WarpSize;

    private const int Warps = 16;

    /// <param name="contexts">The step's rows.</param>
    /// <param name="firstRow">The step's row that the first row of logits belongs to.</param>
    /// <param name="logits">[rows, loads of a row].</param>
    /// <param name="rowLoads">Loads from one row to the next.</param>
    /// <param name="vocabSize">Tokens.</param>
    /// <param name="thresholds">Receives a threshold for each row; minus infinity where all tokens are kept.</param>
    public static void Execute(
        RowContexts contexts,
        int firstRow,
        ArrayView<Float4> logits,
        int rowLoads,
        int vocabSize,
        ArrayView<float> thresholds
    )
    {
        DependentLaunch.Release();
        var list = SharedMemory.Allocate<uint>(GroupSize);
        var values = SharedMemory.Allocate<long>(GroupSize);
        var listed = SharedMemory.Allocate<int>(1);
        var counts = SharedMemory.Allocate<long>(Warps);
        var weights = SharedMemory.Allocate<long>(Warps);
        var row = Grid.IdxX;
        var draw = contexts.Draw(firstRow + row);
        DependentLaunch.Wait();
        if (draw.Drafts == 0 || !draw.HasFilters)
        {
            if (Group.IdxX == 0)
            {
                thresholds[row] = float.NegativeInfinity;
            }

            return;
        }

        var scores = new RowScores
        {
            Logits = logits.SubView((long)row * rowLoads, rowLoads),
            VocabSize = vocabSize,
            Scale = draw.Scale,
        };
        scores.FindRange(counts);
        var lowest = scores.Lowest;
        for (var byWeight = 0; byWeight < 2; byWeight++)
        {
            // Both filters share one search, because the loop is slow to compile.
            var isWanted = byWeight == 0 ? draw.TopK > 0 && draw.TopK < vocabSize : draw.TopPShare < TokenWeight.Whole;
            if (isWanted)
            {
                // All tokens are at or above the lowest score; only a share (top-p) needs their weight.
                var all =
                    byWeight == 0 ? new ScoreTally { Count = vocabSize } : scores.AtLeast(lowest, counts, weights);
                var target = byWeight == 0 ? draw.TopK : TokenWeight.Needed(all.Weight, draw.TopPShare);
                lowest = Search(scores, lowest, all, target, byWeight, list, values, listed, counts, weights);
            }
        }

        if (Group.IdxX == 0)
        {
            var relative = UnfusedMath.Add(scores.Max, draw.LogMinP);
            var threshold = DrawKey.FromOrdered(lowest);
            thresholds[row] = DrawKey.IsAtLeast(relative, threshold) ? relative : threshold;
        }
    }

    /// <summary>
    /// The largest score such that those at or above it reach a target together. All scores are gone through until no
    /// more than one a thread lies in question.
    /// </summary>
    /// <param name="low">A score that reaches the target.</param>
    /// <param name="atLow">What lies at or above it.</param>
    /// <param name="byWeight">1 when weights must reach it, 0 when the count of tokens must.</param>
    /// <param name="list">Room for a score a thread.</param>
    /// <param name="values">Room for a number a thread.</param>
    /// <param name="listed">Room for their number.</param>
    /// <param name="counts">Room for one number a warp.</param>
    /// <param name="weights">Room for one number a warp.</param>
    private static uint Search(
        RowScores scores,
        uint low,
        ScoreTally atLow,
        long target,
        int byWeight,
        ArrayView<uint> list,
        ArrayView<long> values,
        ArrayView<int> listed,
        ArrayView<long> counts,
        ArrayView<long> weights
    )
    {
        var high = scores.Highest;
        var above = new ScoreTally();
        for (var round = 0; low < high && atLow.Count - above.Count > GroupSize; round++)
        {
            var middle = Middle(low, high, round);
            var tally = scores.AtLeast(middle, counts, weights);
            if (tally.Of(byWeight) >= target)
            {
                low = middle;
                atLow = tally;
            }
            else
            {
                high = middle - 1;
                above = tally;
            }
        }

        if (low == high)
        {
            return low;
        }

        // Each thread sums up what lies at or above a score of its own.
        scores.List(low, high, list, listed);
        var length = listed[0];
        var own = Group.IdxX < length ? list[Group.IdxX] : 0;
        values[Group.IdxX] = byWeight != 0 ? DrawKey.Weight(own, scores.Max) : 1;
        Group.Barrier();
        var reached = above.Of(byWeight);
        for (var i = 0; i < length; i++)
        {
            reached += list[i] >= own ? values[i] : 0;
        }

        var found = Group.IdxX < length && reached >= target ? own : 0;
        return (uint)DrawKey.OverGroup(found, counts.Cast<ulong>(), Warps);
    }

    /// <summary>
    /// A score above <paramref name="low"/> and not above <paramref name="high"/>. Halving the distance is quick among
    /// scores alike, halving the number of floats between them always ends: by turns.
    /// </summary>
    private static uint Middle(uint low, uint high, int round)
    {
        var halfway = low + ((high - low) >> 1) + 1;
        if ((round & 1) != 0)
        {
            return halfway;
        }

        var lowScore = DrawKey.FromOrdered(low);
        var middle = DrawKey.Ordered(lowScore + (DrawKey.FromOrdered(high) - lowScore) * 0.5f);
        return middle > low && middle <= high ? middle : halfway;
    }
}
