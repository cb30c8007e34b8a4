using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Ops;

/// <summary>Products, the norms before and after them, and SwiGLU.</summary>
[OnSimulator]
public sealed class MatMulTests
{
    // A card splits activations into two bf16 parts: sixteen bits of each count.
    private const double Tolerance = 6e-6;

    private static IEnumerable<TestCaseData> Shapes() =>
        from backend in BackendUnderTest.Devices
        from type in (ElementType[])[ElementType.BFloat16, ElementType.Float32]
        from shape in ((int, int)[])[(1, 1), (15, 7), (16, 8), (17, 33), (40, 150), (150, 300), (9, 1100)]
        where backend != "simulator" || type == ElementType.BFloat16 || shape.Item2 < 1000
        select new TestCaseData(backend, type, shape.Item1, shape.Item2);

    [TestCaseSource(nameof(Shapes))]
    public void A_product_of_normed_rows_agrees_with_the_reference(
        string name,
        ElementType type,
        int outputs,
        int columns
    )
    {
        using var device = BackendUnderTest.Open(name);
        var weight = TestValues.BFloat16(outputs * columns, 1);
        var norm = TestValues.Normal(columns, 5);
        float[][] x =
        [
            TestValues.Normal(columns, 2),
            TestValues.Peaky(columns, 3),
            TestValues.Normal(columns, 4, 1e-4f),
        ];
        var y = device.Poisoned(3, outputs);

        device.Backend.MatMul(device.Normed(norm, x), device.Matrix(weight, outputs, type), y, rows: 3);

        var actual = device.Read(y, 3);
        for (var row = 0; row < 3; row++)
        {
            var normed = ReferenceOps.RmsNorm(x[row], norm, 1e-5f);
            var expected = ReferenceOps.MatMul(weight, normed, outputs);
            Assert.That(Numbers.RelativeError(actual[row], expected), Is.LessThan(Tolerance * Cancellation(normed)));
        }

        // A product of one column, or of few, has nothing to average rounding over.
        double Cancellation(float[] row) => row.Length < 30 ? 3 : 1;
    }

    /// <summary>What fits into a card's shared memory decides how far it copies ahead, and nothing else.</summary>
    [TestCase(20, 1)]
    [TestCase(150, 3)]
    public void A_card_with_little_shared_memory_gives_the_same_bits(int outputs, int rows)
    {
        var weight = TestValues.BFloat16(outputs * 600, 1);
        var norm = TestValues.Normal(600, 5);
        float[][] x = [.. Enumerable.Range(0, rows).Select(row => TestValues.Normal(600, row + 2))];

        Assert.That(Product("simulator, small card"), Is.EqualTo(Product("simulator")));

        float[][] Product(string name)
        {
            using var device = BackendUnderTest.Open(name);
            var y = device.Poisoned(rows, outputs);
            device.Backend.MatMul(device.Normed(norm, x), device.Matrix(weight, outputs), y, rows);
            return device.Read(y, rows);
        }
    }

    [TestCaseSource(typeof(BackendUnderTest), nameof(BackendUnderTest.Devices))]
    public void A_product_can_be_added_to_what_is_there_and_normed_for_the_next(string name)
    {
        using var device = BackendUnderTest.Open(name);
        var weight = TestValues.BFloat16(20 * 48, 1);
        var x = TestValues.Normal(48, 2);
        var before = TestValues.Normal(20, 3);
        var norm = device.Norm(TestValues.Normal(20, 4));
        var hidden = device.Rows(before);
        var fused = device.Owned(device.Backend.AllocateNormed(1, 20));
        var apart = device.Owned(device.Backend.AllocateNormed(1, 20));
        var next = device.Matrix(TestValues.BFloat16(10 * 20, 5), 10);

        device.Backend.MatMulAdd(device.Input(x), device.Matrix(weight, 20), hidden, rows: 1, norm, fused);
        device.Backend.RmsNorm(hidden, 0, 1, norm, apart);

        float[] expected = [.. ReferenceOps.MatMul(weight, x, 20).Zip(before, (product, value) => product + value)];
        Assert.That(Numbers.RelativeError(device.Read(hidden, 1)[0], expected), Is.LessThan(Tolerance));

        var afterFused = device.Poisoned(1, 10);
        var afterApart = device.Poisoned(1, 10);
        device.Backend.MatMul(fused, next, afterFused, rows: 1);
        device.Backend.MatMul(apart, next, afterApart, rows: 1);
        Assert.That(device.Read(afterFused, 1), Is.EqualTo(device.Read(afterApart, 1)), "fused or not, the same bits");
    }

