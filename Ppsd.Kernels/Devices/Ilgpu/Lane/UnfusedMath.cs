using ILGPU.Runtime.Cuda;

namespace Ppsd.Kernels.Devices.Ilgpu.Lane;

/// <summary>
/// Arithmetic in kernels whose bits must agree with another kernel's: the assembler fuses a plain product and sum into
/// one rounding where it likes, and never these.
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

    /// <summary>1 / sqrt(a), to the card's 23 bits.</summary>
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
