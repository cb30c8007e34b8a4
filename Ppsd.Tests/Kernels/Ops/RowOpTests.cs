using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Devices;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Ops;

/// <summary>Operations that move rows: embedding, copies.</summary>
[NonParallelizable] // The simulator starts a thread for each of a card's: whatever ran beside it would starve.
public sealed class RowOpTests
{
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