    [TestCase("cpu", ElementType.BFloat16)]
    [TestCase("cpu, 3 threads", ElementType.Float32)]
    [TestCase("simulator", ElementType.BFloat16)]
    [TestCase("simulator", ElementType.Float32)]
    public void SwiGlu_of_two_products_agrees_with_the_reference(string name, ElementType type)
    {
        using var device = BackendUnderTest.Open(name);
        const int Inner = 19;
        const int Columns = 33;
        var gate = TestValues.BFloat16(Inner * Columns, 1);
        var up = TestValues.BFloat16(Inner * Columns, 2);
        var ones = Enumerable.Repeat(1f, Columns).ToArray();
        float[][] x = [TestValues.Normal(Columns, 3), TestValues.Peaky(Columns, 4)];
        var y = device.PoisonedInput(2, Inner);

        device.Backend.MatMulSwiGlu(
            device.Normed(ones, x),
            device.GateUp(gate, up, Inner, type),
            device.Buffer(2, 2 * Inner),
            y,
            rows: 2
        );

        var actual = device.Read(y, 2);
        for (var row = 0; row < 2; row++)
        {
            var normed = ReferenceOps.RmsNorm(x[row], ones, 1e-5f);
            var expected = ReferenceOps.SwiGlu(
                ReferenceOps.MatMul(gate, normed, Inner),
                ReferenceOps.MatMul(up, normed, Inner)
            );
            Assert.That(Numbers.RelativeError(actual[row], expected), Is.LessThan(2 * Tolerance));
        }
    }

    /// <summary>The law's second rule: whatever rides in the same launch, a row's bits are its own.</summary>
    [TestCaseSource(typeof(BackendUnderTest), nameof(BackendUnderTest.Devices))]
    public void Rows_have_the_same_bits_at_every_width(string name)
    {
        using var device = BackendUnderTest.Open(name);

        // The simulator takes a barrier's time for every exchange between lanes: a few outputs must do.
        var outputs = device.IsSimulator ? 6 : 150;
        var weight = device.Matrix(TestValues.BFloat16(outputs * 72, 1), outputs);
        var norm = TestValues.Normal(72, 5);
        var x = Enumerable.Range(0, 18).Select(row => TestValues.Normal(72, 10 + row)).ToArray();
        var alone = x.Select(row => Product([row])[0]).ToArray();

        foreach (var width in device.IsSimulator ? [2, 8, 11, 18] : Enumerable.Range(1, 11))
        {
            Assert.That(Product(x[..width]), Is.EqualTo(alone[..width]), $"width {width}");
        }

        float[][] Product(float[][] rows)
        {
            var y = device.Poisoned(rows.Length, outputs);
            device.Backend.MatMul(device.Normed(norm, rows), weight, y, rows.Length);
            return device.Read(y, rows.Length);
        }
    }

    /// <summary>Many sessions' rows, and chunks of a prompt, take other kernels than a few rows do on a card.</summary>
    [TestCase("cpu", 18, 20)]
    [TestCase("simulator", 9, 20)]
    [TestCase("simulator", 18, 300)]
    [TestCase("simulator", 35, 20)]
    [TestCase("simulator", 66, 20)]
    [TestCase("simulator, small card", 18, 600)]
    public void Many_rows_have_the_bits_of_one_in_gated_and_added_products_too(string name, int count, int columns)
    {
        using var device = BackendUnderTest.Open(name);
        const int Inner = 10;
        var gateUp = device.GateUp(
            TestValues.BFloat16(Inner * columns, 1),
            TestValues.BFloat16(Inner * columns, 2),
            Inner,
            ElementType.BFloat16
        );
        var down = device.Matrix(TestValues.BFloat16(columns * Inner, 3), columns);
        var norm = TestValues.Normal(columns, 4);
        var x = Enumerable.Range(0, count).Select(row => TestValues.Normal(columns, 10 + row)).ToArray();

        var together = Block(x);

        foreach (var row in (int[])[0, 8, count - 1])
        {
            Assert.That(together[row], Is.EqualTo(Block([x[row]])[0]), $"row {row}");
        }

        float[][] Block(float[][] rows)
        {
            var inner = device.PoisonedInput(rows.Length, Inner);
            var hidden = device.Rows(rows);
            var scratch = device.Buffer(rows.Length, 2 * Inner);
            device.Backend.MatMulSwiGlu(device.Normed(norm, rows), gateUp, scratch, inner, rows.Length);
            device.Backend.MatMulAdd(inner, down, hidden, rows.Length);
            return device.Read(hidden, rows.Length);
        }
    }

    [Test]
    public void Bits_do_not_depend_on_the_number_of_threads_or_the_type_weights_are_held_in()
    {
        var weight = TestValues.BFloat16(333 * 129, 1);
        var x = TestValues.Normal(129, 2);
        var expected = Product("cpu", ElementType.BFloat16);

        Assert.That(Product("cpu, 3 threads", ElementType.BFloat16), Is.EqualTo(expected));
        Assert.That(Product("cpu", ElementType.Float32), Is.EqualTo(expected));

        float[] Product(string name, ElementType type)
        {
            using var device = BackendUnderTest.Open(name);
            var y = device.Rows(new float[333]);
            device.Backend.MatMulAdd(device.Input(x), device.Matrix(weight, 333, type), y, rows: 1);
            return device.Read(y, 1)[0];
        }
    }
}
