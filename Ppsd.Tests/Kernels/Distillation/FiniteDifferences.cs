namespace Ppsd.Tests.Kernels.Distillation;

/// <summary>Gradients by central differences in double precision, and how far others are from them.</summary>
internal static class FiniteDifferences
{
    /// <summary>What the issue allows.</summary>
    public const double Tolerance = 1e-3;

    private const double Width = 1e-5;

    /// <summary>The gradient of a function at a point; the point is as it was afterwards.</summary>
    public static double[] Gradient(double[] at, Func<double> function) =>
        [.. Enumerable.Range(0, at.Length).Select(i => Derivative(at, i, function))];

    /// <summary>One entry of it.</summary>
    public static double Derivative(double[] at, int index, Func<double> function)
    {
        var value = at[index];
        at[index] = value + Width;
        var above = function();
        at[index] = value - Width;
        var below = function();
        at[index] = value;
        return (above - below) / (2 * Width);
    }

    /// <summary>Holds a vector to another by the length of their difference.</summary>
    public static void AssertClose(double[] actual, double[] expected, string what, double tolerance = Tolerance)
    {
        Assert.That(actual, Has.Length.EqualTo(expected.Length), what);
        var difference = Math.Sqrt(actual.Zip(expected, (a, e) => (a - e) * (a - e)).Sum());
        var length = Math.Sqrt(expected.Sum(e => e * e));
        Assert.That(difference, Is.LessThanOrEqualTo(tolerance * length + 1e-7), $"{what}: of length {length}");
    }

    /// <summary>A weighted sum of an operation's outputs: a function whose gradient for the outputs is the weights.</summary>
    public static double Weigh(double[] values, double[] weights) => values.Zip(weights, (v, w) => v * w).Sum();
}
