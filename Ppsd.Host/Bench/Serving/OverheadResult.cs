namespace Ppsd.Host.Bench.Serving;

/// <summary>The same requests over HTTP and straight to the pipeline, pair by pair.</summary>
internal sealed record OverheadResult(IReadOnlyList<ServeSample> Http, IReadOnlyList<ServeSample> Direct)
{
    /// <summary>Median time to the first text over HTTP.</summary>
    public double HttpFirstMs => Median(Http, sample => sample.TimeToFirstTokenMs);

    /// <summary>Median time to the first text straight from the pipeline, without tokenizing.</summary>
    public double DirectFirstMs => Median(Direct, sample => sample.TimeToFirstTokenMs);

    /// <summary>Median time per output token over HTTP.</summary>
    public double HttpPerTokenMs => Median(Http, sample => sample.TimePerOutputTokenMs);

    /// <summary>Median time per output token straight from the pipeline.</summary>
    public double DirectPerTokenMs => Median(Direct, sample => sample.TimePerOutputTokenMs);

    /// <summary>Least time to the first text over HTTP less the least straight from the pipeline.</summary>
    /// <remarks>On a busy machine medians include the load of other processes; the least times come closest to the work itself.</remarks>
    public double AddedFirstAtBestMs => LeastDifference(sample => sample.TimeToFirstTokenMs);

    /// <summary>Least time per output token over HTTP less the least straight from the pipeline.</summary>
    public double AddedPerTokenAtBestMs => LeastDifference(sample => sample.TimePerOutputTokenMs);

    /// <summary>What HTTP added to the first text, in the median of the pairs.</summary>
    public double AddedFirstMs => MedianDifference(sample => sample.TimeToFirstTokenMs);

    /// <summary>What HTTP added to each token, in the median of the pairs.</summary>
    public double AddedPerTokenMs => MedianDifference(sample => sample.TimePerOutputTokenMs);

    private static double Median(IEnumerable<ServeSample> samples, Func<ServeSample, double> figure) =>
        Statistics.Median(samples.Select(figure));

    private double LeastDifference(Func<ServeSample, double> figure) => Http.Min(figure) - Direct.Min(figure);

    private double MedianDifference(Func<ServeSample, double> figure) =>
        Statistics.Median(Http.Zip(Direct, (http, direct) => figure(http) - figure(direct)));
}
