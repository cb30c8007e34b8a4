using System.Runtime.Intrinsics;
using Ppsd.Kernels.Devices.Cpu;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <summary>Vector operations on stretches of fp32; sums are over sixteen lanes, then across lanes in one order, then the rest.</summary>
internal static unsafe class RowMath
{
    /// <summary>Sum of a[i] * b[i].</summary>
    public static float Dot(float* a, float* b, int count)
    {
        var sums = Vector512<float>.Zero;
        var i = 0;
        for (; i <= count - Lanes.Count; i += Lanes.Count)
        {
            sums = Vector512.FusedMultiplyAdd(Vector512.Load(a + i), Vector512.Load(b + i), sums);
        }

        var sum = Lanes.Sum(sums);
        for (; i < count; i++)
        {
            sum += a[i] * b[i];
        }

        return sum;
    }

    /// <summary>Sum of values.</summary>
    public static float SumOf(float* values, int count)
    {
        var sums = Vector512<float>.Zero;
        var i = 0;
        for (; i <= count - Lanes.Count; i += Lanes.Count)
        {
            sums += Vector512.Load(values + i);
        }

        var sum = Lanes.Sum(sums);
        for (; i < count; i++)
        {
            sum += values[i];
        }

        return sum;
    }

    /// <summary>Largest value.</summary>
    public static float Max(float* values, int count)
    {
        var i = 0;
        var largest = float.NegativeInfinity;
        if (count >= Lanes.Count)
        {
            var lanes = Vector512.Load(values);
            for (i = Lanes.Count; i <= count - Lanes.Count; i += Lanes.Count)
            {
                lanes = Vector512.Max(lanes, Vector512.Load(values + i));
            }

            var eight = Vector256.Max(lanes.GetLower(), lanes.GetUpper());
            var four = Vector128.Max(eight.GetLower(), eight.GetUpper());
            largest = MathF.Max(MathF.Max(four[0], four[1]), MathF.Max(four[2], four[3]));
        }

        for (; i < count; i++)
        {
            largest = MathF.Max(largest, values[i]);
        }

        return largest;
    }

    /// <summary>values[i] *= factor.</summary>
    public static void Scale(float* values, int count, float factor)
    {
        var lanes = Vector512.Create(factor);
        var i = 0;
        for (; i <= count - Lanes.Count; i += Lanes.Count)
        {
            (Vector512.Load(values + i) * lanes).Store(values + i);
        }

        for (; i < count; i++)
        {
            values[i] *= factor;
        }
    }

    /// <summary>target[i] += source[i] * factor.</summary>
    public static void AddScaled(float* target, float* source, float factor, int count)
    {
        var lanes = Vector512.Create(factor);
        var i = 0;
        for (; i <= count - Lanes.Count; i += Lanes.Count)
        {
            Vector512.FusedMultiplyAdd(Vector512.Load(source + i), lanes, Vector512.Load(target + i)).Store(target + i);
        }

        for (; i < count; i++)
        {
            target[i] = MathF.FusedMultiplyAdd(source[i], factor, target[i]);
        }
    }
}
