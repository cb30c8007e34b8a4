using System.Globalization;

namespace Ppsd.Kernels.Checkpoints.Tensors;

/// <summary>Arithmetic and text of tensor shapes.</summary>
internal static class TensorShape
{
    /// <summary>The product of the dimensions (1 for a scalar); false when it does not fit 63 bits.</summary>
    public static bool TryCountElements(ReadOnlySpan<long> shape, out long elementCount)
    {
        elementCount = 1;
        foreach (var dimension in shape)
        {
            var product = (Int128)elementCount * dimension;
            if (product > long.MaxValue)
            {
                return false;
            }

            elementCount = (long)product;
        }

        return true;
    }

    /// <summary>A shape as its readers write it: <c>[4096, 256]</c>.</summary>
    public static string Format(ReadOnlySpan<long> shape)
    {
        var dimensions = new string[shape.Length];
        for (var i = 0; i < shape.Length; i++)
        {
            dimensions[i] = shape[i].ToString(CultureInfo.InvariantCulture);
        }

        return $"[{string.Join(", ", dimensions)}]";
    }
}
