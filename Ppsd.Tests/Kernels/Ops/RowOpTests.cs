using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Devices;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Ops;

/// <summary>Operations of rows: embedding, copies, biases, norms of heads.</summary>
[OnSimulator]
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

    [TestCase("cpu", ElementType.BFloat16)]
    [TestCase("cpu", ElementType.Float32)]
    [TestCase("simulator", ElementType.BFloat16)]
    [TestCase("simulator", ElementType.Float32)]
    public void Embeddings_are_multiplied_once(string name, ElementType type)
    {
        using var device = BackendUnderTest.Open(name);
        var table = TestValues.BFloat16(7 * 33, 1);
        var batch = new StepBatch(1);
        batch.Add(5, 0, 0, [], 0, [0]);
        var hidden = device.Poisoned(1, 33);
        device.Backend.BeginStep(batch);
        device.Backend.Embed(device.Matrix(table, 7, type), hidden, 54.5f);

        Assert.That(device.Read(hidden, 1)[0], Is.EqualTo(table.Chunk(33).ElementAt(5).Select(value => value * 54.5f)));
    }

    [TestCase("cpu")]
    [TestCase("simulator")]
    public void A_bias_is_added_to_every_row_and_to_nothing_behind_it(string name)
    {
        using var device = BackendUnderTest.Open(name);
        var rows = Enumerable.Range(0, 3).Select(row => TestValues.Normal(300, row)).ToArray();
        var bias = TestValues.Normal(290, 9);
        var y = device.Rows(rows);

        device.Backend.AddBias(y, device.Vector(bias), rows: 2);

        var expected = rows.Take(2)
            .Select(row => row.Select((value, i) => i < 290 ? value + bias[i] : value))
            .Append(rows[2]);
        Assert.That(device.Read(y, 3), Is.EqualTo(expected));
    }

    [TestCase("cpu", 16)]
    [TestCase("cpu", 36)]
    [TestCase("simulator", 16)]
    [TestCase("simulator", 36)]
    public void Heads_of_queries_and_keys_are_normed_and_values_stay(string name, int headSize)
    {
        using var device = BackendUnderTest.Open(name);
        var shape = new AttentionShape(3, 1, headSize);
        var rows = Enumerable.Range(0, 2).Select(row => TestValues.Normal(shape.QkvWidth, row)).ToArray();
        var (query, key) = (TestValues.Normal(headSize, 7), TestValues.Normal(headSize, 8));
        var qkv = device.Rows(rows);

        device.Backend.NormHeads(qkv, shape, device.Norm(query, 1e-6f), device.Norm(key, 1e-5f), rows: 2);

        var actual = device.Read(qkv, 2);
        for (var row = 0; row < 2; row++)
        {
            var heads = rows[row].Chunk(headSize).ToArray();
            for (var head = 0; head < 4; head++)
            {
                var mean = heads[head].Sum(value => (double)value * value) / headSize;
                var scale = 1 / Math.Sqrt(mean + (head < 3 ? 1e-6 : 1e-5));
                var expected = heads[head].Select((value, i) => (float)(value * scale * (head < 3 ? query : key)[i]));
                Assert.That(
                    Numbers.RelativeError(actual[row].AsSpan(head * headSize, headSize), [.. expected]),
                    Is.LessThan(1e-6),
                    $"row {row}, head {head}"
                );
            }

            Assert.That(actual[row][(4 * headSize)..], Is.EqualTo(rows[row][(4 * headSize)..]));
        }
    }

    [TestCase("cpu")]
    [TestCase("simulator")]
    public void Gate_and_up_side_by_side_become_a_products_input(string name)
    {
        using var device = BackendUnderTest.Open(name);
        var rows = Enumerable.Range(0, 3).Select(row => TestValues.Normal(80, row)).ToArray();
        var y = device.PoisonedInput(3, 40);

        device.Backend.SwiGlu(device.Rows(rows), y, rows: 3);

        var actual = device.Read(y, 3);
        for (var row = 0; row < 3; row++)
        {
            var expected = Enumerable
                .Range(0, 40)
                .Select(i => rows[row][i] / (1 + MathF.Exp(-rows[row][i])) * rows[row][40 + i]);
            Assert.That(Numbers.RelativeError(actual[row], [.. expected]), Is.LessThan(1e-6), $"row {row}");
        }
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
