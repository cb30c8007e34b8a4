using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Distillation;

/// <summary>What families add to a layer, against double precision and finite differences of it.</summary>
[TestFixtureSource(typeof(TrainingDeviceUnderTest), nameof(TrainingDeviceUnderTest.Names))]
[OnSimulator]
public sealed class AdditionGradientTests(string deviceName)
{
    private TrainingDeviceUnderTest _test = null!;

    private TrainingDevice Device => _test.Device;

    [SetUp]
    public void Open() => _test = TrainingDeviceUnderTest.Open(deviceName);

    [TearDown]
    public void Close() => _test.Dispose();

    [TestCase(1, 5, 0, 5)]
    [TestCase(70, 50, 7, 33)]
    public void Biases(int rows, int width, int column, int biasWidth)
    {
        var y = Values(rows * width, 1);
        var bias = Values(biasWidth, 2);
        var dy = Values(rows * width, 3);
        var trained = _test.Trained(bias, 1);
        var frozen = _test.Frozen(bias, 1, MatrixUses.Rows);
        var buffer = _test.Rows(y, rows);
        Device.AddBias(buffer, column, trained, rows);
        Device.AddBias(buffer, column, frozen, rows);
        double[] twice = [.. bias.Select(value => 2 * value)];
        FiniteDifferences.AssertClose(_test.Read(buffer), DoubleOps.AddBias(y, column, twice, rows), "y", 1e-5);

        double Function() => FiniteDifferences.Weigh(DoubleOps.AddBias(y, column, bias, rows), dy);
        var gradient = FiniteDifferences.Gradient(bias, Function);
        Device.BiasGradient(_test.Rows(dy, rows), column, trained, rows);
        FiniteDifferences.AssertClose(TrainingDeviceUnderTest.Gradient(trained), gradient, "dbias");
        Device.BiasGradient(_test.Rows(dy, rows), column, trained, rows);
        double[] added = [.. gradient.Select(value => 2 * value)];
        FiniteDifferences.AssertClose(TrainingDeviceUnderTest.Gradient(trained), added, "dbias added");
    }

    [TestCase(1, 1, 1, 4)]
    [TestCase(37, 4, 2, 18)]
    public void Norms_of_heads(int rows, int heads, int kvHeads, int headSize)
    {
        const float Epsilon = 1e-5f;
        var shape = new AttentionShapeOf(heads, kvHeads, headSize);
        var onDevice = new AttentionShape(heads, kvHeads, headSize);
        var x = Values(rows * shape.Width, 4);
        var queryScale = Values(headSize, 5);
        var keyScale = Values(headSize, 6);
        var dy = Values(rows * shape.Width, 7);
        var query = _test.Trained(queryScale, 1);
        var key = _test.Trained(keyScale, 1);
        var input = _test.Rows(x, rows);
        var y = _test.Poisoned(rows, shape.Width);
        var inverse = _test.Poisoned(rows, heads + kvHeads);
        Device.NormHeads(input, onDevice, query, key, Epsilon, y, inverse, rows);
        FiniteDifferences.AssertClose(_test.Read(y), Norm(), "y", 1e-5);

        var gradient = _test.Rows(dy, rows);
        Device.NormHeadsGradient(gradient, input, onDevice, query, key, inverse, rows);
        double Function() => FiniteDifferences.Weigh(Norm(), dy);
        int[] entries = [.. Enumerable.Range(0, 40).Select(i => i * 7919 % x.Length).Distinct()];
        var found = _test.Read(gradient);
        FiniteDifferences.AssertClose(
            [.. entries.Select(i => found[i])],
            [.. entries.Select(i => FiniteDifferences.Derivative(x, i, Function))],
            "dx"
        );
        AssertScale(query, queryScale, "dscale of queries");
        AssertScale(key, keyScale, "dscale of keys");

        void AssertScale(TrainedMatrix scale, double[] at, string what) =>
            FiniteDifferences.AssertClose(
                TrainingDeviceUnderTest.Gradient(scale),
                FiniteDifferences.Gradient(at, Function),
                what
            );

        double[] Norm() => DoubleOps.NormHeads(x, shape, queryScale, keyScale, Epsilon, rows);
    }

    private static double[] Values(int count, int seed) =>
        [.. TestValues.BFloat16(count, seed).Select(value => (double)value)];
}
