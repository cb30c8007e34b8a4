namespace Ppsd.Kernels.Devices.Ilgpu;

/// <summary>Stages of a <see cref="ProductRing"/>, as a type: what a loop waits for is then part of its instructions.</summary>
internal interface IRingDepth
{
    static abstract int Stages { get; }
}

/// <summary>For one or two rows of x on a card with 227 KiB of shared memory a group.</summary>
internal readonly struct DeepRing : IRingDepth
{
    public static int Stages => 12;
}

/// <summary>For up to eight rows there.</summary>
internal readonly struct WideRing : IRingDepth
{
    public static int Stages => 8;
}

/// <summary>For smaller cards.</summary>
internal readonly struct SmallRing : IRingDepth
{
    public static int Stages => 2;
}
