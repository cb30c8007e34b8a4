namespace Ppsd.Kernels.Devices.Ilgpu.Lane;

/// <summary>
/// Maximum and sum of a softmax over some positions, for merging with others. Scores are in units of ln 2.
/// </summary>
internal struct SoftmaxTotal
{
    /// <summary>The largest score.</summary>
    public float Max;

    /// <summary>Sum of 2^(score - <see cref="Max"/>).</summary>
    public float Sum;
}
