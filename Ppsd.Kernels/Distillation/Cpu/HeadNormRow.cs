using System.Numerics.Tensors;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <summary>RMS norm of one attention head and its gradient; see <see cref="NormRows"/> for the formulas. Heads need not fill vectors.</summary>
internal static class HeadNormRow
{
    /// <summary>y = x * scale / sqrt(mean(x^2) + epsilon).</summary>
    /// <returns>1 / sqrt(mean(x^2) + epsilon).</returns>
    public static float Forward(ReadOnlySpan<float> x, ReadOnlySpan<float> scale, float epsilon, Span<float> y)
    {
        var inverse = 1f / MathF.Sqrt(TensorPrimitives.SumOfSquares(x) / x.Length + epsilon);
        TensorPrimitives.Multiply(x, inverse, y);
        TensorPrimitives.Multiply(y, scale, y);
        return inverse;
    }

    /// <summary>The output's gradient becomes the input's; the scale's is added.</summary>
    public static void Backward(
        Span<float> gradient,
        ReadOnlySpan<float> x,
        ReadOnlySpan<float> scale,
        float inverse,
        Span<float> scaleGradient
    )
    {
        var sum = 0f;
        for (var i = 0; i < x.Length; i++)
        {
            scaleGradient[i] += gradient[i] * x[i] * inverse;
            sum += gradient[i] * scale[i] * x[i];
        }

        var shared = sum / x.Length * inverse * inverse * inverse;
        for (var i = 0; i < x.Length; i++)
        {
            gradient[i] = gradient[i] * scale[i] * inverse - x[i] * shared;
        }
    }
}
