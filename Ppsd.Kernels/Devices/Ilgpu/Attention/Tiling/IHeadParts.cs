namespace Ppsd.Kernels.Devices.Ilgpu.Attention.Tiling;

/// <summary>
/// Number of 64-value parts of a head, fixed when a kernel is compiled so that absent parts cost nothing.
/// </summary>
internal interface IHeadParts
{
    /// <summary>One or two.</summary>
    static abstract int Count { get; }
}

/// <summary>Heads of up to 64 values.</summary>
internal readonly struct OneHeadPart : IHeadParts
{
    public static int Count => 1;
}

/// <summary>Heads of up to 128 values.</summary>
internal readonly struct TwoHeadParts : IHeadParts
{
    public static int Count => 2;
}

/// <summary>Sizes of a head's parts.</summary>
internal static class HeadPart
{
    /// <summary>Values of a part.</summary>
    public const int Size = 64;

    /// <summary>Eights of a part: what lies in one sixteen-byte load of bf16.</summary>
    public const int EightCount = Size / 8;

    /// <summary>Parts that hold a head.</summary>
    public static int CountOf(int headSize) => (headSize + Size - 1) / Size;
}
