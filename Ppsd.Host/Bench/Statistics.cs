namespace Ppsd.Host.Bench;

/// <summary>
/// Small-sample statistics over the values that are numbers. A figure that takes more values than there are is NaN, which reports
/// print as absent (<see cref="Figures"/>). Pure.
/// </summary>
internal static class Statistics
{
    /// <summary>The middle value; the mean of the two middle ones for an even number.</summary>
    public static double Median(IEnumerable<double> values) => Quantile(values, 0.5);

    /// <summary>The value below which a share of the values lies, linear between neighbours; NaN for none.</summary>
    public static double Quantile(IEnumerable<double> values, double share)
    {
        var sorted = values.Where(double.IsFinite).Order().ToArray();
        if (sorted.Length == 0)
        {
            return double.NaN;
        }

        var at = share * (sorted.Length - 1);
        var low = (int)at;
        var high = Math.Min(low + 1, sorted.Length - 1);
        return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
    }

    /// <summary>Sample standard deviation; NaN for fewer than two values.</summary>
    public static double StandardDeviation(IEnumerable<double> values)
    {
        var list = values.Where(double.IsFinite).ToList();
        if (list.Count < 2)
        {
            return double.NaN;
        }

        var mean = list.Average();
        return Math.Sqrt(list.Sum(value => (value - mean) * (value - mean)) / (list.Count - 1));
    }
}
