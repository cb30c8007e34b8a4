using Ppsd.Host.Bench;

namespace Ppsd.Tests.Host.Bench;

public sealed class StatisticsTests
{
    [Test]
    public void The_median_is_the_middle_or_between_the_two_in_the_middle()
    {
        Assert.That(Statistics.Median([5, 1, 3]), Is.EqualTo(3));
        Assert.That(Statistics.Median([4, 1, 3, 2]), Is.EqualTo(2.5));
        Assert.That(Statistics.Median([]), Is.NaN);
        Assert.That(Statistics.Median([double.NaN, 2, double.PositiveInfinity]), Is.EqualTo(2));
    }

    [Test]
    public void Quantiles_lie_between_neighbours() =>
        Assert.That(Statistics.Quantile([0, 10, 20, 30, 40], 0.9), Is.EqualTo(36).Within(1e-9));

    [Test]
    public void The_deviation_is_that_of_a_sample()
    {
        Assert.That(Statistics.StandardDeviation([2, 4, 4, 4, 5, 5, 7, 9]), Is.EqualTo(2.138).Within(1e-3));
        Assert.That(Statistics.StandardDeviation([3]), Is.NaN);
    }
}
