namespace Ppsd.Kernels.Devices.Ilgpu.Products.Narrow;

/// <summary>Stages of a <see cref="ProductRing{TForm}"/>; the deepest ring is taken that fits beside the sums.</summary>
internal static class RingDepths
{
    /// <summary>For one or two rows of x on a card with 227 KiB of shared memory a group.</summary>
    public const int Deep = 12;

    /// <summary>For up to eight rows there.</summary>
    public const int Wide = 8;

    /// <summary>For up to eight rows on a card with 163 KiB.</summary>
    public const int Middle = 4;

    /// <summary>For smaller cards.</summary>
    public const int Small = 2;

    /// <summary>The depth for some rows.</summary>
    /// <param name="width">Rows of x of a group, at most eight.</param>
    /// <param name="sharedLoads">Shared memory a group may have, in loads of sixteen bytes.</param>
    public static int Fitting(int width, int sharedLoads)
    {
        foreach (var depth in (ReadOnlySpan<int>)[Deep, Wide, Middle])
        {
            if (RingMemory.Loads(depth, width) <= sharedLoads)
            {
                return depth;
            }
        }

        return Small;
    }
}
