using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Ppsd.Kernels.Devices.Cpu;
using Ppsd.Kernels.Distillation.Compute;

namespace Ppsd.Kernels.Distillation.Cpu;

/// <summary>AdamW on a stretch of weights, whole vectors; padding of zeros stays zero.</summary>
internal static unsafe class AdamWRows
{
    /// <summary>Updates values and moments, and sets gradients to zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Execute(
        float* values,
        float* gradient,
        float* first,
        float* second,
        int count,
        in AdamWStep step,
        bool decays
    )
    {
        var beta1 = Vector512.Create(AdamWStep.Beta1);
        var beta2 = Vector512.Create(AdamWStep.Beta2);
        var rest1 = Vector512.Create(1 - AdamWStep.Beta1);
        var rest2 = Vector512.Create(1 - AdamWStep.Beta2);
        var scale = Vector512.Create(step.GradientScale);
        var rate = Vector512.Create(step.LearningRate * step.FirstCorrection);
        var correction = Vector512.Create(step.SecondCorrection);
        var keep = Vector512.Create(decays ? 1 - step.LearningRate * step.WeightDecay : 1);
        var epsilon = Vector512.Create(AdamWStep.Epsilon);
        for (var i = 0; i < count; i += Lanes.Count)
        {
            var g = Vector512.Load(gradient + i) * scale;
            var m = Vector512.Load(first + i) * beta1 + g * rest1;
            var v = Vector512.Load(second + i) * beta2 + g * g * rest2;
            m.Store(first + i);
            v.Store(second + i);
            (Vector512.Load(values + i) * keep - rate * m / (Vector512.Sqrt(v * correction) + epsilon)).Store(
                values + i
            );
            Vector512<float>.Zero.Store(gradient + i);
        }
    }
}
