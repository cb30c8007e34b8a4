using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu.Lane;

/// <summary>
/// Kernel arithmetic that must match another kernel bit for bit. The assembler may fuse a plain multiplication and
/// addition into one rounding; it never fuses these.
/// </summary>
internal static class UnfusedMath
{
    /// <summary>a * b, rounded.</summary>
    public static float Multiply(float a, float b)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("mul.rn.f32 %0, %1, %2;", out float product, a, b);
            return product;
        }

        return a * b;
    }

    /// <summary>a + b, rounded.</summary>
    public static float Add(float a, float b)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("add.rn.f32 %0, %1, %2;", out float sum, a, b);
            return sum;
        }

        return a + b;
    }

    /// <summary>1 / sqrt(a), approximated to 23 bits on a card; exact on the simulator.</summary>
    public static float ApproximateReciprocalRoot(float a)
    {
        if (CudaAsm.IsSupported)
        {
            CudaAsm.Emit("rsqrt.approx.f32 %0, %1;", out float root, a);
            return root;
        }

        return 1f / MathF.Sqrt(a);
    }
}
