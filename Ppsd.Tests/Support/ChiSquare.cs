namespace Ppsd.Tests.Support;

/// <summary>Pearson's test of counts against a distribution.</summary>
internal static class ChiSquare
{
    /// <summary>
    /// How many standard deviations the statistic lies above its mean, by Wilson and Hilferty's cube-root approximation
    /// (1931): a right sampler exceeds 4 once in thirty thousand tests.
    /// </summary>
    /// <param name="counts">Draws per outcome.</param>
    /// <param name="expected">Probability per outcome; outcomes of probability zero must not have been drawn.</param>
    public static double Deviation(IReadOnlyList<int> counts, IReadOnlyList<double> expected)
    {
        var total = counts.Sum();
        var statistic = 0.0;
        var freedom = -1;
        for (var i = 0; i < counts.Count; i++)
        {
            if (expected[i] <= 0)
            {
                Assert.That(counts[i], Is.Zero, $"outcome {i} is excluded but was drawn");
                continue;
            }

            var mean = total * expected[i];
            statistic += (counts[i] - mean) * (counts[i] - mean) / mean;
            freedom++;
        }

        var spread = 2.0 / (9 * freedom);
        return (Math.Cbrt(statistic / freedom) - (1 - spread)) / Math.Sqrt(spread);
    }
}
