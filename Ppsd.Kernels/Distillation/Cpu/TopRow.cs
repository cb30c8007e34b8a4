using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Distillation.Compute;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <summary>
/// The most probable tokens of a row of logits and the mass of the rest, see <see cref="TrainingDevice.KeepTop"/>. The smallest
/// logit that is kept is found bit by bit on keys in the order of floats; a row of NaNs keeps NaNs.
/// </summary>
internal static unsafe class TopRow
{
    /// <summary>Writes tokens, logarithms of their probabilities, and that of the rest's mass; kept logits become -infinity.</summary>
    public static void Execute(float* logits, int vocabSize, float* kept, int tokens)
    {
        var least = LeastKey(logits, vocabSize, tokens);
        var equals = tokens - (least == uint.MaxValue ? 0 : CountFrom(logits, vocabSize, least + 1));
        var logs = kept + tokens;
        var taken = 0;
        var max = float.NegativeInfinity;
        for (var i = 0; i < vocabSize && taken < tokens; i++)
        {
            var key = Key(logits[i]);
            if (key > least || (key == least && equals-- > 0))
            {
                kept[taken] = i;
                logs[taken++] = logits[i];
                max = MathF.Max(max, logits[i]);
                logits[i] = float.NegativeInfinity;
            }
        }

        var sum = 0f;
        for (var k = 0; k < taken; k++)
        {
            sum += MathF.Exp(logs[k] - max);
        }

        var topLog = max + MathF.Log(sum);
        var restLog = LogSum(logits, vocabSize);
        var total = Add(topLog, restLog);
        for (var k = 0; k < taken; k++)
        {
            logs[k] -= total;
        }

        kept[2 * tokens] = restLog - total;
        for (; taken < tokens; taken++)
        {
            kept[taken] = 0;
            logs[taken] = float.NaN;
        }
    }

    /// <summary>Logarithm of the sum of exponentials.</summary>
    public static float LogSum(float* logits, int count)
    {
        var max = RowMath.Max(logits, count);
        return max == float.NegativeInfinity ? max : max + MathF.Log(LossRow.SumExp(logits, count, max));
    }

    /// <summary>log(exp(a) + exp(b)).</summary>
    public static float Add(float a, float b)
    {
        var max = MathF.Max(a, b);
        return max + MathF.Log(MathF.Exp(a - max) + MathF.Exp(b - max));
    }

    /// <summary>Largest key that at least so many logits reach.</summary>
    private static uint LeastKey(float* logits, int vocabSize, int tokens)
    {
        var least = 0u;
        for (var bit = 1u << 31; bit != 0; bit >>= 1)
        {
            var count = CountFrom(logits, vocabSize, least | bit);
            if (count >= tokens)
            {
                least |= bit;
                if (count == tokens)
                {
                    break;
                }
            }
        }

        return least;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int CountFrom(float* logits, int vocabSize, uint least)
    {
        var count = 0;
        var limit = Vector512.Create(least);
        for (var i = 0; i < vocabSize; i += Lanes.Count)
        {
            var bits = Vector512.Load(logits + i).AsInt32();
            var keys = (bits ^ ((bits >> 31) | Vector512.Create(int.MinValue))).AsUInt32();
            var reaches = Vector512.GreaterThanOrEqual(keys, limit) & LossRow.Inside(vocabSize - i).AsUInt32();
            count += BitOperations.PopCount(reaches.ExtractMostSignificantBits());
        }

        return count;
    }

    /// <summary>Keys order as their floats do.</summary>
    private static uint Key(float value)
    {
        var bits = BitConverter.SingleToInt32Bits(value);
        return (uint)(bits ^ ((bits >> 31) | int.MinValue));
    }
}
