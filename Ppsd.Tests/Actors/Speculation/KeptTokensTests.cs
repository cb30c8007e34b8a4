using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Resumes;
using static Ppsd.Tests.Actors.Speculation.ScriptedSession;

namespace Ppsd.Tests.Actors.Speculation;

/// <summary>A session that goes on behind tokens which stages keep from an earlier pipeline.</summary>
public sealed class KeptTokensTests
{
    private static readonly int[] _text = [5, 6, 7, 8, 9, 4];

    [Test]
    public void Only_what_is_behind_the_kept_tokens_enters()
    {
        var session = Session(_text, chunk: 4);
        session.GoOnBehind(new ResumePlan(4, 4, [1], 0), reservedLength: 77);

        var part = session.NextPart(maxRows: 8, mayDraft: true);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Tokens(part), Is.EqualTo(new[] { 9, 4 }));
            Assert.That(part.Base, Is.EqualTo(Path(4)));
            Assert.That((part.Candidates, part.Parents), Is.EqualTo((Ids(4, 5), Ids(3, 4))));
            Assert.That((part.FirstHeadRow, part.CertainCount), Is.EqualTo((1, 2)));
            Assert.That((part.Lacking, part.IsReplayed), Is.EqualTo((new[] { 1 }, false)));
            Assert.That(part.Settings!.ReservedLength, Is.EqualTo(77));
        }

        session.Apply(new RunId(0), Ids(5), Tokens(3));
        var next = session.NextPart(maxRows: 8, mayDraft: true);
        Assert.That((Tokens(next), next.Base), Is.EqualTo((new[] { 3 }, new VerifiedPath(new CandidateId(5), 6))));
        Assert.That((next.Lacking, next.Settings), Is.EqualTo(((int[]?)null, (SessionSettings?)null)));
    }

    [Test]
    public void A_first_stage_that_lacks_the_tokens_gets_them_before()
    {
        var session = Session(_text, chunk: 3);
        session.GoOnBehind(new ResumePlan(4, 4, [0, 1], 0), reservedLength: 77);

        List<BatchPart> parts = [];
        while (session.IsPrefilling)
        {
            parts.Add(session.NextPart(maxRows: 8, mayDraft: true));
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(parts.Select(Tokens), Is.EqualTo(new int[][] { [5, 6, 7], [8], [9, 4] }));
            Assert.That(parts.Select(part => part.IsReplayed), Is.EqualTo(new[] { true, true, false }));
            Assert.That(parts.Select(part => part.Base), Is.EqualTo(new[] { Path(0), Path(0), Path(4) }));
            Assert.That(parts.SelectMany(part => part.Candidates), Is.EqualTo(Ids(0, 1, 2, 3, 4, 5)));
            Assert.That(parts.SelectMany(part => part.Parents), Is.EqualTo(Ids(-1, 0, 1, 2, 3, 4)));
            Assert.That(parts.Select(part => part.Settings is not null), Is.EqualTo(new[] { true, false, true }));
            Assert.That(parts.Select(part => part.Count - part.FirstHeadRow), Is.EqualTo(new[] { 0, 0, 1 }));
            Assert.That(parts.TrueForAll(part => part.Lacking is [0, 1]));
        }
    }

    [Test]
    public void Where_something_is_lost_before_a_verdict_the_whole_text_enters_as_a_new_run(
        [Values(0, 2)] int firstLacking
    )
    {
        var session = Session(_text);
        session.GoOnBehind(new ResumePlan(4, 2, [firstLacking], 0), reservedLength: 77);
        session.NextPart(maxRows: 8, mayDraft: true);
        session.Restart();

        var part = session.NextPart(maxRows: 8, mayDraft: true);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((Tokens(part), part.Run.Value, part.Base), Is.EqualTo((_text, 1, Path(0))));
            Assert.That(part.Candidates[0].Value, Is.GreaterThan(3), "ids are never used again");
            Assert.That(part.Parents[0], Is.EqualTo(CandidateId.Root));
            Assert.That((part.Lacking, part.IsReplayed), Is.EqualTo(((int[]?)null, false)));
            Assert.That(part.Settings, Is.Not.Null);
        }
    }

    [Test]
    public void Once_a_verdict_has_come_a_restart_goes_back_to_it_only()
    {
        var session = Session(_text);
        session.GoOnBehind(new ResumePlan(4, 4, [1], 0), reservedLength: 77);
        session.NextPart(maxRows: 8, mayDraft: true);
        session.Apply(new RunId(0), Ids(5), Tokens(3));
        session.NextPart(maxRows: 8, mayDraft: true);
        session.Restart();

        var part = session.NextPart(maxRows: 8, mayDraft: true);
        Assert.That((Tokens(part), part.Base), Is.EqualTo((new[] { 3 }, new VerifiedPath(new CandidateId(5), 6))));
    }

    [Test]
    public void A_head_that_slept_wakes_from_where_it_fell_asleep()
    {
        var session = Session(_text);
        session.GoOnBehind(new ResumePlan(4, 2, [], 0), reservedLength: 77);
        Assert.That(session.NextPart(maxRows: 8, mayDraft: true).SkipsHead);
        session.Apply(new RunId(0), Ids(5), Tokens(3));
        Assert.That(session.MissedByHead, Is.EqualTo(5));
        session.WakeHead();

        var part = session.NextPart(maxRows: 8, mayDraft: true);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((Tokens(part), part.Base), Is.EqualTo((new[] { 7, 8, 9, 4, 3 }, Path(2))));
            Assert.That((part.SkipsHead, part.Lacking), Is.EqualTo((false, (int[]?)null)));
        }
    }

    private static VerifiedPath Path(int length) => new(new CandidateId(length - 1), length);
}
