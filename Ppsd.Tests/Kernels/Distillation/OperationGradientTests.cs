using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Distillation;

/// <summary>Each operation and its gradient against double precision and finite differences of it, on odd shapes.</summary>
[TestFixtureSource(typeof(TrainingDeviceUnderTest), nameof(TrainingDeviceUnderTest.Names))]
[OnSimulator]
public sealed class OperationGradientTests(string deviceName)
{
    private TrainingDeviceUnderTest _test = null!;

    private TrainingDevice Device => _test.Device;

    [SetUp]
    public void Open() => _test = TrainingDeviceUnderTest.Open(deviceName);

    [TearDown]
    public void Close() => _test.Dispose();

    [TestCase(1, 5, 3)]
    [TestCase(13, 32, 33)]
    [TestCase(37, 70, 48)]
    [TestCase(250, 200, 130)]
    public void Products_and_their_gradients(int rows, int inner, int outer)
    {
        var x = Values(rows * inner, 1);
        var weight = Values(outer * inner, 2);
        var dy = Values(rows * outer, 3);
        var trained = _test.Trained(weight, outer);
        var frozen = _test.Frozen(weight, outer, MatrixUses.Products | MatrixUses.InputGradients);
        var input = _test.Rows(x, rows);
        var gradient = _test.Rows(dy, rows);
        var expected = DoubleOps.Product(x, weight, rows);
        var dx = DoubleOps.Product(dy, Transposed(weight, outer), rows);
        var dw = DoubleOps.Product(Transposed(dy, rows), Transposed(x, rows), outer);

        foreach (var matrix in new[] { trained, frozen })
        {
            var y = _test.Poisoned(rows, outer);
            Device.Product(input, matrix, y, rows, adds: false);
            FiniteDifferences.AssertClose(_test.Read(y), expected, "y", 1e-5);
            Device.Product(input, matrix, y, rows, adds: true);
            FiniteDifferences.AssertClose(_test.Read(y), [.. expected.Select(v => 2 * v)], "y added", 1e-5);

            var back = _test.Poisoned(rows, inner);
            Device.ProductInputGradient(gradient, matrix, back, rows, adds: false);
            FiniteDifferences.AssertClose(_test.Read(back), dx, "dx", 1e-5);
            Device.ProductInputGradient(gradient, matrix, back, rows, adds: true);
            FiniteDifferences.AssertClose(_test.Read(back), [.. dx.Select(v => 2 * v)], "dx added", 1e-5);
        }

        Device.ProductWeightGradient(gradient, input, trained, rows);
        FiniteDifferences.AssertClose(TrainingDeviceUnderTest.Gradient(trained), dw, "dw", 1e-5);
        Device.ProductWeightGradient(gradient, input, trained, rows);
        FiniteDifferences.AssertClose(
            TrainingDeviceUnderTest.Gradient(trained),
            [.. dw.Select(v => 2 * v)],
            "dw added",
            1e-5
        );
    }

    [TestCase(1, 7)]
    [TestCase(45, 37)]
    public void Rms_norms(int rows, int width)
    {
        const float Epsilon = 1e-5f;
        var x = Values(rows * width, 4);
        var scale = Values(width, 5);
        var dy = Values(rows * width, 6);
        var trained = _test.Trained(scale, 1);
        var input = _test.Rows(x, rows);
        var y = _test.Poisoned(rows, width);
        var inverse = _test.Poisoned(rows, 1);
        Device.RmsNorm(input, trained, Epsilon, y, inverse, rows);
        FiniteDifferences.AssertClose(_test.Read(y), DoubleOps.RmsNorm(x, scale, Epsilon, rows), "y", 1e-5);

        var before = Values(rows * width, 7);
        var dx = _test.Rows(before, rows);
        Device.RmsNormGradient(_test.Rows(dy, rows), input, trained, inverse, dx, rows);
        double Function() => FiniteDifferences.Weigh(DoubleOps.RmsNorm(x, scale, Epsilon, rows), dy);
        FiniteDifferences.AssertClose(
            _test.Read(dx),
            [.. FiniteDifferences.Gradient(x, Function).Zip(before, (g, b) => g + b)],
            "dx"
        );
        FiniteDifferences.AssertClose(
            TrainingDeviceUnderTest.Gradient(trained),
            FiniteDifferences.Gradient(scale, Function),
            "dscale"
        );
        Device.RmsNormGradient(_test.Rows(dy, rows), input, trained, inverse, null, rows);
        FiniteDifferences.AssertClose(
            TrainingDeviceUnderTest.Gradient(trained),
            [.. FiniteDifferences.Gradient(scale, Function).Select(g => 2 * g)],
            "dscale added"
        );
    }

