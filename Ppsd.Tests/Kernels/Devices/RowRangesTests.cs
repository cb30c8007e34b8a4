using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Devices.Ilgpu.Rows;

namespace Ppsd.Tests.Kernels.Devices;

/// <summary>Which rows of a step attention takes as a prompt's.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class RowRangesTests
{
    private const int Fewest = RowRanges.FewestRows;

    private static readonly int[] _one = [.. Enumerable.Range(0, 500)];
    private static readonly int[] _other = [.. Enumerable.Range(500, 500)];

    [Test]
    public void A_prompts_rows_are_one_range_whether_committed_or_not()
    {
        var committed = new StepBatch(Fewest);
        Prompt(committed, _one, first: 40, Fewest);
        var uncommitted = new StepBatch(Fewest);
        for (var row = 0; row < Fewest; row++)
        {
            uncommitted.Add(0, 7 + row, 100 + row, _one, 7, [.. Enumerable.Range(100, row + 1)]);
        }

        foreach (var batch in (StepBatch[])[committed, uncommitted])
        {
            var ranges = Find(batch);

            Assert.That(ranges.All, Is.EqualTo(new[] { new RowRange(0, Fewest, IsPrompt: true) }));
            Assert.That(ranges.IsOnePrompt, Is.True);
        }
    }

    [Test]
    public void A_few_rows_are_no_prompt()
    {
        var batch = new StepBatch(Fewest);
        Prompt(batch, _one, first: 40, Fewest - 1);

        var ranges = Find(batch);

        Assert.That(ranges.All, Is.Empty);
        Assert.That(ranges.IsOnePrompt, Is.False);
    }

    [Test]
    public void Rows_before_between_and_after_prompts_are_ranges_of_their_own()
    {
        var batch = new StepBatch(200);
        Prompt(batch, _other, first: 90, 1);
        Prompt(batch, _one, first: 3, 40);
        Tree(batch, _other);
        Prompt(batch, _other, first: 0, Fewest);
        Prompt(batch, _one, first: 0, Fewest);
        Tree(batch, _one);

        Assert.That(
            Find(batch).All,
            Is.EqualTo(
                new[]
                {
                    new RowRange(0, 1, IsPrompt: false),
                    new RowRange(1, 41, IsPrompt: true),
                    new RowRange(41, 44, IsPrompt: false),
                    new RowRange(44, 44 + Fewest, IsPrompt: true),
                    new RowRange(44 + Fewest, 44 + 2 * Fewest, IsPrompt: true),
                    new RowRange(44 + 2 * Fewest, 47 + 2 * Fewest, IsPrompt: false),
                }
            )
        );
    }

    /// <summary>Siblings and their descendants differ in one slot, which a prompt's rows never do.</summary>
    [Test]
    public void A_tree_of_many_rows_is_no_prompt()
    {
        var batch = new StepBatch(3 * Fewest);
        for (var i = 0; i < Fewest; i++)
        {
            Tree(batch, _one);
        }

        Assert.That(Find(batch).All, Is.Empty);
    }

    [Test]
    public void A_prompt_ends_where_a_sliding_window_begins_to_move()
    {
        var batch = new StepBatch(100, window: 40);
        Prompt(batch, _one, first: 0, 100);

        Assert.That(
            Find(batch).All,
            Is.EqualTo(new[] { new RowRange(0, 40, IsPrompt: true), new RowRange(40, 100, IsPrompt: false) })
        );
    }

    [Test]
    public void A_step_knows_nothing_of_the_one_before()
    {
        var ranges = new RowRanges();
        var prompt = new StepBatch(Fewest);
        Prompt(prompt, _one, first: 0, Fewest);
        var decode = new StepBatch(1);
        Prompt(decode, _one, first: Fewest, 1);
        var upload = new RowContextUpload();

        ranges.Find(upload.Write(prompt), prompt.RowCount);
        ranges.Find(upload.Write(decode), decode.RowCount);

        Assert.That(ranges.All, Is.Empty);
    }

    private static RowRanges Find(StepBatch batch)
    {
        var ranges = new RowRanges();
        ranges.Find(new RowContextUpload().Write(batch), batch.RowCount);
        return ranges;
    }

    private static void Prompt(StepBatch batch, int[] table, int first, int rows)
    {
        for (var position = first; position < first + rows; position++)
        {
            batch.Add(0, position, table[position], table, position + 1, []);
        }
    }

    private static void Tree(StepBatch batch, int[] table)
    {
        batch.Add(0, 5, 901, table, 5, [901]);
        batch.Add(0, 5, 902, table, 5, [902]);
        batch.Add(0, 6, 903, table, 5, [902, 903]);
    }
}
