using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Distillation.Compute;

namespace Ppsd.Kernels.Distillation.Ilgpu.Kernels;

/// <summary>
/// The most probable tokens of a row and the mass of the rest, a group a row; see <see cref="TrainingDevice.KeepTop"/>. The
/// smallest logit that is kept is found bit by bit on keys in the order of floats.
/// </summary>
internal static class TopKernel
{
    private const int GroupSize = LossKernel.GroupSize;

    /// <param name="logits">The target's; overwritten.</param>
    /// <param name="first">First row of what is kept.</param>
    /// <param name="kept">Tokens, logarithms of their probabilities, that of the rest.</param>
    public static void Execute(RowsView logits, int first, RowsView kept)
    {
        var shared = SharedMemory.Allocate<float>(GroupReduction.MaxWarps);
        var above = SharedMemory.Allocate<int>(GroupSize);
        var equal = SharedMemory.Allocate<int>(GroupSize);
        var row = Grid.IdxX;
        var tokens = kept.Width / 2;
        var least = LeastKey(logits, row, tokens, shared);

        // Each thread has neighbouring tokens, so places follow from how many the threads before it take.
        var share = (logits.Width + GroupSize - 1) / GroupSize;
        var begin = Group.IdxX * share;
        var end = XMath.Min(logits.Width, begin + share);
        var ownAbove = 0;
        var ownEqual = 0;
        for (var i = begin; i < end; i++)
        {
            var key = Key(logits.Values[logits.At(row, i)]);
            ownAbove += key > least ? 1 : 0;
            ownEqual += key == least ? 1 : 0;
        }

        above[Group.IdxX] = ownAbove;
        equal[Group.IdxX] = ownEqual;
        Group.Barrier();
        var allAbove = 0;
        var aboveBefore = 0;
        var equalBefore = 0;
        for (var thread = 0; thread < GroupSize; thread++)
        {
            aboveBefore += thread < Group.IdxX ? above[thread] : 0;
            equalBefore += thread < Group.IdxX ? equal[thread] : 0;
            allAbove += above[thread];
        }

        // Of equals at the limit the lowest are kept.
        var left = tokens - allAbove;
        var place = aboveBefore + XMath.Min(equalBefore, left);
        left -= equalBefore;
        var max = float.NegativeInfinity;
        for (var i = begin; i < end; i++)
        {
            var at = logits.At(row, i);
            var value = logits.Values[at];
            var key = Key(value);
            var isKept = key > least || (key == least && left > 0);
            left -= key == least ? 1 : 0;
            if (isKept && place < tokens)
            {
                kept.Values[kept.At(first + row, place)] = i;
                kept.Values[kept.At(first + row, tokens + place)] = value;
                logits.Values[at] = float.NegativeInfinity;
                max = XMath.Max(max, value);
                place++;
            }
        }

        max = GroupReduction.Max(max, shared);
        var sum = 0f;
        for (var k = Group.IdxX; k < tokens; k += GroupSize)
        {
            sum += XMath.Exp(kept.Values[kept.At(first + row, tokens + k)] - max);
        }

        var topLog = max + XMath.Log(GroupReduction.Sum(sum, shared));
        var restLog = LogSum(logits, row, shared);
        var total = Add(topLog, restLog);
        for (var k = Group.IdxX; k < tokens; k += GroupSize)
        {
            kept.Values[kept.At(first + row, tokens + k)] -= total;
        }

        if (Group.IdxX == 0)
        {
            kept.Values[kept.At(first + row, 2 * tokens)] = restLog - total;
        }
    }

    /// <summary>Logarithm of the sum of a row's exponentials, to every thread.</summary>
    public static float LogSum(RowsView logits, int row, ArrayView<float> shared)
    {
        var max = float.NegativeInfinity;
        for (var i = Group.IdxX; i < logits.Width; i += GroupSize)
        {
            max = XMath.Max(max, logits.Values[logits.At(row, i)]);
        }

        max = GroupReduction.Max(max, shared);
        var shift = max == float.NegativeInfinity ? 0f : max;
        var sum = 0f;
        for (var i = Group.IdxX; i < logits.Width; i += GroupSize)
        {
            sum += XMath.Exp(logits.Values[logits.At(row, i)] - shift);
        }

        sum = GroupReduction.Sum(sum, shared);
        return max == float.NegativeInfinity ? max : max + XMath.Log(sum);
    }

    /// <summary>log(exp(a) + exp(b)).</summary>
    public static float Add(float a, float b)
    {
        var max = XMath.Max(a, b);
        return max + XMath.Log(XMath.Exp(a - max) + XMath.Exp(b - max));
    }

    /// <summary>Largest key that at least so many logits reach.</summary>
    private static uint LeastKey(RowsView logits, int row, int tokens, ArrayView<float> shared)
    {
        var least = 0u;
        var found = -1f;
        for (var bit = 31; bit >= 0 && found != tokens; bit--)
        {
            var limit = least | (1u << bit);
            var count = 0f;
            for (var i = Group.IdxX; i < logits.Width; i += GroupSize)
            {
                count += Key(logits.Values[logits.At(row, i)]) >= limit ? 1f : 0f;
            }

            // The same for every thread of the group, which stay together.
            found = GroupReduction.Sum(count, shared);
            least = found >= tokens ? limit : least;
        }

        return least;
    }

    /// <summary>Keys order as their floats do.</summary>
    private static uint Key(float value)
    {
        var bits = Interop.FloatAsInt(value);
        return (bits & 0x8000_0000u) != 0 ? ~bits : bits | 0x8000_0000u;
    }
}