    [TestCase(1, 3)]
    [TestCase(35, 19)]
    public void Gated_activations(int rows, int width)
    {
        var gateUp = Values(rows * 2 * width, 8, 4);
        var dy = Values(rows * width, 9);
        var input = _test.Rows(gateUp, rows);
        var y = _test.Poisoned(rows, width);
        Device.SwiGlu(input, y, rows);
        FiniteDifferences.AssertClose(_test.Read(y), DoubleOps.SwiGlu(gateUp, rows), "y", 1e-5);

        var gradient = _test.Poisoned(rows, 2 * width);
        Device.SwiGluGradient(input, _test.Rows(dy, rows), gradient, rows);
        FiniteDifferences.AssertClose(
            _test.Read(gradient),
            FiniteDifferences.Gradient(gateUp, () => FiniteDifferences.Weigh(DoubleOps.SwiGlu(gateUp, rows), dy)),
            "dgateup"
        );
    }

    [TestCase(2, 3)]
    [TestCase(35, 150)]
    public void Rows_times_a_factor(int rows, int width)
    {
        var x = Values(rows * width, 30);
        var buffer = _test.Rows(x, rows);
        Device.Scale(buffer, 0.75f, rows - 1);
        double[] expected = [.. x.Select((value, i) => i < (rows - 1) * width ? (float)value * 0.75 : value)];
        FiniteDifferences.AssertClose(_test.Read(buffer), expected, "scaled", 1e-6);
    }

    [TestCase(2, 1, 6)]
    [TestCase(4, 2, 34)]
    public void Rotations_and_back(int heads, int kvHeads, int headSize)
    {
        int[] positions = [0, 1, 7, 40, 3];
        var shape = new AttentionShapeOf(heads, kvHeads, headSize);
        var table = Table(headSize);
        var values = Values(positions.Length * shape.Width, 10);
        var buffer = _test.Rows(values, positions.Length);
        var rotary = _test.Rotary(table);
        var indices = _test.Indices(positions);
        Device.Rotate(buffer, OnDevice(shape), rotary, indices, positions.Length, inverse: false);
        FiniteDifferences.AssertClose(
            _test.Read(buffer),
            DoubleOps.Rotate(values, shape, table, positions),
            "rotated",
            1e-6
        );

        // A rotation's transpose is its inverse, so rotating back is the gradient.
        Device.Rotate(buffer, OnDevice(shape), rotary, indices, positions.Length, inverse: true);
        FiniteDifferences.AssertClose(_test.Read(buffer), values, "rotated back", 1e-6);
    }

