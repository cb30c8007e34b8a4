using Ppsd.Kernels.Devices;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Ops;

/// <summary>
/// Attention of a prompt's rows, which a card computes by kernels of their own: the bits of a row alone, and the reference's
/// values.
/// </summary>
[OnSimulator]
public sealed class PromptAttentionTests
{
    /// <summary>
    /// Heads without and with grouped queries: tiles of eight rows, of four, of two with columns that no head fills, of one row
    /// and heads in two blocks. Contexts within a chunk, over a chunk's end, over several; rows from the middle of a chunk on.
    /// </summary>
    [TestCase("simulator", 1, 1, 64, 100, 33, false)]
    [TestCase("simulator", 4, 2, 80, 0, 33, true)]
    [TestCase("simulator", 3, 1, 96, 113, 32, true)]
    [TestCase("simulator", 12, 1, 8, 30, 32, true)]
    [TestCase("simulator", 1, 1, 128, 230, 70, true)]
    [TestCase("simulator, one multiprocessor", 1, 1, 72, 325, 64, true)]
    [TestCase("simulator, small card", 1, 1, 16, 420, 33, false)]
    [TestCase("simulator, fp32 KV", 1, 1, 8, 0, 32, false)]
    [TestCase("cpu", 2, 1, 16, 100, 35, false)]
    public void A_prompts_rows_have_the_bits_of_each_row_alone(
        string name,
        int heads,
        int kvHeads,
        int headSize,
        int before,
        int count,
        bool isCommitted
    )
    {
        using var device = BackendUnderTest.Open(name);
        var shape = new AttentionShape(heads, kvHeads, headSize);
        var length = before + count;
        var rows = AttentionReference.Rows(shape, length, seed: 0);
        var slotCount = (length + 47) / 16 * 16;
        int[] slots = [.. Enumerable.Range(0, length).Select(i => i * 13 % slotCount)];
        var pool = new AttentionPool(device, AttentionReference.Rope, shape, slotCount, slotCount);
        if (before > 0)
        {
            pool.Store(rows[..before], Chain(slots, 0, before, committed: before));
        }

        // Uncommitted, as where a chunk of a prompt rides behind candidates, rows have tails.
        var committed = isCommitted ? length : before;
        var together = pool.Attend(rows[before..], Chain(slots, before, length, committed));

        var expected = AttentionReference.Of(shape, rows, before);
        for (var row = 0; row < count; row++)
        {
            Assert.That(
                Numbers.RelativeError(together[row], expected[row]),
                Is.LessThan(name == "cpu" ? 3e-6 : 1e-2),
                $"row {row}"
            );
        }

        foreach (var row in Picked(before, count))
        {
            var alone = pool.Attend([rows[before + row]], Chain(slots, before + row, before + row + 1, length))[0];
            Assert.That(together[row], Is.EqualTo(alone), $"row {row}");
        }
    }

    /// <summary>
    /// Candidates of one session, a prompt, a tree of another, a second prompt: each row's bits are those it has alone. The
    /// second prompt's window moves within it.
    /// </summary>
    [Test]
    public void Prompts_among_other_rows_change_no_bits()
    {
        const int Window = 150;
        using var device = BackendUnderTest.Open("simulator");
        var shape = new AttentionShape(2, 1, 16);
        int[] first = [.. Enumerable.Range(0, 160).Select(i => i * 3 % 160)];
        int[] second = [.. Enumerable.Range(0, 180).Select(i => 160 + i * 7 % 180)];
        var pool = new AttentionPool(device, AttentionReference.Rope, shape, slotCount: 400, maxLength: 256);
        pool.Store(AttentionReference.Rows(shape, 160, seed: 1000), Chain(first, 0, 160, committed: 160));
        pool.Store(AttentionReference.Rows(shape, 180, seed: 2000), Chain(second, 0, 180, committed: 180));
        (int[] Table, int Position, int Committed, int[] Tail)[] contexts =
        [
            (second, 20, 20, [second[20]]),
            (second, 21, 20, [second[20], second[21]]),
            .. Enumerable.Range(100, 37).Select(position => (first, position, position + 1, Array.Empty<int>())),
            (second, 30, 30, [350]),
            (second, 30, 30, [351]),
            (second, 31, 30, [351, 352]),
            .. Enumerable.Range(110, 60).Select(position => (second, position, position + 1, Array.Empty<int>())),
            (first, 7, 8, []),
        ];
        var rows = AttentionReference.Rows(shape, contexts.Length, seed: 3000);

        StepBatch Step(params int[] picked)
        {
            var batch = new StepBatch(picked.Length, Window);
            foreach (var row in picked)
            {
                // The rows' own keys and values go where no context looks.
                var (table, position, committed, tail) = contexts[row];
                batch.Add(0, position, 399, table, committed, tail);
            }

            return batch;
        }

        var together = pool.Attend(rows, Step([.. Enumerable.Range(0, contexts.Length)]));

        foreach (var row in (int[])[1, 2, 38, 41, 81, 82])
        {
            Assert.That(together[row], Is.EqualTo(pool.Attend([rows[row]], Step(row))[0]), $"row {row}");
        }
    }

    /// <summary>The first row, the last, and those that are the first of a chunk.</summary>
    private static IEnumerable<int> Picked(int before, int count) =>
        Enumerable.Range(0, count).Where(row => row == 0 || row == count - 1 || (before + row) % 128 == 0);

    private static StepBatch Chain(int[] slots, int first, int end, int committed)
    {
        var batch = new StepBatch(end - first);
        for (var row = first; row < end; row++)
        {
            var length = Math.Min(committed, row + 1);
            batch.Add(0, row, slots[row], slots, length, slots.AsSpan(length, row + 1 - length));
        }

        return batch;
    }
}
