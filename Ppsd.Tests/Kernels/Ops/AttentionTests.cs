using Ppsd.Kernels.Devices;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Ops;

/// <summary>Rotary embedding, KV storage and attention together, since each is seen only through the next.</summary>
[OnSimulator]
public sealed class AttentionTests
{
    private static IEnumerable<TestCaseData> Shapes() =>
        from backend in BackendUnderTest.Names
        from shape in (AttentionShape[])[new(1, 1, 16), new(4, 2, 20), new(3, 3, 64), new(6, 2, 128)]
        select new TestCaseData(backend, shape.HeadCount, shape.KvHeadCount, shape.HeadSize);

    [TestCaseSource(nameof(Shapes))]
    public void Attention_agrees_with_the_reference(string name, int heads, int kvHeads, int headSize)
    {
        using var device = BackendUnderTest.Open(name);
        var shape = new AttentionShape(heads, kvHeads, headSize);

        // The simulator starts a thread for every thread: a large head has few rows there.
        var count = device.IsSimulator && headSize == 128 ? 4 : 11;
        var rows = Enumerable.Range(0, count).Select(row => TestValues.Normal(shape.QkvWidth, row)).ToArray();

        // Slots in no order at all: attention must follow positions.
        int[] slots = [9, 3, 30, 1, 17, 0, 22, 8, 5, 31, 12];
        var actual = Run(device, shape, rows, slots, tailLength: 3);

        var expected = AttentionReference.Of(shape, rows);
        for (var row = 0; row < count; row++)
        {
            Assert.That(
                Numbers.RelativeError(actual[row], expected[row]),
                Is.LessThan(ToleranceOf(name)),
                $"row {row}"
            );
        }
    }

    /// <summary>More positions than one block of the CUDA kernels takes, with scores that leave weight on few of them.</summary>
    [TestCaseSource(typeof(BackendUnderTest), nameof(BackendUnderTest.Names))]
    public void A_long_context_agrees_with_the_reference(string name) =>
        CheckLongContext(name, new AttentionShape(2, 1, 16), length: 141);

    /// <summary>
    /// So few multiprocessors that a group has several chunks, one after another: a thread orders the next keys and values over those
    /// it has just read, or, on a card with less shared memory, when all have done with the chunk.
    /// </summary>
    [TestCase("simulator, one multiprocessor", 16)]
    [TestCase("simulator, one multiprocessor", 72)]
    [TestCase("simulator, small card", 16)]
    public void A_group_takes_its_chunks_one_after_another(string name, int headSize) =>
        CheckLongContext(name, new AttentionShape(2, 2, headSize), length: 260);

    private static void CheckLongContext(string name, AttentionShape shape, int length)
    {
        using var device = BackendUnderTest.Open(name);
        var rows = Enumerable.Range(0, length).Select(row => TestValues.Peaky(shape.QkvWidth, row)).ToArray();
        var slotCount = (length + 31) / 16 * 16;
        int[] slots = [.. Enumerable.Range(0, length).Select(i => i * 7 % slotCount)];
        var pool = new AttentionPool(device, AttentionReference.Rope, shape, slotCount, slotCount);
        pool.Store(rows, Chain(slots, 0, length));

        // Three rows of a chain: committed up to the middle of the last block, a tail after it.
        var batch = Chain(slots, length - 3, length, committed: length - 6);
        var actual = pool.Attend(rows[^3..], batch);

        var expected = AttentionReference.Of(shape, rows);
        for (var row = 0; row < 3; row++)
        {
            Assert.That(
                Numbers.RelativeError(actual[row], expected[length - 3 + row]),
                Is.LessThan(ToleranceOf(name)),
                $"row {row}"
            );
        }
    }