    [TestCase(1, 1, 4, 1, int.MaxValue)]
    [TestCase(4, 2, 18, 1, int.MaxValue)]
    [TestCase(4, 2, 18, 3, int.MaxValue)]
    [TestCase(2, 2, 33, 2, int.MaxValue)]
    [TestCase(4, 2, 18, 1, 7)]
    [TestCase(2, 1, 18, 3, 34)]
    public void Attention_within_sequences_and_chains(int heads, int kvHeads, int headSize, int stepCount, int window)
    {
        // Lengths about the block of queries (48; on a card 16) and the panel of keys (32).
        int[] starts = _test.IsSimulator ? [0, 1, 6, 40] : [0, 1, 6, 56, 70];
        var shape = new AttentionShapeOf(heads, kvHeads, headSize);
        var rows = starts[^1];
        var steps = Enumerable.Range(0, stepCount).Select(i => Values(rows * shape.Width, 20 + i)).ToArray();
        var dy = Values(rows * heads * headSize, 30);
        var buffers = steps.Select(values => _test.Rows(values, rows)).ToArray();
        var y = _test.Poisoned(rows, heads * headSize);
        var logSums = _test.Poisoned(rows, heads);
        var sequences = _test.Sequences(starts);
        Device.Attend(buffers, OnDevice(shape), sequences, window, y, logSums);
        var expected = DoubleOps.Attend(steps, shape, starts, window);
        FiniteDifferences.AssertClose(_test.Read(y), expected, "y", 1e-5);

        var gradients = steps.Select(_ => _test.Zeros(rows, shape.Width)).ToArray();
        Device.AttendGradient(buffers, OnDevice(shape), sequences, window, y, logSums, _test.Rows(dy, rows), gradients);
        for (var step = 0; step < stepCount; step++)
        {
            AssertSomeDerivatives(
                _test.Read(gradients[step]),
                steps[step],
                () => FiniteDifferences.Weigh(DoubleOps.Attend(steps, shape, starts, window), dy),
                $"step {step}"
            );
        }
    }

    [TestCase(true, 300, 1f)]
    [TestCase(true, 37, 6f)]
    [TestCase(false, 37, 1f)]
    [TestCase(false, 300, 6f)]
    public void Losses(bool hybrid, int vocabSize, float spread)
    {
        var loss = hybrid ? DistillationLoss.Hybrid : DistillationLoss.KlCrossEntropy;
        const int Count = 5;
        const float Weight = 0.25f;
        int[] sources = [9, 0, 1, -1, 2, 3];
        int[] next = [0, 1, 5, 9, vocabSize - 1, 2];
        var target = Values(Count * vocabSize, 40, spread);
        var draft = Values(Count * vocabSize, 41, spread);
        var targetBuffer = _test.Rows(target, Count);
        var draftBuffer = _test.Rows(draft, Count);
        var results = _test.Poisoned(4, Count + 1);
        Device.Loss(
            targetBuffer,
            draftBuffer,
            _test.Indices(sources),
            _test.Indices(next),
            1,
            Count,
            loss,
            Weight,
            results
        );
        var gradients = _test.Read(draftBuffer).Chunk(vocabSize).ToArray();
        var sums = Transposed(_test.Read(results), 4).Chunk(4).ToArray();
        for (var i = 0; i < Count; i++)
        {
            var u = target[(i * vocabSize)..((i + 1) * vocabSize)];
            var z = draft[(i * vocabSize)..((i + 1) * vocabSize)];
            if (sources[i + 1] < 0)
            {
                Assert.That(gradients[i], Has.All.Zero);
                Assert.That(sums[i + 1], Has.All.Zero);
                continue;
            }

            var lambda = DoubleOps.Lambda(u, z);
            Assert.That(sums[i + 1][0], Is.EqualTo(DoubleOps.Loss(u, z, next[i + 1], loss)).Within(1e-4).Percent);
            Assert.That(sums[i + 1][1], Is.EqualTo(DoubleOps.Overlap(u, z)).Within(1e-3).Percent);
            Assert.That(sums[i + 1][2], Is.EqualTo(Best(u) == Best(z) ? 1 : 0));
            Assert.That(sums[i + 1][3], Is.EqualTo(1));
            FiniteDifferences.AssertClose(
                gradients[i],
                FiniteDifferences.Gradient(z, () => Weight * DoubleOps.Loss(u, z, next[i + 1], loss, lambda)),
                $"row {i}"
            );
        }
    }

