using ILGPU;
using Ppsd.Kernels.Devices.Ilgpu.Driver;
using Ppsd.Kernels.Devices.Ilgpu.Lane;
using Ppsd.Kernels.Devices.Ilgpu.Rows;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Devices.Ilgpu.Draws;

/// <summary>
/// Draws tokens from logits as <see cref="TokenSampler"/> does, bit for bit: the largest scaled logit plus keyed noise.
/// Each group ranks 1024 tokens of a row; the row's last group to finish ranks what the groups found.
/// </summary>
internal static class DrawKernel
{
    /// <summary>Threads of a group, four tokens each: one load of logits, one counter of the noise.</summary>
    public const int GroupSize = Warps * GroupSum.WarpSize;

    /// <summary>Tokens of a group.</summary>
    public const int GroupTokens = 4 * GroupSize;

    private const int Warps = 8;

    /// <param name="step">The step's number.</param>
    /// <param name="contexts">The step's rows.</param>
    /// <param name="firstRow">The step's row that the first row of logits belongs to.</param>
    /// <param name="logits">[rows, loads of a row].</param>
    /// <param name="rowLoads">Loads from one row to the next.</param>
    /// <param name="vocabSize">Tokens.</param>
    /// <param name="hasFilters">1 when the step's thresholds were found, 0 when its rows filter nothing.</param>
    /// <param name="buffers">Receives the draws.</param>
    public static void Execute(
        ArrayView<int> step,
        RowContexts contexts,
        int firstRow,
        ArrayView<Float4> logits,
        int rowLoads,
        int vocabSize,
        int hasFilters,
        DrawBuffers buffers
    )
    {
        DependentLaunch.Release();
        var keys = SharedMemory.Allocate<ulong>(Warps);
        var sums = SharedMemory.Allocate<float>(Warps);
        var isLast = SharedMemory.Allocate<int>(1);
        var row = Grid.IdxY;
        var load = Grid.IdxX * GroupSize + Group.IdxX;
        var draw = contexts.Draw(firstRow + row);

        // The noise does not depend on logits, so it is computed before they arrive. Adding minus zero leaves every
        // score unchanged.
        var noise = new Float4
        {
            X = -0f,
            Y = -0f,
            Z = -0f,
            W = -0f,
        };
        if (draw.HasNoise != 0)
        {
            noise = DrawNoise.Of(draw.Seed, draw.Position, load);
        }

        DependentLaunch.Wait();
        if (draw.Drafts == 0)
        {
            if (load == 0)
            {
                buffers.Results[row * DrawBuffers.ResultStride] = 0;
                buffers.Tokens[row] = 0;
                Tell(step, row, buffers);
            }

            return;
        }

        var scores = new Float4();
        if (load * 4 < vocabSize)
        {
            scores = logits[row * rowLoads + load];
        }

        var threshold = hasFilters != 0 ? buffers.Thresholds[row] : float.NegativeInfinity;
        scores.X = Perturbed(scores.X, noise.X, draw.Scale, threshold);
        scores.Y = Perturbed(scores.Y, noise.Y, draw.Scale, threshold);
        scores.Z = Perturbed(scores.Z, noise.Z, draw.Scale, threshold);
        scores.W = Perturbed(scores.W, noise.W, draw.Scale, threshold);
        var group = (long)row * Grid.DimX + Grid.IdxX;
        RankTokens(scores, load * 4, vocabSize, draw.Drafts, group, keys, sums, buffers);

        // What thread 0 wrote must be seen by the last group before its count is.
        if (Group.IdxX == 0)
        {
            MemoryFence.DeviceLevel();
            isLast[0] = Atomic.Add(ref buffers.Done[row], 1) == Grid.DimX - 1 ? 1 : 0;
            MemoryFence.DeviceLevel();
        }

        Group.Barrier();
        if (isLast[0] != 0)
        {
            RankGroups(step, row, Grid.DimX, draw.Drafts, keys, sums, buffers);
        }
    }

    /// <summary>A logit that is NaN or plus infinity wins, so that the row's last group sees that there is one.</summary>
    private static float Perturbed(float logit, float noise, float scale, float threshold)
    {
        var score = UnfusedMath.Multiply(logit, scale);
        var kept = DrawKey.IsAtLeast(score, threshold) ? UnfusedMath.Add(score, noise) : float.NegativeInfinity;
        return DrawKey.IsUsable(logit) ? kept : DrawKey.NotANumber;
    }

