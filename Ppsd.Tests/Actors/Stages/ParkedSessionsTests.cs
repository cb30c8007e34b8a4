using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Resumes;
using Ppsd.Actors.Speculation;
using Ppsd.Actors.Stages;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Stages;

/// <summary>What a stage keeps of the sessions of a pipeline that is gone, and who gets it.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ParkedSessionsTests : IDisposable
{
    private const int Pages = 10;
    private const int Reserved = 5 * ToyRuntime.PageSize;

    private static readonly StageIndex _stage = new(1);

    private readonly ToyRuntime _runtime = new(new ToyModel(9), stage: 1, stageCount: 3, pageCount: Pages);
    private readonly RowMemory _memory = new(1 << 20, sizeof(long));
    private readonly List<SessionId> _gaps = [];
    private readonly StageSessions _sessions;

    public ParkedSessionsTests() =>
        _sessions = new StageSessions(
            _stage,
            _runtime,
            new CancelBoard(),
            gap => _gaps.Add(gap.Session),
            (_, reason) => Assert.Fail(reason),
            _memory
        );

    public void Dispose() => _runtime.Dispose();

    [Test]
    public void Verified_tokens_are_kept_and_a_session_goes_on_behind_them()
    {
        Begin(Session(1, 0), [1, 2, 3, 4]);
        _sessions.Park();
        Assert.That((_sessions.Count, _sessions.ParkedCount, Pages - _runtime.FreePages), Is.EqualTo((0, 1, 5)));

        var found = Find(Session(2, 0), Session(1, 0), [1, 2, 3, 4, 5]);
        Assert.That(found, Is.EqualTo(new KeptFound(Session(2, 0), _stage, 4, 4, 4, Reserved)));
        Assert.That(TryGoOn(Session(2, 0), 3));
        Assert.That((_sessions.Count, _sessions.ParkedCount), Is.EqualTo((1, 0)));
        Assert.That(_sessions.RowsOf(Session(2, 0))!.Length, Is.EqualTo(3));
        AssertAllIsFreedWith(Session(2, 0));
    }

    /// <summary>Two clusters may number their pipelines alike: an id proves nothing.</summary>
    [Test]
    public void Only_tokens_that_are_equal_count_whatever_the_ids_say()
    {
        Begin(Session(1, 0), [1, 2, 3, 4]);
        _sessions.Park();

        Assert.That(Find(Session(2, 0), Session(1, 0), [1, 2, 7, 4, 5]).Length, Is.EqualTo(2));
        Assert.That(Find(Session(2, 1), Session(1, 0), [7, 2, 3, 4, 5]).Length, Is.Zero);
        Assert.That(Find(Session(2, 2), Session(1, 9), [1, 2, 3, 4]).Length, Is.Zero);
    }

    [Test]
    public void Tokens_that_were_certain_count_as_soon_as_they_are_computed()
    {
        var prompt = Part(Session(1, 0), 0, [1, 2, 3, 4]);
        Assert.That(Place(prompt));
        _sessions.NoteComputed(Batch(prompt));
        Assert.That(Place(Part(Session(1, 0), 4, [5]) with { Base = VerifiedPath.Empty }), "it is not computed");
        _sessions.Park();

        var found = Find(Session(2, 0), Session(1, 0), [1, 2, 3, 4, 5]);
        Assert.That((found.Length, found.SentRows), Is.EqualTo((4, 4)));
    }

    [Test]
    public void A_new_run_forgets_what_was_computed_behind_its_base()
    {
        var prompt = Part(Session(1, 0), 0, [1, 2, 3, 4]);
        Assert.That(Place(prompt));
        _sessions.NoteComputed(Batch(prompt));
        Assert.That(
            Place(
                Part(Session(1, 0), 4, [7]) with
                {
                    Run = new RunId(1),
                    Base = new VerifiedPath(new CandidateId(1), 2),
                    Parents = [new CandidateId(1)],
                }
            )
        );
        _sessions.Park();

        Assert.That(Find(Session(2, 0), Session(1, 0), [1, 2, 3, 4, 5]).Length, Is.EqualTo(2));
    }

    [Test]
    public void A_session_of_which_nothing_was_computed_is_not_kept()
    {
        Assert.That(Place(Part(Session(1, 0), 0, [1, 2, 3])));
        _sessions.Park();

        Assert.That((_sessions.ParkedCount, _runtime.FreePages, _memory.UsedBytes), Is.EqualTo((0, Pages, 0L)));
    }

    [Test]
    public void A_part_that_goes_on_behind_what_is_not_here_is_a_gap()
    {
        Begin(Session(1, 0), [1, 2, 3, 4]);
        _sessions.Park();

        Assert.That(TryGoOn(Session(2, 0), 3), Is.False, "it has not asked");
        Find(Session(2, 1), Session(1, 0), [1, 2, 3, 4, 5]);
        Assert.That(TryGoOn(Session(2, 1), 5), Is.False, "that is more than there is");
        Assert.That(_gaps, Is.EqualTo(new[] { Session(2, 0), Session(2, 1) }));
        Assert.That((_sessions.ParkedCount, _runtime.FreePages, _memory.UsedBytes), Is.EqualTo((0, Pages, 0L)));
    }

    [Test]
    public void A_session_that_starts_over_frees_what_was_kept_for_it()
    {
        Begin(Session(1, 0), [1, 2, 3, 4]);
        _sessions.Park();
        Find(Session(2, 0), Session(1, 0), [1, 2, 3, 4, 5]);

        Assert.That(Place(Part(Session(2, 0), 0, [1, 2])));
        Assert.That(_sessions.ParkedCount, Is.Zero);
        AssertAllIsFreedWith(Session(2, 0));
    }

    [Test]
    public void A_session_that_ends_before_it_opens_frees_what_was_kept_for_it()
    {
        Begin(Session(1, 0), [1, 2, 3, 4]);
        _sessions.Park();
        Find(Session(2, 0), Session(1, 0), [1, 2, 3, 4, 5]);

        AssertAllIsFreedWith(Session(2, 0));
    }

    [Test]
    public void A_session_that_was_lost_before_it_opened_passes_on_what_was_kept_for_it()
    {
        Begin(Session(1, 0), [1, 2, 3, 4]);
        _sessions.Park();
        Find(Session(2, 0), Session(1, 0), [1, 2, 3, 4, 5]);
        _sessions.Park();

        Assert.That(Find(Session(3, 0), Session(2, 0), [1, 2, 3, 4, 5]).Length, Is.EqualTo(4));
        Assert.That(TryGoOn(Session(3, 0), 4));
        AssertAllIsFreedWith(Session(3, 0));
    }

    [Test]
    public void What_no_session_of_the_pipeline_has_asked_for_is_dropped()
    {
        Begin(Session(1, 0), [1, 2, 3, 4]);
        Begin(Session(1, 1), [5, 6, 7, 8]);
        _sessions.Park();
        Find(Session(2, 0), Session(1, 0), [1, 2, 3, 4, 5]);
        _sessions.DropUnclaimed(new PipelineEpoch(2));
        Assert.That((_sessions.ParkedCount, _runtime.FreePages), Is.EqualTo((1, 5)));

        _sessions.DropUnclaimed(new PipelineEpoch(3));
        Assert.That((_sessions.ParkedCount, _runtime.FreePages, _memory.UsedBytes), Is.EqualTo((0, Pages, 0L)));
    }

    [Test]
    public void A_session_that_needs_the_pages_gets_them()
    {
        Begin(Session(1, 0), [1, 2, 3, 4]);
        Begin(Session(1, 1), [5, 6, 7, 8]);
        _sessions.Park();
        Find(Session(2, 0), Session(1, 0), [1, 2, 3, 4, 5]);

        Assert.That(Place(Part(Session(2, 7), 0, [1, 2])), "all pages were taken");
        Assert.That(TryGoOn(Session(2, 0), 3), Is.False);
        AssertAllIsFreedWith(Session(2, 7));
    }

    [Test]
    public void An_exit_head_that_sleeps_is_told_apart_until_it_has_caught_up()
    {
        var session = Session(1, 0);
        Begin(session, [1, 2, 3, 4]);
        Assert.That(Place(Part(session, 5, [6]) with { SkipsHead = true }));
        Assert.That(Place(Part(session, 6, [7]) with { SkipsHead = true }));
        _sessions.Park();
        var found = Find(Session(2, 0), session, [1, 2, 3, 4, 5, 6, 7]);

        Assert.That((found.Length, found.HeadLength), Is.EqualTo((6, 5)));
    }

    /// <summary>A prompt, its first generated token (the token behind it) and so a verdict on all of the prompt.</summary>
    private void Begin(SessionId session, int[] prompt)
    {
        Assert.That(Place(Part(session, 0, prompt)));
        Assert.That(Place(Part(session, prompt.Length, [prompt[^1] + 1])));
    }

    private bool TryGoOn(SessionId session, int kept) =>
        Place(Part(session, kept, [8]) with { Settings = Settings, Lacking = [] });

    private bool Place(BatchPart part)
    {
        if (_sessions.Place(new WorkItem(Batch(part), HiddenStates.None)) is null)
        {
            return false;
        }

        _sessions.RowsOf(part.Session)!.Add(part, new byte[part.Count * sizeof(long)]);
        return true;
    }

    private static MicroBatch Batch(BatchPart part) => new(new BatchNumber(0), [part]);

    private KeptFound Find(SessionId session, SessionId earlier, int[] text) =>
        _sessions.Find(new FindKept(session, earlier, [.. text.Select(token => new TokenId(token))]));

    private void AssertAllIsFreedWith(SessionId session)
    {
        _sessions.Release(session);
        Assert.That(
            (_sessions.Count, _sessions.ParkedCount, _runtime.FreePages, _memory.UsedBytes),
            Is.EqualTo((0, 0, Pages, 0L))
        );
    }

    /// <summary>Certain tokens from a position on, numbered by position; all before them is verified.</summary>
    private static BatchPart Part(SessionId session, int first, int[] tokens) =>
        new()
        {
            Session = session,
            Run = new RunId(0),
            Base = new VerifiedPath(new CandidateId(first - 1), first),
            Candidates = [.. tokens.Select((_, i) => new CandidateId(first + i))],
            Tokens = [.. tokens.Select(token => new TokenId(token))],
            Parents = [.. tokens.Select((_, i) => new CandidateId(first + i - 1))],
            CertainCount = tokens.Length,
            FirstHeadRow = tokens.Length - 1,
            Settings = first == 0 ? Settings : null,
        };

    private static SessionSettings Settings { get; } =
        new()
        {
            Drafts = DraftSources.None,
            Sampling = SamplingSettings.Greedy,
            MaxWidth = 1,
            ReservedLength = Reserved,
            PromptLength = 2,
        };

    private static SessionId Session(int epoch, int number) => SessionId.Create(new PipelineEpoch(epoch), number);
}
