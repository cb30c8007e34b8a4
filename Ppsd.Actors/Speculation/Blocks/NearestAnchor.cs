namespace Ppsd.Actors.Speculation.Blocks;

/// <summary>KNN-SSD's choice of a set of skipped sublayers: that of the nearest anchor by cosine. Pure.</summary>
internal static class NearestAnchor
{
    /// <summary>The anchor whose direction is nearest to a feature's; the first of equals.</summary>
    /// <param name="feature">[size].</param>
    /// <param name="anchors">At least one, [size] each.</param>
    public static int Find(ReadOnlySpan<float> feature, IReadOnlyList<float[]> anchors)
    {
        var (best, bestCosine) = (0, double.NegativeInfinity);
        for (var i = 0; i < anchors.Count; i++)
        {
            var cosine = Cosine(feature, anchors[i]);
            if (cosine > bestCosine)
            {
                (best, bestCosine) = (i, cosine);
            }
        }

        return best;
    }

    /// <summary>Cosine of the angle between two vectors; 0 where one has no length.</summary>
    public static double Cosine(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var (product, squareA, squareB) = (0.0, 0.0, 0.0);
        for (var i = 0; i < a.Length; i++)
        {
            product += (double)a[i] * b[i];
            squareA += (double)a[i] * a[i];
            squareB += (double)b[i] * b[i];
        }

        return squareA > 0 && squareB > 0 ? product / Math.Sqrt(squareA * squareB) : 0;
    }
}
