using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Ops;

/// <summary>
/// Rows on their way from one product to the next: whoever writes them must agree with whoever reads them on where they lie.
/// More rows than a tile has, of widths that end within one.
/// </summary>
[OnSimulator]
public sealed class ProductInputTests
{
    // Three products in a row, the last of few outputs; a value out of place is wrong by a hundred percent.
    private const double Tolerance = 1e-4;

    /// <summary>Eleven and eighteen rows are a middle product on a card, sixty-six a wide one.</summary>
    private static IEnumerable<TestCaseData> Cases() =>
        from backend in BackendUnderTest.Devices
        from type in (ElementType[])[ElementType.BFloat16, ElementType.Float32]
        from rows in (int[])[11, 18, 66]
        where rows is 11 or 18 || (type == ElementType.BFloat16 && backend == "simulator")
        select new TestCaseData(backend, type, rows);

    /// <summary>The residual stream has more columns than the warps of a group have tiles, to be written and to be read.</summary>
    [TestCaseSource(nameof(Cases))]
    public void A_block_of_many_rows_agrees_with_the_reference(string name, ElementType type, int rows)
    {
        const int Inner = 21;
        const int Outputs = 5;
        using var device = BackendUnderTest.Open(name);

        // Every output of an fp32 matrix takes the simulator a group of threads.
        var width = device.IsSimulator && type == ElementType.Float32 ? 40 : 275;
        var gate = TestValues.BFloat16(Inner * width, 1);
        var up = TestValues.BFloat16(Inner * width, 2);
        var down = TestValues.BFloat16(width * Inner, 3);
        var last = TestValues.BFloat16(Outputs * width, 4);
        var firstNorm = TestValues.Normal(width, 5);
        var nextNorm = TestValues.Normal(width, 6);
        float[][] x = [.. Enumerable.Range(0, rows).Select(row => TestValues.Normal(width, 10 + row))];
        var inner = device.PoisonedInput(rows, Inner);
        var hidden = device.Rows(x);
        var next = device.Owned(device.Backend.AllocateNormed(rows, width));
        var y = device.Poisoned(rows, Outputs);

        device.Backend.MatMulSwiGlu(
            device.Normed(firstNorm, x),
            device.GateUp(gate, up, Inner, type),
            device.Buffer(rows, 2 * Inner),
            inner,
            rows
        );
        device.Backend.MatMulAdd(inner, device.Matrix(down, width, type), hidden, rows, device.Norm(nextNorm), next);
        device.Backend.MatMul(next, device.Matrix(last, Outputs, type), y, rows);

        for (var row = 0; row < rows; row++)
        {
            var normed = ReferenceOps.RmsNorm(x[row], firstNorm, 1e-5f);
            var gated = ReferenceOps.SwiGlu(
                ReferenceOps.MatMul(gate, normed, Inner),
                ReferenceOps.MatMul(up, normed, Inner)
            );
            float[] sum = [.. ReferenceOps.MatMul(down, gated, width).Zip(x[row], (added, value) => added + value)];
            var expected = ReferenceOps.MatMul(last, ReferenceOps.RmsNorm(sum, nextNorm, 1e-5f), Outputs);
            AssertClose(device.Read(inner, rows)[row], gated, $"gated row {row}");
            AssertClose(device.Read(hidden, rows)[row], sum, $"hidden row {row}");
            AssertClose(device.Read(y, rows)[row], expected, $"row {row}");
        }
    }

    /// <summary>As many columns as a ring of tiles takes twice, from rows that the host gave.</summary>
    [TestCaseSource(nameof(Cases))]
    public void A_product_reads_the_rows_that_it_was_given(string name, ElementType type, int rows)
    {
        const int Outputs = 5;
        const int Columns = 300;
        using var device = BackendUnderTest.Open(name);
        var weight = TestValues.BFloat16(Outputs * Columns, 1);
        float[][] x = [.. Enumerable.Range(0, rows).Select(row => TestValues.Normal(Columns, 2 + row))];
        var y = device.Rows([.. Enumerable.Range(0, rows).Select(_ => new float[Outputs])]);

        device.Backend.MatMulAdd(device.Input(x), device.Matrix(weight, Outputs, type), y, rows);

        var actual = device.Read(y, rows);
        for (var row = 0; row < rows; row++)
        {
            AssertClose(actual[row], ReferenceOps.MatMul(weight, x[row], Outputs), $"row {row}");
        }
    }

    [TestCaseSource(typeof(BackendUnderTest), nameof(BackendUnderTest.Devices))]
    public void Rows_come_back_as_they_were_given_and_others_stay(string name)
    {
        using var device = BackendUnderTest.Open(name);
        float[][] rows = [.. Enumerable.Range(0, 11).Select(row => TestValues.Normal(19, row))];
        var later = TestValues.Normal(2 * 19, 20);
        var input = device.Input(rows);

        Assert.That(device.Read(input, 11), Is.EqualTo(rows));

        device.Backend.Upload(later, input, rows: 2);

        Assert.That(device.Read(input, 11), Is.EqualTo((float[][])[.. later.Chunk(19), .. rows[2..]]));
    }

    private static void AssertClose(float[] actual, float[] expected, string what) =>
        Assert.That(Numbers.RelativeError(actual, expected), Is.LessThan(Tolerance), what);
}
