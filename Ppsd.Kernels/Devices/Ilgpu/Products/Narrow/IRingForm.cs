namespace Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;

/// <summary>
/// How a <see cref="ProductRing{TForm}"/> is built, as a type: each instantiation compiles only its own loops, without
/// runtime branches. One kernel for all forms would contain every loop and take as long to compile as all of them.
/// </summary>
internal interface IRingForm
{
    /// <summary>Stages of the ring.</summary>
    static abstract int Stages { get; }

    /// <summary>True for units of up to four row blocks, false for units of up to two.</summary>
    static abstract bool IsQuad { get; }
}

/// <summary>Units of four for one or two rows of x, on a card with 227 KiB of shared memory a group.</summary>
internal readonly struct DeepQuadRing : IRingForm
{
    public static int Stages => RingDepths.Deep;

    public static bool IsQuad => true;
}

/// <summary>Units of two for one or two rows there.</summary>
internal readonly struct DeepPairRing : IRingForm
{
    public static int Stages => RingDepths.Deep;

    public static bool IsQuad => false;
}

/// <summary>Units of four for up to eight rows there.</summary>
internal readonly struct WideQuadRing : IRingForm
{
    public static int Stages => RingDepths.Wide;

    public static bool IsQuad => true;
}

/// <summary>Units of two for up to eight rows there.</summary>
internal readonly struct WidePairRing : IRingForm
{
    public static int Stages => RingDepths.Wide;

    public static bool IsQuad => false;
}

/// <summary>Units of four for up to eight rows on a card with 163 KiB.</summary>
internal readonly struct MiddleQuadRing : IRingForm
{
    public static int Stages => RingDepths.Middle;

    public static bool IsQuad => true;
}

/// <summary>Units of two for up to eight rows there.</summary>
internal readonly struct MiddlePairRing : IRingForm
{
    public static int Stages => RingDepths.Middle;

    public static bool IsQuad => false;
}

/// <summary>Units of four on smaller cards.</summary>
internal readonly struct SmallQuadRing : IRingForm
{
    public static int Stages => RingDepths.Small;

    public static bool IsQuad => true;
}

/// <summary>Units of two on smaller cards.</summary>
internal readonly struct SmallPairRing : IRingForm
{
    public static int Stages => RingDepths.Small;

    public static bool IsQuad => false;
}