    [Test]
    public void Rows_that_move()
    {
        var x = Values(4 * 7, 50);
        var buffer = _test.Rows(x, 4);
        var indices = _test.Indices(5, 2, -1, 0);
        var gathered = _test.Poisoned(3, 7);
        Device.GatherRows(buffer, indices, 1, 3, gathered);
        Assert.That(
            _test.Read(gathered),
            Is.EqualTo([.. x[14..21], .. new double[7], .. x[..7]]).Within(1e-6).AsCollection
        );

        Device.ScatterAddRows(gathered, indices, 1, 3, buffer);
        double[] twice = [.. x.Select((value, i) => i < 7 || i is >= 14 and < 21 ? 2 * value : value)];
        Assert.That(_test.Read(buffer), Is.EqualTo(twice).Within(1e-6).AsCollection);

        var wide = _test.Zeros(4, 12);
        Device.PlaceColumns(buffer, wide, 5, 4);
        var taken = _test.Rows(x, 4);
        Device.TakeColumns(wide, 5, taken, 4, adds: true);
        Device.Add(taken, taken, 4);
        double[] sum = [.. twice.Zip(x, (a, b) => 2 * (a + b))];
        Assert.That(_test.Read(taken), Is.EqualTo(sum).Within(1e-5).AsCollection);
        Device.Clear(taken, 2);
        Assert.That(_test.Read(taken), Is.EqualTo([.. new double[14], .. sum[14..]]).Within(1e-5).AsCollection);

        var table = _test.Frozen(x, 4, MatrixUses.Rows);
        var embedded = _test.Poisoned(2, 7);
        Device.Embed(table, _test.Indices(3, 1), embedded, 2);
        Assert.That(_test.Read(embedded), Is.EqualTo([.. x[21..], .. x[7..14]]).Within(1e-6).AsCollection);
    }

    [TestCase(1, 37)]
    [TestCase(45, 19)]
    public void AdamW(int rows, int columns)
    {
        var values = Values(rows * columns, 60);
        var matrix = _test.Trained(values, rows);
        var first = new double[values.Length];
        var second = new double[values.Length];
        for (var step = 1; step <= 3; step++)
        {
            var gradient = Values(values.Length, 60 + step);
            matrix.Write(TrainedPart.Gradient, [.. gradient.Select(g => (float)g)]);
            Assert.That(Device.GradientSquares(matrix), Is.EqualTo(gradient.Sum(g => g * g)).Within(1e-4).Percent);
            Device.Update(matrix, new AdamWStep(0.01f, 0.5f, step, 0.1f));
            for (var i = 0; i < values.Length; i++)
            {
                var g = gradient[i] * 0.5;
                first[i] = 0.9 * first[i] + 0.1 * g;
                second[i] = 0.95 * second[i] + 0.05 * g * g;
                var update =
                    first[i] / (1 - Math.Pow(0.9, step)) / (Math.Sqrt(second[i] / (1 - Math.Pow(0.95, step))) + 1e-8);
                values[i] -= 0.01 * update + (rows > 1 ? 0.01 * 0.1 * values[i] : 0);
            }

            FiniteDifferences.AssertClose(
                TrainingDeviceUnderTest.Part(matrix, TrainedPart.Values),
                values,
                "values",
                1e-5
            );
            Assert.That(TrainingDeviceUnderTest.Gradient(matrix), Has.All.Zero);
        }
    }

    /// <summary>A double-precision difference of attention reads everything anew: thirty entries, spread over all of them.</summary>
    private static void AssertSomeDerivatives(double[] actual, double[] at, Func<double> function, string what)
    {
        var entries = Enumerable.Range(0, 30).Select(i => (int)((long)i * 7919 * 31 % at.Length)).ToArray();
        FiniteDifferences.AssertClose(
            [.. entries.Select(i => actual[i])],
            [.. entries.Select(i => FiniteDifferences.Derivative(at, i, function))],
            what
        );
    }

    private static double[] Values(int count, int seed, float scale = 1) =>
        [.. TestValues.BFloat16(count, seed, scale).Select(value => (double)value)];

    private static double[] Transposed(double[] matrix, int rows)
    {
        var columns = matrix.Length / rows;
        return [.. Enumerable.Range(0, matrix.Length).Select(i => matrix[i % rows * columns + i / rows])];
    }

    private static int Best(double[] logits) => Array.IndexOf(logits, logits.Max());

    private static AttentionShape OnDevice(AttentionShapeOf shape) => new(shape.Heads, shape.KvHeads, shape.HeadSize);

    private static RotaryTable Table(int headSize) =>
        new(new RopeParameters(RopeKind.Default, 10_000), headSize, 64, ElementType.Float32);
}