    /// <summary>The law's second rule, where rows may share loads: a prefix, a sibling's prefix, or nothing.</summary>
    [TestCase("cpu")]
    [TestCase("simulator")]
    public void Rows_of_branches_and_of_other_sequences_change_no_bits(string name)
    {
        using var device = BackendUnderTest.Open(name);
        var shape = new AttentionShape(2, 2, 16);
        var rows = Enumerable.Range(0, 14).Select(row => TestValues.Normal(shape.QkvWidth, row)).ToArray();
        var pool = new AttentionPool(device, AttentionReference.Rope, shape, slotCount: 32, maxLength: 64);
        int[] one = [4, 5, 6];
        int[] other = [20, 21, 22, 23, 24];
        var stored = new StepBatch(14);
        int[] storedSlots = [.. one, .. other, 7, 8, 9, 10, 11, 25];
        int[] positions = [0, 1, 2, 0, 1, 2, 3, 4, 3, 3, 4, 4, 5, 5];
        for (var row = 0; row < 14; row++)
        {
            stored.Add(0, positions[row], storedSlots[row], one, 0, [storedSlots[row]]);
        }

        pool.Store(rows, stored);
        (int[] Table, int Committed, int[] Tail)[] contexts =
        [
            (one, 3, [7]),
            (one, 3, [8]),
            (one, 3, [7, 9]),
            (one, 3, [8, 10]),
            (one, 3, [7, 9, 11]),
            (other, 5, [25]),
            (one, 2, []),
        ];

        var together = pool.Attend(rows[..contexts.Length], Batch(contexts));

        for (var row = 0; row < contexts.Length; row++)
        {
            var alone = pool.Attend([rows[row]], Batch([contexts[row]]))[0];
            Assert.That(together[row], Is.EqualTo(alone), $"row {row}");
        }
    }

    /// <summary>
    /// Whether the rows that a row attends to ride in its own step or were there before, whether a kernel of its own
    /// appended them or attention did, and however many groups share the chunks: the same bits. The step's rows of the first
    /// sequence, a tree, go over a chunk's end.
    /// </summary>
    [TestCase("cpu", 4, 2, 16)]
    [TestCase("simulator", 12, 1, 8)]
    [TestCase("simulator", 2, 1, 100)]
    [TestCase("simulator, fp32 KV", 2, 1, 68)]
    public void Ancestors_in_the_same_step_give_the_bits_of_earlier_ones(
        string name,
        int heads,
        int kvHeads,
        int headSize
    )
    {
        using var device = BackendUnderTest.Open(name);
        var shape = new AttentionShape(heads, kvHeads, headSize);
        int[] one = [.. Enumerable.Range(0, 125).Select(i => i * 5 % 128)];
        int[] other = [130, 131, 132];
        var pool = new AttentionPool(device, AttentionReference.Rope, shape, slotCount: 192, maxLength: 160);
        pool.Store(AttentionReference.Rows(shape, one.Length, seed: 0), Chain(one, 0, one.Length));
        pool.Store(AttentionReference.Rows(shape, other.Length, seed: 1000), Chain(other, 0, other.Length));
        (int[] Table, int Position, int Parent)[] tokens =
        [
            (one, 125, -1),
            (one, 126, 0),
            (one, 126, 0),
            (one, 127, 1),
            (one, 128, 3),
            (one, 129, 4),
            (other, 3, -1),
            (other, 4, 6),
            (other, 5, 7),
        ];
        var rows = AttentionReference.Rows(shape, tokens.Length, seed: 2000);

        StepBatch Step(int first, int end, int firstSlot)
        {
            var batch = new StepBatch(end - first);
            for (var row = first; row < end; row++)
            {
                List<int> tail = [];
                for (var ancestor = row; ancestor >= 0; ancestor = tokens[ancestor].Parent)
                {
                    tail.Insert(0, firstSlot + ancestor);
                }

                var (table, position, _) = tokens[row];
                batch.Add(0, position, firstSlot + row, table, table.Length, tail.ToArray());
            }

            return batch;
        }

        // Each way has slots of its own: what one wrote must not help another.
        float[][] inTwoSteps = [.. pool.Attend(rows[..8], Step(0, 8, 140)), .. pool.Attend(rows[8..], Step(8, 9, 140))];
        var inOneLongStep = pool.Attend(rows, Step(0, 9, 150));
        pool.Store(rows, Step(0, 9, 160));

        Assert.That(inOneLongStep, Is.EqualTo(inTwoSteps));
        foreach (var row in (int[])[2, 5, 7])
        {
            Assert.That(
                pool.Attend([rows[row]], Step(row, row + 1, 160))[0],
                Is.EqualTo(inTwoSteps[row]),
                $"row {row}"
            );
        }
    }