    private static void RankTokens(
        Float4 scores,
        int token,
        int vocabSize,
        int drafts,
        long group,
        ArrayView<ulong> shared,
        ArrayView<float> sums,
        DrawBuffers buffers
    )
    {
        var key0 = token < vocabSize ? DrawKey.Of(scores.X, token) : DrawKey.None;
        var key1 = token + 1 < vocabSize ? DrawKey.Of(scores.Y, token + 1) : DrawKey.None;
        var key2 = token + 2 < vocabSize ? DrawKey.Of(scores.Z, token + 2) : DrawKey.None;
        var key3 = token + 3 < vocabSize ? DrawKey.Of(scores.W, token + 3) : DrawKey.None;
        var first = DrawKey.None;
        var last = ulong.MaxValue;
        for (var i = 0; i < drafts; i++)
        {
            var own = DrawKey.Max(DrawKey.Below(key0, last), DrawKey.Below(key1, last));
            own = DrawKey.Max(own, DrawKey.Max(DrawKey.Below(key2, last), DrawKey.Below(key3, last)));
            last = DrawKey.OverGroup(own, shared, Warps);
            first = i == 0 ? last : first;
            if (Group.IdxX == 0)
            {
                buffers.Keys[group * TokenDraws.MaxDrafts + i] = last;
            }
        }

        if (drafts > 1)
        {
            // A single draft is never ranked against others, so its share need not be worked out.
            var max = DrawKey.Score(first);
            var sum = Share(key0, scores.X, max) + Share(key1, scores.Y, max);
            sum = OverGroup(sum + Share(key2, scores.Z, max) + Share(key3, scores.W, max), sums);
            if (Group.IdxX == 0)
            {
                buffers.Totals[group] = new SoftmaxTotal { Max = max, Sum = sum };
            }
        }
    }

    private static void RankGroups(
        ArrayView<int> step,
        int row,
        int groups,
        int drafts,
        ArrayView<ulong> shared,
        ArrayView<float> sums,
        DrawBuffers buffers
    )
    {
        var firstGroup = (long)row * groups;
        var result = row * DrawBuffers.ResultStride;
        var last = ulong.MaxValue;
        var logTotal = 0f;
        var isFinite = false;
        var found = 0;
        for (var i = 0; i < drafts; i++)
        {
            var own = DrawKey.None;
            for (var group = Group.IdxX; group < groups; group += GroupSize)
            {
                for (var j = 0; j < drafts; j++)
                {
                    var key = buffers.Keys[(firstGroup + group) * TokenDraws.MaxDrafts + j];
                    own = DrawKey.Max(own, DrawKey.Below(key, last));
                }
            }

            last = DrawKey.OverGroup(own, shared, Warps);
            var score = DrawKey.Score(last);
            if (i == 0)
            {
                // Also where nothing was drawn: a kernel may look it up.
                buffers.Tokens[row] = DrawKey.Token(last);
                isFinite = DrawKey.IsFinite(score);
            }

            if (i == 0 && drafts > 1)
            {
                logTotal = score + DeviceMath.Log(Total(score, firstGroup, groups, sums, buffers));
            }

            // The best token is drawn regardless of its score; excluded tokens are not drafts.
            if (i == 0 || (last != DrawKey.None && score > float.NegativeInfinity))
            {
                found = i + 1;
                if (Group.IdxX == 0)
                {
                    var share = drafts > 1 ? score - logTotal : 0f;
                    buffers.Results[result + 2 + i] = DrawKey.Token(last);
                    buffers.Results[result + 2 + TokenDraws.MaxDrafts + i] = (int)Interop.FloatAsInt(share);
                }
            }
        }

        if (Group.IdxX == 0)
        {
            // Nothing is drawn from logits that are not finite; the host checks them and reports it.
            buffers.Results[result] = isFinite ? drafts : 0;
            buffers.Results[result + 1] = found;
            buffers.Done[row] = 0;
            Tell(step, row, buffers);
        }
    }

    /// <summary>The row's result is complete: the host sees it before it sees the step's number.</summary>
    private static void Tell(ArrayView<int> step, int row, DrawBuffers buffers)
    {
        MemoryFence.SystemLevel();
        buffers.Results[row * DrawBuffers.ResultStride + DrawBuffers.StepWord] = step[0];
    }

    private static float Total(float max, long firstGroup, int groups, ArrayView<float> sums, DrawBuffers buffers)
    {
        var sum = 0f;
        for (var group = Group.IdxX; group < groups; group += GroupSize)
        {
            var total = buffers.Totals[firstGroup + group];
            sum += total.Sum * DeviceMath.Exp(total.Max - max);
        }

        return OverGroup(sum, sums);
    }

    private static float Share(ulong key, float score, float max) =>
        key == DrawKey.None ? 0f : DeviceMath.Exp(score - max);

    /// <summary>Sum over the group's threads, in one order, in every thread. All must arrive.</summary>
    private static float OverGroup(float value, ArrayView<float> shared)
    {
        value = GroupSum.OverWarp(value);
        if (Warp.LaneIdx == 0)
        {
            shared[Group.IdxX >> 5] = value;
        }

        Group.Barrier();
        var sum = 0f;
        for (var warp = 0; warp < Warps; warp++)
        {
            sum += shared[warp];
        }

        return sum;
    }
}
