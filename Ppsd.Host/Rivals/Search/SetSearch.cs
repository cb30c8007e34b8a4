using MathNet.Numerics.LinearAlgebra;

namespace Ppsd.Host.Rivals.Search;

/// <summary>
/// Looks for the sublayers to skip that make drafting fastest. A Gaussian process over sets (squared-exponential kernel of the
/// number of sublayers in which two differ) predicts the speed of those not tried; the next to try is the one with the
/// highest upper confidence bound among random sets and small changes of the best. KNN-SSD searches with Bayesian
/// optimisation too, by a library in Python; none restores here. Pure: the draws and what is measured are arguments.
/// </summary>
/// <param name="sublayers">Sublayers of the model.</param>
/// <param name="random">Draws.</param>
internal sealed class SetSearch(int sublayers, Random random)
{
    private const double Kappa = 2.5;
    private const double Noise = 1e-2;
    private const int Proposals = 200;

    private readonly List<bool[]> _tried = [];
    private readonly List<double> _speeds = [];

    /// <summary>The fastest set so far, and its speed.</summary>
    public (bool[] Skipped, double Speed) Best
    {
        get
        {
            var best = _speeds.IndexOf(_speeds.Max());
            return (_tried[best], _speeds[best]);
        }
    }

    /// <summary>Tries sets.</summary>
    /// <param name="first">A set to begin with.</param>
    /// <param name="trials">Sets to try, that one included.</param>
    /// <param name="measure">Speed of a set; higher is better.</param>
    public void Run(bool[] first, int trials, Func<bool[], double> measure)
    {
        for (var i = 0; i < trials; i++)
        {
            var next = i == 0 ? first : Propose();
            _tried.Add(next);
            _speeds.Add(measure(next));
        }
    }

    private bool[] Propose()
    {
        var mean = _speeds.Average();
        var spread = Math.Max(1e-9, Math.Sqrt(_speeds.Average(speed => (speed - mean) * (speed - mean))));
        var kernel = Matrix<double>.Build.Dense(
            _tried.Count,
            _tried.Count,
            (i, j) => Kernel(_tried[i], _tried[j]) + (i == j ? Noise : 0)
        );
        var cholesky = kernel.Cholesky();
        var weights = cholesky.Solve(Vector<double>.Build.Dense(_tried.Count, i => (_speeds[i] - mean) / spread));
        var (best, bestBound) = (_tried[0], double.NegativeInfinity);
        foreach (var set in Candidates())
        {
            var like = Vector<double>.Build.Dense(_tried.Count, i => Kernel(_tried[i], set));
            var variance = Math.Max(0, 1 - like.DotProduct(cholesky.Solve(like)));
            var bound = like.DotProduct(weights) + Kappa * Math.Sqrt(variance);
            if (bound > bestBound)
            {
                (best, bestBound) = (set, bound);
            }
        }

        return best;
    }

    private IEnumerable<bool[]> Candidates()
    {
        var (best, _) = Best;
        for (var i = 0; i < Proposals; i++)
        {
            var set = new bool[sublayers];
            var share = i % 2 == 0 ? 0.2 + 0.4 * random.NextDouble() : 0;
            for (var j = 0; j < sublayers; j++)
            {
                set[j] = i % 2 == 0 ? random.NextDouble() < share : best[j] ^ (random.NextDouble() < 2.0 / sublayers);
            }

            yield return set;
        }
    }

    private double Kernel(bool[] a, bool[] b)
    {
        var differences = 0;
        for (var i = 0; i < sublayers; i++)
        {
            differences += a[i] == b[i] ? 0 : 1;
        }

        // The number of differences is the squared distance of two sets as vectors. Sets that differ in a quarter of their
        // sublayers say little of one another.
        return Math.Exp(-4.0 * differences / sublayers);
    }
}
