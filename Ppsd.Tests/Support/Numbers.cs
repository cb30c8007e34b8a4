namespace Ppsd.Tests.Support;

/// <summary>Comparisons of vectors of numbers.</summary>
internal static class Numbers
{
    /// <summary>‖actual − expected‖ / ‖expected‖ in double precision; NaN when either holds one.</summary>
    public static double RelativeError(ReadOnlySpan<float> actual, ReadOnlySpan<float> expected)
    {
        if (actual.Length != expected.Length)
        {
            throw new ArgumentException($"{actual.Length} values against {expected.Length}");
        }

        double difference = 0;
        double norm = 0;
        for (var i = 0; i < actual.Length; i++)
        {
            difference += Math.Pow((double)actual[i] - expected[i], 2);
            norm += Math.Pow(expected[i], 2);
        }

        return Math.Sqrt(difference / norm);
    }
}
