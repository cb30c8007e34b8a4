using ILGPU;
using ILGPU.Algorithms;
using Ppsd.Kernels.Distillation.Compute;

namespace Ppsd.Kernels.Distillation.Ilgpu.Kernels;

/// <summary>Numbers of an update as a kernel takes them; see <see cref="AdamWStep"/>.</summary>
internal struct AdamWNumbers
{
    public float Rate;
    public float Scale;
    public float SecondCorrection;
    public float Keep;
}

/// <summary>AdamW and the gradient's length.</summary>
internal static class OptimizerKernels
{
    /// <summary>Threads of a group.</summary>
    public const int GroupSize = 256;

    /// <summary>Partial sums of a gradient's squares, at most.</summary>
    public const int MaxPartials = 128;

    /// <summary>Partial sums of a gradient of some length.</summary>
    public static int PartialsOf(long length) => (int)Math.Clamp((length + 8191) / 8192, 1, MaxPartials);

    /// <summary>A thread a weight.</summary>
    public static void Update(
        ArrayView<float> values,
        ArrayView<float> gradient,
        ArrayView<float> first,
        ArrayView<float> second,
        AdamWNumbers numbers
    )
    {
        var i = (long)Grid.IdxX * GroupSize + Group.IdxX;
        if (i >= values.Length)
        {
            return;
        }

        var g = gradient[i] * numbers.Scale;
        var m = first[i] * AdamWStep.Beta1 + g * (1 - AdamWStep.Beta1);
        var v = second[i] * AdamWStep.Beta2 + g * g * (1 - AdamWStep.Beta2);
        first[i] = m;
        second[i] = v;
        values[i] =
            values[i] * numbers.Keep
            - numbers.Rate * m / (XMath.Sqrt(v * numbers.SecondCorrection) + AdamWStep.Epsilon);
        gradient[i] = 0f;
    }

    /// <summary>A group a partial sum; each thread adds values a fixed distance apart in order, then threads are added in order.</summary>
    public static void Squares(ArrayView<float> gradient, ArrayView<float> partials)
    {
        var sum = 0f;
        for (var i = (long)Grid.IdxX * GroupSize + Group.IdxX; i < gradient.Length; i += (long)Grid.DimX * GroupSize)
        {
            sum += gradient[i] * gradient[i];
        }

        var shared = SharedMemory.Allocate<float>(GroupReduction.MaxWarps);
        var total = GroupReduction.Sum(sum, shared);
        if (Group.IdxX == 0)
        {
            partials[Grid.IdxX] = total;
        }
    }
}
