using Ppsd.Kernels.Devices.Ilgpu.Lane;

namespace Ppsd.Kernels.Devices.Ilgpu.Attention.KvCache;

/// <summary>
/// Values i and i + half of a head, rotated by a position (RoFormer, rotate-half form). Two kernels rotate keys, one
/// for a few rows and one for many: their bits must agree.
/// </summary>
internal struct RotaryPair
{
    /// <summary>Value i.</summary>
    public float First;

    /// <summary>Value i + half.</summary>
    public float Second;

    /// <summary>The pair after its turn.</summary>
    public readonly RotaryPair Turned(float cosine, float sine) =>
        new()
        {
            First = UnfusedMath.Add(UnfusedMath.Multiply(First, cosine), -UnfusedMath.Multiply(Second, sine)),
            Second = UnfusedMath.Add(UnfusedMath.Multiply(Second, cosine), UnfusedMath.Multiply(First, sine)),
        };
}
