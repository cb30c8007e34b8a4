using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Model;
using Ppsd.Kernels.Reference;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Ops;

/// <summary>Rotary embedding, KV storage and attention together, since each is seen only through the next.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class AttentionTests
{
    private static readonly RopeParameters _rope = new(RopeKind.Default, 10_000, 1, 1, 1, 64);

    private static IEnumerable<TestCaseData> Shapes() =>
        from backend in BackendUnderTest.Names
        from shape in (AttentionShape[])[new(1, 1, 16), new(4, 2, 20), new(3, 3, 64), new(6, 2, 128)]
        select new TestCaseData(backend, shape.HeadCount, shape.KvHeadCount, shape.HeadSize);

    [TestCaseSource(nameof(Shapes))]
    public void Attention_agrees_with_the_reference(string name, int heads, int kvHeads, int headSize)
    {
        using var device = BackendUnderTest.Open(name);
        var shape = new AttentionShape(heads, kvHeads, headSize);
        const int Length = 11;
        var rows = Enumerable.Range(0, Length).Select(row => TestValues.Normal(shape.QkvWidth, row)).ToArray();

        // Slots in no order at all: attention must follow positions.
        int[] slots = [9, 3, 30, 1, 17, 0, 22, 8, 5, 31, 12];
        var actual = Run(device, shape, rows, slots, tailLength: 3);

        var expected = Reference(shape, rows);
        var tolerance = name == "simulator" ? 1e-2 : 3e-6;
        for (var row = 0; row < Length; row++)
        {
            Assert.That(Numbers.RelativeError(actual[row], expected[row]), Is.LessThan(tolerance), $"row {row}");
        }
    }

    /// <summary>Committed or not, here or there in memory, in one chunk or several: the same positions, the same bits.</summary>
    [TestCaseSource(typeof(BackendUnderTest), nameof(BackendUnderTest.Names))]
    public void Bits_depend_on_positions_and_not_on_slots_chunks_or_commits(string name)
    {
        using var device = BackendUnderTest.Open(name);
        var shape = new AttentionShape(2, 1, 16);
        var count = device.IsSimulator ? 6 : 19;
        var rows = Enumerable.Range(0, count).Select(row => TestValues.Normal(shape.QkvWidth, row)).ToArray();
        int[] inOrder = [.. Enumerable.Range(0, count)];
        int[] scattered = [.. inOrder.Select(i => i * 7 % 32)];
        var expected = Run(device, shape, rows, inOrder, tailLength: 0);

        Assert.That(Run(device, shape, rows, scattered, tailLength: 4), Is.EqualTo(expected));
        Assert.That(Run(device, shape, rows, inOrder, tailLength: 2, chunk: 4), Is.EqualTo(expected));
        Assert.That(Run(device, shape, rows, inOrder, tailLength: count, chunk: 1), Is.EqualTo(expected));
    }

    /// <summary>Feeds rows of a chain in chunks; of each row's context the last tailLength positions are its tail.</summary>
    private static float[][] Run(
        BackendUnderTest device,
        AttentionShape shape,
        float[][] rows,
        int[] slots,
        int tailLength,
        int chunk = int.MaxValue
    )
    {
        var kv = device.Owned(device.Backend.AllocateKv(new KvShape(32, shape.KvHeadCount, shape.HeadSize)));
        var table = new RotaryTable(_rope, shape.HeadSize, 64, ElementType.Float32);
        var rotary = device.Owned(device.Backend.LoadRotary(table));
        var results = new List<float[]>();
        for (var first = 0; first < rows.Length; first += Math.Min(chunk, rows.Length))
        {
            var count = Math.Min(chunk, rows.Length - first);
            var batch = new StepBatch(count);
            for (var row = first; row < first + count; row++)
            {
                var committed = Math.Max(0, row + 1 - tailLength);
                batch.Add(0, row, slots[row], slots, committed, slots.AsSpan(committed, row + 1 - committed));
            }

            var qkv = device.Rows(rows[first..(first + count)]);
            var y = device.Poisoned(count, shape.QueryWidth);
            device.Backend.BeginStep(batch);
            device.Backend.RotateAndStore(qkv, shape, rotary, kv);
            device.Backend.Attend(qkv, shape, kv, y);
            results.AddRange(device.Read(y, count));
        }

        return [.. results];
    }

    private static float[][] Reference(AttentionShape shape, float[][] rows)
    {
        var table = new RotaryTable(_rope, shape.HeadSize, 64, ElementType.Float32);
        var keys = new List<float[]>();
        var values = new List<float[]>();
        var results = new List<float[]>();
        for (var position = 0; position < rows.Length; position++)
        {
            var turned = rows[position]
                .Take(shape.QueryWidth + shape.KvWidth)
                .Chunk(shape.HeadSize)
                .SelectMany(head =>
                    ReferenceOps.Rotate(
                        head,
                        table.Cosines.AsSpan(position * table.HalfSize, table.HalfSize),
                        table.Sines.AsSpan(position * table.HalfSize, table.HalfSize)
                    )
                )
                .ToArray();
            keys.Add(turned[shape.QueryWidth..]);
            values.Add(rows[position][(shape.QueryWidth + shape.KvWidth)..]);
            results.Add(ReferenceOps.Attend(turned.AsSpan(0, shape.QueryWidth), shape, keys, values));
        }

        return [.. results];
    }
}
