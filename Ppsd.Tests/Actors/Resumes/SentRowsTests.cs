using System.Buffers.Binary;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Resumes;

namespace Ppsd.Tests.Actors.Resumes;

[Parallelizable(ParallelScope.All)]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class SentRowsTests
{
    private const int RowBytes = 8;

    private readonly RowMemory _memory = new(1 << 20, RowBytes);

    [Test]
    public void Rows_of_the_verified_path_are_kept_by_position_and_those_of_dead_branches_are_not()
    {
        var rows = new SentRows(_memory);
        rows.Add(Part([0, 1, 2], [-1, 0, 1], certain: 3), Hidden(0, 1, 2));
        rows.Add(Part([3, 4, 5], [2, 2, 4]), Hidden(3, 4, 5));
        rows.Commit(Path(4, length: 4));

        Assert.That(Values(rows), Is.EqualTo(new[] { 0, 1, 2, 4 }));
        Assert.That(_memory.UsedBytes, Is.EqualTo(5 * RowBytes), "candidate 3 is dead, 5 may live");
    }

    [Test]
    public void A_new_run_forgets_what_was_not_verified()
    {
        var rows = new SentRows(_memory);
        rows.Add(Part([0, 1], [-1, 0], certain: 2), Hidden(0, 1));
        rows.Add(Part([2, 3], [1, 2]), Hidden(2, 3));
        rows.Rollback(Path(2, length: 3));
        rows.Add(Part([4], [2]), Hidden(4));
        rows.Commit(Path(4, length: 4));

        Assert.That(Values(rows), Is.EqualTo(new[] { 0, 1, 2, 4 }));
    }

    [Test]
    public void A_run_from_an_earlier_token_takes_its_rows_anew()
    {
        var rows = new SentRows(_memory);
        rows.Add(Part([0, 1, 2], [-1, 0, 1], certain: 3), Hidden(0, 1, 2));
        rows.Commit(Path(2, length: 3));
        rows.Rollback(Path(0, length: 1));
        rows.Add(Part([7, 8], [0, 7], certain: 2), Hidden(7, 8));
        rows.Commit(Path(8, length: 3));

        Assert.That(Values(rows), Is.EqualTo(new[] { 0, 7, 8 }));
    }

    [Test]
    public void Kept_rows_are_numbered_by_position_for_the_session_that_goes_on()
    {
        var rows = new SentRows(_memory);
        rows.Add(Part([0, 3, 9], [-1, 0, 3], certain: 3), Hidden(0, 3, 9));
        rows.Commit(Path(9, length: 3));
        rows.KeepFirst(2);
        rows.Add(Part([2], [1], certain: 1), Hidden(2));
        rows.Commit(Path(2, length: 3));

        Assert.That(Values(rows), Is.EqualTo(new[] { 0, 3, 2 }));
    }

    [Test]
    public void A_session_that_does_not_fit_the_budget_gives_all_its_rows_up_and_others_keep_theirs()
    {
        var memory = new RowMemory(5 * RowBytes + 1, RowBytes);
        var small = new SentRows(memory);
        small.Add(Part([0, 1], [-1, 0], certain: 2), Hidden(0, 1));
        small.Commit(Path(1, length: 2));
        var large = new SentRows(memory);
        large.Add(Part([0, 1, 2, 3], [-1, 0, 1, 2], certain: 4), Hidden(0, 1, 2, 3));
        large.Commit(Path(3, length: 4));

        Assert.That((large.Length, memory.UsedBytes), Is.EqualTo((0, 2L * RowBytes)));
        large.Add(Part([4], [3], certain: 1), Hidden(4));
        large.Commit(Path(4, length: 5));
        Assert.That(large.Length, Is.Zero, "half a text is of no use");
        Assert.That(Values(small), Is.EqualTo(new[] { 0, 1 }));
    }

    [Test]
    public void A_session_that_starts_over_keeps_rows_again()
    {
        var memory = new RowMemory(2 * RowBytes, RowBytes);
        var rows = new SentRows(memory);
        rows.Add(Part([0, 1, 2], [-1, 0, 1], certain: 3), Hidden(0, 1, 2));
        rows.Rollback(VerifiedPath.Empty);
        rows.Add(Part([3, 4], [-1, 3], certain: 2), Hidden(3, 4));
        rows.Commit(Path(4, length: 2));

        Assert.That(Values(rows), Is.EqualTo(new[] { 3, 4 }));
    }

    [Test]
    public void A_path_with_a_hole_is_given_up()
    {
        var rows = new SentRows(_memory);
        rows.Add(Part([0], [-1], certain: 1), Hidden(0));
        rows.Commit(Path(5, length: 3));

        Assert.That((rows.Length, _memory.UsedBytes), Is.EqualTo((0, 0L)));
    }

    [Test]
    public void All_memory_is_given_back()
    {
        var rows = new SentRows(_memory);
        int[] ids = [.. Enumerable.Range(0, 200)];
        rows.Add(Part(ids, [.. ids.Select(id => id - 1)], certain: 200), Hidden(ids));
        rows.Commit(Path(150, length: 151));
        Assert.That(_memory.UsedBytes, Is.EqualTo(200 * RowBytes));
        rows.Clear();
        Assert.That(_memory.UsedBytes, Is.Zero);
    }

    [Test]
    public void A_replay_is_the_verified_tokens_in_chunks_and_ends_with_its_session()
    {
        var rows = new SentRows(_memory);
        int[] ids = [.. Enumerable.Range(0, 7)];
        rows.Add(Part(ids, [.. ids.Select(id => id - 1)], certain: 7), Hidden(ids));
        rows.Commit(Path(6, length: 7));
        var next = Part([6], [5], certain: 1) with { Base = Path(5, length: 6), Lacking = [1] };

        var parts = ReplayParts.Before(next, rows, chunk: 4).ToList();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(parts.Select(sent => sent.Part.Count), Is.EqualTo(new[] { 4, 2 }));
            Assert.That(parts.SelectMany(sent => sent.Part.Candidates), Is.EqualTo(Ids(0, 1, 2, 3, 4, 5)));
            Assert.That(parts.SelectMany(sent => sent.Part.Parents), Is.EqualTo(Ids(-1, 0, 1, 2, 3, 4)));
            Assert.That(parts.SelectMany(sent => Values(sent.Hidden)), Is.EqualTo(ids[..6]));
            Assert.That(
                parts.TrueForAll(sent =>
                    sent.Part is { IsReplayed: true, FirstHeadRow: var row } && row == sent.Part.Count
                )
            );
        }

        using var replay = ReplayParts.Before(next, rows, chunk: 4).GetEnumerator();
        Assert.That(replay.MoveNext());
        rows.Clear();
        Assert.That(replay.MoveNext(), Is.False);
    }

    private static int[] Values(SentRows rows) =>
        [
            .. Enumerable
                .Range(0, rows.Length)
                .Select(position => BinaryPrimitives.ReadInt32LittleEndian(rows[position])),
        ];

    private static IEnumerable<int> Values(HiddenStates hidden) =>
        Enumerable
            .Range(0, hidden.Length / RowBytes)
            .Select(row => BinaryPrimitives.ReadInt32LittleEndian(hidden.Memory.Span[(row * RowBytes)..]));

    private static byte[] Hidden(params int[] values)
    {
        var bytes = new byte[values.Length * RowBytes];
        for (var i = 0; i < values.Length; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(i * RowBytes), values[i]);
        }

        return bytes;
    }

    private static BatchPart Part(int[] ids, int[] parents, int certain = 0) =>
        new()
        {
            Session = SessionId.Create(new PipelineEpoch(1), 0),
            Run = new RunId(0),
            Base = VerifiedPath.Empty,
            Candidates = Ids(ids),
            Tokens = [.. ids.Select(id => new TokenId(id))],
            Parents = Ids(parents),
            CertainCount = certain,
            FirstHeadRow = 0,
        };

    private static CandidateId[] Ids(params int[] ids) => [.. ids.Select(id => new CandidateId(id))];

    private static VerifiedPath Path(int head, int length) => new(new CandidateId(head), length);
}
