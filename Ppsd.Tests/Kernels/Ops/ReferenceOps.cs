using Ppsd.Kernels.Devices;

namespace Ppsd.Tests.Kernels.Ops;

/// <summary>
/// Each operation as its formula reads, accumulated in double precision and rounded once: the truth that the kernels are
/// tested against. Rows are arrays; nothing here is fast.
/// </summary>
public static class ReferenceOps
{
    /// <summary>weight x for a row-major matrix [outputs, x.Length].</summary>
    public static float[] MatMul(ReadOnlySpan<float> weight, ReadOnlySpan<float> x, int outputs)
    {
        var y = new float[outputs];
        for (var output = 0; output < outputs; output++)
        {
            var sum = 0.0;
            for (var i = 0; i < x.Length; i++)
            {
                sum += (double)weight[output * x.Length + i] * x[i];
            }

            y[output] = (float)sum;
        }

        return y;
    }

    /// <summary>x / sqrt(mean(x^2) + epsilon) * weight.</summary>
    public static float[] RmsNorm(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, float epsilon)
    {
        var squares = 0.0;
        foreach (var value in x)
        {
            squares += (double)value * value;
        }

        var scale = 1.0 / Math.Sqrt(squares / x.Length + epsilon);
        var y = new float[x.Length];
        for (var i = 0; i < x.Length; i++)
        {
            y[i] = (float)(x[i] * scale * weight[i]);
        }

        return y;
    }

    /// <summary>silu(gate) * up.</summary>
    public static float[] SwiGlu(ReadOnlySpan<float> gate, ReadOnlySpan<float> up)
    {
        var y = new float[gate.Length];
        for (var i = 0; i < y.Length; i++)
        {
            y[i] = (float)(gate[i] / (1 + Math.Exp(-(double)gate[i])) * up[i]);
        }

        return y;
    }

    /// <summary>A head turned by its position: values i and i + half are one pair.</summary>
    public static float[] Rotate(ReadOnlySpan<float> head, ReadOnlySpan<float> cosines, ReadOnlySpan<float> sines)
    {
        var half = head.Length / 2;
        var y = new float[head.Length];
        for (var i = 0; i < half; i++)
        {
            y[i] = (float)((double)head[i] * cosines[i] - (double)head[i + half] * sines[i]);
            y[i + half] = (float)((double)head[i + half] * cosines[i] + (double)head[i] * sines[i]);
        }

        return y;
    }

    /// <summary>One row's attention over keys and values given by position, each [kvHeads * headSize].</summary>
    internal static float[] Attend(
        ReadOnlySpan<float> queries,
        AttentionShape shape,
        IReadOnlyList<float[]> keys,
        IReadOnlyList<float[]> values
    )
    {
        var y = new float[shape.QueryWidth];
        for (var head = 0; head < shape.HeadCount; head++)
        {
            var kv = head / shape.GroupSize * shape.HeadSize;
            var scores = new double[keys.Count];
            for (var j = 0; j < keys.Count; j++)
            {
                for (var i = 0; i < shape.HeadSize; i++)
                {
                    scores[j] += (double)queries[head * shape.HeadSize + i] * keys[j][kv + i];
                }

                scores[j] /= Math.Sqrt(shape.HeadSize);
            }

            var weights = Softmax(scores);
            for (var i = 0; i < shape.HeadSize; i++)
            {
                var sum = 0.0;
                for (var j = 0; j < keys.Count; j++)
                {
                    sum += weights[j] * values[j][kv + i];
                }

                y[head * shape.HeadSize + i] = (float)sum;
            }
        }

        return y;
    }

    /// <summary>exp(score) over their sum.</summary>
    public static double[] Softmax(ReadOnlySpan<double> scores)
    {
        var max = double.NegativeInfinity;
        foreach (var score in scores)
        {
            max = Math.Max(max, score);
        }

        var weights = new double[scores.Length];
        var total = 0.0;
        for (var i = 0; i < scores.Length; i++)
        {
            weights[i] = Math.Exp(scores[i] - max);
            total += weights[i];
        }

        for (var i = 0; i < weights.Length; i++)
        {
            weights[i] /= total;
        }

        return weights;
    }
}
