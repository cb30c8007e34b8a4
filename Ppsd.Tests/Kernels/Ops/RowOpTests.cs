using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Reference;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Ops;

/// <summary>Operations on single rows: norm, SwiGLU, embedding, copies.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class RowOpTests
{
    private static IEnumerable<TestCaseData> Widths() =>
        from backend in BackendUnderTest.Names.Take(3)
        from width in (int[])[1, 31, 33, 64, 300]
        select new TestCaseData(backend, width);

    [TestCaseSource(nameof(Widths))]
    public void Rms_norm_agrees_with_the_reference(string name, int width)
    {
        using var device = BackendUnderTest.Open(name);
        float[][] x = [TestValues.Normal(width, 1), TestValues.Peaky(width, 2), TestValues.Normal(width, 3, 1e-4f)];
        var weight = TestValues.Normal(width, 4);
        var y = device.Poisoned(3, width);

        device.Backend.RmsNorm(device.Rows(x), device.Vector(weight), 1e-5f, y, rows: 3);

        var actual = device.Read(y, 3);
        for (var row = 0; row < 3; row++)
        {
            Assert.That(
                Numbers.RelativeError(actual[row], ReferenceOps.RmsNorm(x[row], weight, 1e-5f)),
                Is.LessThan(2e-6)
            );
        }
    }

    [TestCaseSource(nameof(Widths))]
    public void SwiGlu_agrees_with_the_reference(string name, int width)
    {
        using var device = BackendUnderTest.Open(name);
        var gate = TestValues.Normal(width, 1, 4f);
        gate[0] = -90f;
        gate[^1] = 90f;
        var up = TestValues.Normal(width, 2);
        var y = device.Poisoned(1, width);

        device.Backend.SwiGlu(device.Rows([.. gate, .. up]), y, rows: 1);

        Assert.That(Numbers.RelativeError(device.Read(y, 1)[0], ReferenceOps.SwiGlu(gate, up)), Is.LessThan(2e-6));
    }

    [TestCase("cpu", ElementType.BFloat16)]
    [TestCase("cpu", ElementType.Float32)]
    [TestCase("simulator", ElementType.BFloat16)]
    [TestCase("simulator", ElementType.Float32)]
    public void Embedding_takes_each_rows_token(string name, ElementType type)
    {
        using var device = BackendUnderTest.Open(name);
        var table = TestValues.BFloat16(7 * 33, 1);
        var batch = new StepBatch(3);
        foreach (var token in (int[])[6, 0, 3])
        {
            batch.Add(token, 0, 0, [], 0, [0]);
        }

        var hidden = device.Poisoned(3, 33);
        device.Backend.BeginStep(batch);
        device.Backend.Embed(device.Matrix(table, 7, type), hidden);

        var rows = table.Chunk(33).ToArray();
        Assert.That(device.Read(hidden, 3), Is.EqualTo(new[] { rows[6], rows[0], rows[3] }));
    }

    [TestCase("cpu")]
    [TestCase("simulator")]
    public void Rows_are_copied_as_they_are(string name)
    {
        using var device = BackendUnderTest.Open(name);
        var source = Enumerable.Range(0, 5).Select(row => TestValues.Normal(19, row)).ToArray();
        var target = device.Poisoned(2, 19);

        device.Backend.CopyRows(device.Rows(source), firstRow: 2, rows: 2, target);

        Assert.That(device.Read(target, 2), Is.EqualTo(source[2..4]));
    }
}
