using Akka.Actor;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Actors.Sessions;
using Ppsd.Actors.Speculation;
using Ppsd.Tests.Support;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Sessions;

/// <summary>How the draft stage goes on with a text of an earlier pipeline; each test plays the stages.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ResumedDraftLoopTests
{
    private const int Stages = 2;
    private const int Pages = 9;

    private static readonly SessionId _earlier = SessionId.Create(new PipelineEpoch(1), 5);

    private readonly ManualClock _clock = new();
    private readonly Stage _stage = new();
    private readonly Client _client = new();

    [Test]
    public void Its_tokens_enter_when_every_stage_has_said_what_it_keeps()
    {
        var loop = Loop();
        loop.Start(Request(), _client);
        var find = _stage.Sent.OfType<FindKept>().Single();
        Assert.That((find.Session, find.Earlier), Is.EqualTo((_client.Session, _earlier)));
        Assert.That(find.Tokens.Select(token => token.Value), Is.EqualTo(new[] { 1, 2, 3, 4 }));
        Assert.That(loop.Next(), Is.Null);

        loop.TakeKept(Kept(0, 3));
        loop.TakeKept(Kept(0, 3));
        Assert.That(loop.Next(), Is.Null, "one has answered twice");
        loop.TakeKept(Kept(1, 2));

        var part = loop.Next()!.Parts[0];
        Assert.That((part.Base.Length, part.Count), Is.EqualTo((2, 2)));
        loop.TakeKept(Kept(1, 1));
        Assert.That(loop.Next(), Is.Null, "a repeat changes nothing");
    }

    [Test]
    public void A_question_is_asked_again_and_without_an_answer_the_whole_text_enters()
    {
        var loop = Loop();
        loop.Start(Request(), _client);
        loop.TakeKept(Kept(0, 3));
        loop.KeepHouse();
        Assert.That(_stage.Sent.OfType<FindKept>().Count(), Is.EqualTo(2));

        _clock.Advance((long)new PipelineOptions().StallTimeout.TotalMicroseconds);
        loop.KeepHouse();
        var part = loop.Next()!.Parts[0];
        Assert.That((part.Base.Length, part.Count), Is.EqualTo((0, 4)));
        loop.TakeKept(Kept(1, 3));
        Assert.That(loop.Next(), Is.Null);
    }

    [Test]
    public void A_session_that_ends_before_the_answers_never_enters()
    {
        var loop = Loop();
        loop.Start(Request(), _client);
        loop.Stop(_client.Session);
        Assert.That(_stage.Sent[^1], Is.EqualTo(new EndSession(_client.Session)));

        loop.TakeKept(Kept(0, 3));
        loop.TakeKept(Kept(1, 3));
        loop.KeepHouse();
        Assert.That(loop.Next(), Is.Null);
    }

    [Test]
    public void A_long_replay_is_no_stall_and_one_that_breaks_off_is()
    {
        var loop = Loop();
        loop.Start(Request(), _client);
        loop.TakeKept(Kept(0, 3));
        loop.TakeKept(Kept(1, 0));
        Assert.That(loop.Next()!.Parts[0].Lacking, Is.EqualTo(new[] { 1 }));

        var patience = (long)new PipelineOptions().StallTimeout.TotalMicroseconds;
        for (var chunk = 0; chunk < 5; chunk++)
        {
            _clock.Advance(patience * 2 / 3);
            loop.NoteReplayed(_client.Session);
            loop.KeepHouse();
            Assert.That(_stage.Stalls, Is.Zero);
        }

        _clock.Advance(patience);
        loop.KeepHouse();
        Assert.That(_stage.Stalls, Is.EqualTo(1));
        Assert.That(loop.Next()!.Parts[0].Count, Is.EqualTo(4), "the whole text");
    }

    [Test]
    public void Where_nothing_is_to_be_kept_nobody_is_asked_and_the_whole_text_enters()
    {
        var loop = Loop(replayMemory: 0);
        loop.Start(Request(), _client);

        Assert.That(_stage.Sent, Is.Empty);
        Assert.That(loop.Next()!.Parts[0].Count, Is.EqualTo(4));
    }

    [Test]
    public void Stages_keep_the_sessions_of_a_lost_pipeline_unless_nothing_is_to_be_kept(
        [Values(0, 1)] int replayMemory
    )
    {
        var loop = Loop(replayMemory);
        loop.Start(Request() with { Earlier = null }, _client);
        loop.Next();
        loop.Close("stage 2 of the pipeline is gone");

        Assert.That(_client.Told[^1], Is.TypeOf<SessionFailed>());
        Assert.That(_stage.Sent.OfType<EndSession>().Count(), Is.EqualTo(replayMemory == 0 ? 1 : 0));
    }

    [Test]
    public void As_many_pages_stay_reserved_as_stages_hold_for_it_and_without_room_for_them_the_whole_text_enters(
        [Values(Pages, Pages + 1)] int pages
    )
    {
        var loop = Loop();
        loop.Start(Request(), _client);
        loop.TakeKept(Kept(0, 3, pages * ToyRuntime.PageSize));
        loop.TakeKept(Kept(1, 3));
        var part = loop.Next()!.Parts[0];

        var fits = pages == Pages;
        Assert.That(part.Base.Length, Is.EqualTo(fits ? 3 : 0));
        Assert.That(
            part.Settings!.ReservedLength,
            fits ? Is.EqualTo(Pages * ToyRuntime.PageSize) : Is.LessThan(Pages * ToyRuntime.PageSize)
        );
    }

    private DraftLoop Loop(long replayMemory = 1)
    {
        var loop = new DraftLoop(_stage, new PipelineOptions { ReplayMemory = replayMemory }, _clock);
        loop.Open(
            new PipelineFormed(
                new PipelineEpoch(2),
                [
                    .. Enumerable
                        .Range(0, Stages)
                        .Select(stage => new PipelineStage(
                            ActorRefs.Nobody,
                            new ToyRuntime(new ToyModel(9), stage, Stages, pageCount: Pages).Description
                        )),
                ],
                ""
            )
        );
        return loop;
    }

    private KeptFound Kept(int stage, int length, int reserved = 20) =>
        new(_client.Session, new StageIndex(stage), length, length, length, reserved);

    private static StartSession Request() =>
        ToyPipeline.Request([1, 2], maxTokens: 8, DraftSources.None) with
        {
            Generated = [new TokenId(3), new TokenId(4)],
            Attempt = 1,
            Earlier = _earlier,
        };

    private sealed class Client : ISessionClient
    {
        public List<object> Told { get; } = [];

        public SessionId Session => Told.OfType<SessionStarted>().First().Session;

        public void Tell(IWireMessage message) => Told.Add(message);
    }

    private sealed class Stage : IDraftLoopPort
    {
        public List<IWireMessage> Sent { get; } = [];

        public void SendToStages(IWireMessage message) => Sent.Add(message);

        public void SendAgain(StageIndex stage, EndSession message) { }

        public void Watch(ISessionClient client) { }

        public void Unwatch(ISessionClient client) { }

        public void RequestWork() { }

        public DraftedToken[] DraftBehind(SessionId session, WaitingToken waiting) => [];

        public void NoteRejection(SessionId session, long arrivedAt) { }

        public int Stalls { get; private set; }

        public void NoteStall(SessionId session) => Stalls++;
    }
}