    private static StepBatch Batch((int[] Table, int Committed, int[] Tail)[] contexts)
    {
        var batch = new StepBatch(contexts.Length);
        foreach (var (table, committed, tail) in contexts)
        {
            // The rows' own keys and values go where no context looks.
            batch.Add(0, 0, 0, table, committed, tail);
        }

        return batch;
    }

    private static StepBatch Chain(int[] slots, int first, int end, int committed = int.MaxValue)
    {
        var batch = new StepBatch(end - first);
        for (var row = first; row < end; row++)
        {
            var length = Math.Min(committed, row + 1);
            batch.Add(0, row, slots[row], slots, length, slots.AsSpan(length, row + 1 - length));
        }

        return batch;
    }

    // bf16 keys and values round; of fp32 ones the CUDA kernels use 16 bits.
    private static double ToleranceOf(string name) =>
        name switch
        {
            "simulator, fp32 KV" => 1e-5,
            "cpu" or "cpu, 3 threads" => 3e-6,
            _ => 1e-2,
        };

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

    /// <summary>A sliding window: the last positions and no others, and the same bits however the rows came.</summary>
    [TestCaseSource(typeof(BackendUnderTest), nameof(BackendUnderTest.Names))]
    public void A_window_shows_each_row_its_last_positions_only(string name)
    {
        const int Window = 4;
        using var device = BackendUnderTest.Open(name);
        var shape = new AttentionShape(2, 1, 16);
        var count = device.IsSimulator ? 7 : 19;
        var rows = Enumerable.Range(0, count).Select(row => TestValues.Normal(shape.QkvWidth, row)).ToArray();
        int[] scattered = [.. Enumerable.Range(0, count).Select(i => i * 7 % 32)];

        var actual = Run(device, shape, rows, scattered, tailLength: 2, window: Window);

        var expected = AttentionReference.Of(shape, rows, window: Window);
        for (var row = 0; row < count; row++)
        {
            Assert.That(
                Numbers.RelativeError(actual[row], expected[row]),
                Is.LessThan(ToleranceOf(name)),
                $"row {row}"
            );
        }

        // Tails that the window cuts, and rows one by one.
        Assert.That(Run(device, shape, rows, scattered, tailLength: 6, chunk: 3, window: Window), Is.EqualTo(actual));
        Assert.That(Run(device, shape, rows, scattered, tailLength: 0, chunk: 1, window: Window), Is.EqualTo(actual));
    }

    /// <summary>Twice the queries over twice the divisor: the same weights.</summary>
    [TestCaseSource(typeof(BackendUnderTest), nameof(BackendUnderTest.Names))]
    public void A_family_may_divide_scores_by_a_number_of_its_own(string name)
    {
        using var device = BackendUnderTest.Open(name);
        var shape = new AttentionShape(2, 1, 16);
        var rows = AttentionReference.Rows(shape, count: 5, seed: 1);
        var doubled = rows.Select(row => row.Select((value, i) => i < shape.QueryWidth ? 2 * value : value).ToArray());

        var actual = Run(device, shape with { OwnScoreDivisor = 8 }, [.. doubled], [0, 1, 2, 3, 4], tailLength: 1);

        var expected = AttentionReference.Of(shape, rows);
        for (var row = 0; row < rows.Length; row++)
        {
            Assert.That(Numbers.RelativeError(actual[row], expected[row]), Is.LessThan(ToleranceOf(name)));
        }
    }

    /// <summary>Feeds rows of a chain in chunks; of each row's context the last tailLength positions are its tail.</summary>
    private static float[][] Run(
        BackendUnderTest device,
        AttentionShape shape,
        float[][] rows,
        int[] slots,
        int tailLength,
        int chunk = int.MaxValue,
        int window = int.MaxValue
    )
    {
        var pool = new AttentionPool(device, AttentionReference.Rope, shape, slotCount: 32, maxLength: 64);
        var results = new List<float[]>();
        for (var first = 0; first < rows.Length; first += Math.Min(chunk, rows.Length))
        {
            var count = Math.Min(chunk, rows.Length - first);
            var batch = new StepBatch(count, window);
            for (var row = first; row < first + count; row++)
            {
                var committed = Math.Max(0, row + 1 - tailLength);
                batch.Add(0, row, slots[row], slots, committed, slots.AsSpan(committed, row + 1 - committed));
            }

            results.AddRange(pool.Attend(rows[first..(first + count)], batch));
        }

        return [.. results];
    }
}
