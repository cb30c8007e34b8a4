using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Reference;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Ops;

[Parallelizable(ParallelScope.All)]
public sealed class MatMulTests
{
    private static IEnumerable<TestCaseData> Shapes() =>
        from backend in BackendUnderTest.Names.Take(3)
        from type in (ElementType[])[ElementType.BFloat16, ElementType.Float32]
        from shape in ((int, int)[])[(1, 1), (15, 7), (16, 8), (17, 33), (64, 31), (130, 96)]
        select new TestCaseData(backend, type, shape.Item1, shape.Item2);

    [TestCaseSource(nameof(Shapes))]
    public void A_product_agrees_with_the_reference(string name, ElementType type, int outputs, int columns)
    {
        using var device = BackendUnderTest.Open(name);
        var weight = TestValues.BFloat16(outputs * columns, 1);
        float[][] x = [TestValues.Normal(columns, 2), TestValues.Peaky(columns, 3), TestValues.Normal(columns, 4)];
        var y = device.Poisoned(3, outputs);

        device.Backend.MatMul(device.Rows(x), device.Matrix(weight, outputs, type), y, rows: 3);

        var actual = device.Read(y, 3);
        for (var row = 0; row < 3; row++)
        {
            var expected = ReferenceOps.MatMul(weight, x[row], outputs);
            Assert.That(Numbers.RelativeError(actual[row], expected), Is.LessThan(2e-6));
        }
    }

    [TestCaseSource(typeof(BackendUnderTest), nameof(BackendUnderTest.Names))]
    public void A_product_can_be_added_to_what_is_there(string name)
    {
        using var device = BackendUnderTest.Open(name);
        var weight = TestValues.BFloat16(20 * 16, 1);
        var x = TestValues.Normal(16, 2);
        var before = TestValues.Normal(20, 3);
        var y = device.Rows(before);

        device.Backend.MatMulAdd(device.Rows(x), device.Matrix(weight, 20), y, rows: 1);

        float[] expected = [.. ReferenceOps.MatMul(weight, x, 20).Zip(before, (product, value) => product + value)];
        Assert.That(Numbers.RelativeError(device.Read(y, 1)[0], expected), Is.LessThan(2e-6));
    }

    /// <summary>The law's second rule: whatever rides in the same launch, a row's bits are its own.</summary>
    [TestCaseSource(typeof(BackendUnderTest), nameof(BackendUnderTest.Names))]
    public void Rows_have_the_same_bits_at_every_width_from_1_to_8(string name)
    {
        using var device = BackendUnderTest.Open(name);

        // The simulator takes a barrier's time for every shuffle: a few outputs must do.
        var outputs = device.IsSimulator ? 6 : 150;
        var weight = device.Matrix(TestValues.BFloat16(outputs * 72, 1), outputs);
        var x = Enumerable.Range(0, 8).Select(row => TestValues.Normal(72, 10 + row)).ToArray();
        var alone = x.Select(row => Product([row])[0]).ToArray();

        for (var width = 1; width <= 8; width += device.IsSimulator ? 7 : 1)
        {
            Assert.That(Product(x[..width]), Is.EqualTo(alone[..width]), $"width {width}");
        }

        float[][] Product(float[][] rows)
        {
            var y = device.Poisoned(rows.Length, outputs);
            device.Backend.MatMul(device.Rows(rows), weight, y, rows.Length);
            return device.Read(y, rows.Length);
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
            var y = device.Poisoned(1, 333);
            device.Backend.MatMul(device.Rows(x), device.Matrix(weight, 333, type), y, rows: 1);
            return device.Read(y, 1)[0];
        }
    }
}
