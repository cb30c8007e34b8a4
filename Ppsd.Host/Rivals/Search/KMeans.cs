namespace Ppsd.Host.Rivals.Search;

/// <summary>
/// Lloyd's algorithm from k-means++ starting points (Arthur and Vassilvitskii 2007), the best of several starts. Pure: the
/// draws are an argument.
/// </summary>
internal static class KMeans
{
    private const int Starts = 10;
    private const int MostRounds = 100;

    /// <summary>Centres of at most <paramref name="count"/> clusters; all points where there are no more.</summary>
    public static IReadOnlyList<float[]> Find(IReadOnlyList<float[]> points, int count, Random random)
    {
        if (points.Count <= count)
        {
            return points;
        }

        var (best, bestSum) = (points, double.PositiveInfinity);
        for (var start = 0; start < Starts; start++)
        {
            var centres = Improve(points, Begin(points, count, random));
            var sum = points.Sum(point => Distance(point, centres[Nearest(point, centres)]));
            if (sum < bestSum)
            {
                (best, bestSum) = (centres, sum);
            }
        }

        return best;
    }

    /// <summary>Each further centre is a point drawn by its squared distance from those there are.</summary>
    private static List<float[]> Begin(IReadOnlyList<float[]> points, int count, Random random)
    {
        var centres = new List<float[]> { points[random.Next(points.Count)] };
        while (centres.Count < count)
        {
            var weights = points.Select(point => Distance(point, centres[Nearest(point, centres)])).ToList();
            var reached = random.NextDouble() * weights.Sum();
            var at = 0;
            while (at < points.Count - 1 && (reached -= weights[at]) >= 0)
            {
                at++;
            }

            centres.Add(points[at]);
        }

        return centres;
    }

    private static IReadOnlyList<float[]> Improve(IReadOnlyList<float[]> points, IReadOnlyList<float[]> centres)
    {
        int[] members = [];
        for (var round = 0; round < MostRounds; round++)
        {
            int[] next = [.. points.Select(point => Nearest(point, centres))];
            if (next.SequenceEqual(members))
            {
                break;
            }

            members = next;
            centres =
            [
                .. centres.Select((centre, i) => Mean([.. points.Where((_, point) => members[point] == i)], centre)),
            ];
        }

        return centres;
    }

    /// <summary>The mean; a centre that has lost its points stays.</summary>
    private static float[] Mean(IReadOnlyList<float[]> points, float[] centre) =>
        points.Count == 0
            ? centre
            : [.. Enumerable.Range(0, centre.Length).Select(i => (float)points.Average(point => (double)point[i]))];

    private static int Nearest(float[] point, IReadOnlyList<float[]> centres)
    {
        var (best, bestDistance) = (0, double.PositiveInfinity);
        for (var i = 0; i < centres.Count; i++)
        {
            var distance = Distance(point, centres[i]);
            if (distance < bestDistance)
            {
                (best, bestDistance) = (i, distance);
            }
        }

        return best;
    }

    private static double Distance(float[] a, float[] b)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++)
        {
            sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        }

        return sum;
    }
}
