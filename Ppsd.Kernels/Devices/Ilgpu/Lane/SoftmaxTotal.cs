namespace Ppsd.Kernels.Devices.Ilgpu.Lane;

/// <summary>What a softmax over some positions needs to be joined with others: scores in units of ln 2.</summary>
internal struct SoftmaxTotal
{
    /// <summary>The largest score.</summary>
    public float Max;

    /// <summary>Sum of 2^(score - <see cref="Max"/>).</summary>
    public float Sum;
}
