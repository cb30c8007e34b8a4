using Akka.Actor;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Actors.Sessions;
using Ppsd.Actors.Speculation;
using Ppsd.Tests.Support;
using Ppsd.Tests.Support.Toys;
using static Ppsd.Tests.Actors.Speculation.ScriptedSession;

namespace Ppsd.Tests.Actors.Sessions;

/// <summary>A session's life at the draft stage, without an actor: each test plays the stages and the clients.</summary>
public sealed class DraftLoopTests
{
    private const int Stages = 2;
    private readonly ManualClock _clock = new();
    private Stage _stage = null!;
    private DraftLoop _loop = null!;

    [SetUp]
    public void Open()
    {
        _stage = new Stage();
        _loop = new DraftLoop(_stage, new PipelineOptions { MaxWaitingSessions = 1 }, _clock);
        _loop.Open(Pipeline(pages: 9));
    }

    [Test]
    public void A_session_is_told_of_its_tokens_and_its_end_and_then_released_everywhere()
    {
        var client = new Client();
        _loop.Start(Request(maxTokens: 2), client);

        var entered = Run(client, 4, 5);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(entered.Select(Tokens), Is.EqualTo(new int[][] { [1, 2], [4] }));
            Assert.That(client.Told[0], Is.EqualTo(Started(client)));
            Assert.That(client.Tokens, Is.EqualTo(new[] { 4, 5 }));
            Assert.That(client.Told[^1], Is.TypeOf<SessionEnded>());
            Assert.That(_stage.Sent[^1], Is.EqualTo(new EndSession(client.Session)));
            Assert.That(_stage.Watched, Is.Empty);
        }
    }

    [Test]
    public void A_draft_of_the_exit_head_enters_next()
    {
        var client = new Client();
        _loop.Start(Request(), client);
        var prompt = _loop.Next()!.Parts[0];
        Assert.That(prompt.IsDrafting);

        _loop.TakeDrafts(new Drafts(client.Session, prompt.Run, [Drafted(1, 7, -0.1f)]));

        Assert.That(_stage.IsWorkRequested);
        Assert.That(Tokens(_loop.Next()!.Parts[0]), Is.EqualTo(new[] { 7 }));
    }

    [Test]
    public void A_verdict_that_no_draft_matches_cancels_the_run_at_every_stage()
    {
        var client = new Client();
        _loop.Start(Request(), client);
        var prompt = _loop.Next()!.Parts[0];
        _loop.TakeDrafts(new Drafts(client.Session, prompt.Run, [Drafted(1, 7, -0.1f)]));
        var draft = _loop.Next()!;
        var verdicts = new SessionVerdicts(client.Session, prompt.Run, Ids(1), Tokens(4));
        Assert.That(_loop.WillDie(draft, [new Verdicts([verdicts])]));

        _loop.TakeVerdicts(verdicts, arrivedAt: 17, stageMs: 0);

        var cancel = _stage.Sent.OfType<Cancel>().Single();
        using (Assert.EnterMultipleScope())
        {
            Assert.That((cancel.Floor, cancel.Branch), Is.EqualTo((prompt.Run.Next, Array.Empty<CandidateId>())));
            Assert.That(_stage.Rejection, Is.EqualTo((client.Session, 17L)));
        }
    }

    [Test]
    public void A_client_that_asks_again_has_one_session_and_is_told_so()
    {
        var client = new Client();
        _loop.Start(Request(), client);
        _loop.Start(Request(), client);

        Assert.That(client.Told, Is.EqualTo(new object[] { Started(client), Started(client) }));
        Assert.That(_loop.Totals.Running, Is.EqualTo(1));
    }

    [Test]
    public void A_text_that_another_pipeline_began_goes_on_behind_what_it_had()
    {
        var client = new Client();
        _loop.Start(Request(maxTokens: 4) with { Generated = Tokens(4, 5), Attempt = 1 }, client);

        var entered = Run(client, 6, 7);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(client.Told[0], Is.EqualTo(Started(client, attempt: 1)));
            Assert.That(entered.Select(Tokens), Is.EqualTo(new int[][] { [1, 2, 4, 5], [6] }));
            Assert.That(entered[0].Settings!.PromptLength, Is.EqualTo(2), "penalties know what was generated");
            Assert.That(
                client.Told.OfType<TokensEmitted>().Select(told => told.FirstIndex),
                Is.EqualTo(new[] { 2, 3 })
            );
            var stats = ((SessionEnded)client.Told[^1]).Stats;
            Assert.That((stats.PromptTokens, stats.GeneratedTokens), Is.EqualTo((2, 4)));
        }
    }

    [Test]
    public void A_later_attempt_of_a_client_takes_the_place_of_an_earlier_one_and_not_the_other_way_round()
    {
        var client = new Client();
        _loop.Start(Request(), client);
        var first = client.Session;
        _loop.Start(Request() with { Attempt = 1 }, client);
        Assert.That(client.Told, Has.Count.EqualTo(2), "it waits for the pages of the first");
        _loop.NoteReleased(new SessionReleased(first, new StageIndex(0)));
        _loop.NoteReleased(new SessionReleased(first, new StageIndex(1)));
        _loop.Start(Request(), client);

        var told = client.Told.OfType<SessionStarted>().ToList();
        Assert.That(told.Select(started => started.Attempt), Is.EqualTo(new[] { 0, 1, 1 }));
        Assert.That(told[2].Session, Is.EqualTo(told[1].Session).And.Not.EqualTo(first));
        Assert.That(_loop.Totals.Running, Is.EqualTo(1));
    }

    [TestCase(8, "", "generated tokens: expected fewer than the 8 of the limit, found 8")]
    [TestCase(1, "other: layers 1-8", "the text was begun by other: layers 1-8, and would go on in other numbers by")]
    public void A_text_that_cannot_go_on_identically_is_refused(int generated, string arithmetic, string reason)
    {
        var client = new Client();
        _loop.Start(
            Request() with
            {
                Generated = Tokens(new int[generated]),
                Arithmetic = arithmetic,
                Attempt = 1,
            },
            client
        );

        var refused = (SessionRefused)client.Told.Single();
        Assert.That(refused.Kind, Is.EqualTo(RefusalKind.BadRequest));
        Assert.That(refused.Reason, Does.StartWith(reason));
    }

    [Test]
    public void A_request_that_finds_no_memory_waits_until_every_stage_has_released_another()
    {
        Client first = new(),
            second = new(),
            third = new();
        _loop.Start(Request(), first);
        _loop.Start(Request(), second);
        _loop.Start(Request(), third);
        Assert.That(second.Told, Is.EqualTo(new object[] { new SessionQueued(1) }));
        Assert.That(third.Told, Has.One.TypeOf<SessionRefused>(), "one may wait");

        _loop.Stop(first.Session);
        _loop.NoteReleased(new SessionReleased(first.Session, new StageIndex(0)));
        Assert.That(second.Told, Has.Count.EqualTo(1), "stage 2 still holds the pages");
        _loop.NoteReleased(new SessionReleased(first.Session, new StageIndex(1)));

        Assert.That(second.Told[^1], Is.TypeOf<SessionStarted>());
    }

    [Test]
    public void A_stage_that_has_not_answered_is_asked_again_and_no_other()
    {
        var client = new Client();
        _loop.Start(Request(), client);
        _loop.Stop(client.Session);
        _loop.NoteReleased(new SessionReleased(client.Session, new StageIndex(0)));

        _loop.KeepHouse();

        Assert.That(_stage.SentAgain, Is.EqualTo(new[] { (new StageIndex(1), new EndSession(client.Session)) }));
    }

    [Test]
    public void A_session_of_which_nothing_comes_back_starts_a_new_run_and_waits_longer_each_time()
    {
        var client = new Client();
        _loop.Start(Request(), client);
        _loop.Next();
        var timeout = new PipelineOptions().StallTimeout;

        _clock.Advance((long)timeout.TotalMicroseconds);
        _loop.KeepHouse();
        _clock.Advance((long)timeout.TotalMicroseconds);
        _loop.KeepHouse();

        Assert.That(_stage.Stalls, Is.EqualTo(1), "the patience doubles");
        var again = _loop.Next()!.Parts[0];
        Assert.That((again.Run.Value, Tokens(again)), Is.EqualTo((1, new[] { 1, 2 })));
    }

    [Test]
    public void A_lost_client_takes_its_session_and_its_place_in_the_queue_with_it()
    {
        Client first = new(),
            second = new();
        _loop.Start(Request(), first);
        _loop.Start(Request(), second);

        _loop.LoseClient(second);
        _loop.LoseClient(first);

        var totals = _loop.Totals;
        Assert.That((totals.Running, totals.Waiting, totals.Ended), Is.EqualTo((0, 0, 1)));
        Assert.That(_loop.Next(), Is.Null);
    }

    [Test]
    public void A_lost_pipeline_fails_its_sessions_and_refuses_what_waits_or_comes()
    {
        Client first = new(),
            second = new(),
            third = new();
        _loop.Start(Request(), first);
        _loop.Start(Request(), second);

        _loop.Close("stage 2 is gone");
        _loop.Start(Request(), third);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                first.Told[^1],
                Is.EqualTo(new SessionFailed(first.Session, "stage 2 is gone", IsFault: false))
            );
            Assert.That(second.Told[^1], Is.EqualTo(new SessionRefused(RefusalKind.Unavailable, "stage 2 is gone")));
            Assert.That(third.Told[^1], Is.TypeOf<SessionRefused>());
        }
    }

    [Test]
    public void A_reader_that_lags_gets_its_end_behind_its_last_token()
    {
        var client = new Client();
        _loop.Start(Request(maxTokens: 2) with { Window = 1 }, client);
        Run(client, 4, 5);
        Assert.That(client.Tokens, Is.EqualTo(new[] { 4 }));

        _loop.NoteRead(new TokenCredit(client.Session, 1));

        Assert.That(client.Tokens, Is.EqualTo(new[] { 4, 5 }));
        Assert.That(client.Told[^1], Is.TypeOf<SessionEnded>());
    }

    [Test]
    public void A_verified_token_with_no_draft_behind_it_enters_with_those_that_a_chain_adds()
    {
        _stage.Chain = [5, 6];
        _loop.Open(Pipeline(pages: 90, draftDepth: 3));
        var client = new Client();
        _loop.Start(Request() with { MaxWidth = 4 }, client);
        var prompt = _loop.Next()!.Parts[0];
        _loop.TakeVerdicts(
            new SessionVerdicts(client.Session, prompt.Run, Ids(1), Tokens(4)),
            arrivedAt: 0,
            stageMs: 0
        );

        var entered = _loop.Next()!.Parts[0];

        using (Assert.EnterMultipleScope())
        {
            Assert.That(_stage.DraftedBehind, Is.EqualTo(new[] { new WaitingToken(Ids(1)[0], new TokenId(4)) }));
            Assert.That(Tokens(entered), Is.EqualTo(new[] { 4, 5, 6 }));
            Assert.That(entered.CertainCount, Is.EqualTo(1));
            Assert.That(entered.Parents, Is.EqualTo(Ids(1, 2, 3)));
        }
    }

    [TestCase(1, 3, TestName = "Without_room_beside_a_verified_token_no_chain_drafts_behind_it")]
    [TestCase(4, 1, TestName = "A_head_that_is_no_chain_drafts_behind_no_token")]
    public void Nothing_drafts_behind_a_verified_token(int width, int draftDepth)
    {
        _stage.Chain = [5, 6];
        _loop.Open(Pipeline(pages: 90, draftDepth));
        var client = new Client();
        _loop.Start(Request() with { MaxWidth = width }, client);
        var prompt = _loop.Next()!.Parts[0];
        _loop.TakeVerdicts(
            new SessionVerdicts(client.Session, prompt.Run, Ids(1), Tokens(4)),
            arrivedAt: 0,
            stageMs: 0
        );

        Assert.That(Tokens(_loop.Next()!.Parts[0]), Is.EqualTo(new[] { 4 }));
        Assert.That(_stage.DraftedBehind, Is.Empty);
    }

    [Test]
    public void A_verified_token_that_brings_drafts_along_needs_no_more_of_them()
    {
        _stage.Chain = [5, 6];
        _loop.Open(Pipeline(pages: 90, draftDepth: 3));
        var client = new Client();
        _loop.Start(Request() with { MaxWidth = 4 }, client);
        var prompt = _loop.Next()!.Parts[0];
        _loop.TakeDrafts(
            new Drafts(client.Session, prompt.Run, [Drafted(1, 4, -0.1f), Drafted(1, 7, -0.1f) with { Step = 1 }])
        );
        _loop.TakeVerdicts(
            new SessionVerdicts(client.Session, prompt.Run, Ids(1), Tokens(4)),
            arrivedAt: 0,
            stageMs: 0
        );

        Assert.That(Tokens(_loop.Next()!.Parts[0]), Is.EqualTo(new[] { 4, 7 }));
        Assert.That(_stage.DraftedBehind, Is.Empty);
    }

    /// <summary>Plays the stages for a session alone: each part's last candidate gets the next verdict.</summary>
    private List<BatchPart> Run(Client client, params int[] verdicts)
    {
        var entered = new List<BatchPart>();
        foreach (var verdict in verdicts)
        {
            var part = _loop.Next()!.Parts[0];
            entered.Add(part);
            _loop.TakeVerdicts(
                new SessionVerdicts(client.Session, part.Run, [part.Candidates[^1]], Tokens(verdict)),
                arrivedAt: 0,
                stageMs: 0
            );
            _loop.SendNews();
        }

        return entered;
    }

    private static SessionStarted Started(Client client, int attempt = 0) =>
        new(client.Session, attempt, MaxTokens: 0, PipelineArithmetic.Of(Pipeline(pages: 9)));

    private static StartSession Request(int maxTokens = 8) => ToyPipeline.Request([1, 2], maxTokens);

    /// <summary>Room for one session of <see cref="Request"/>.</summary>
    private static PipelineFormed Pipeline(int pages, int draftDepth = 1) =>
        new(
            new PipelineEpoch(draftDepth),
            [
                .. Enumerable
                    .Range(0, Stages)
                    .Select(stage => new PipelineStage(
                        ActorRefs.Nobody,
                        new ToyRuntime(
                            new ToyModel(9),
                            stage,
                            Stages,
                            stage == 0 ? ToyDrafters.AlwaysRight : null,
                            pages,
                            draftDepth: draftDepth
                        ).Description
                    )),
            ],
            ""
        );

    private sealed class Client : ISessionClient
    {
        public List<object> Told { get; } = [];

        public SessionId Session => Told.OfType<SessionStarted>().First().Session;

        public int[] Tokens =>
            [.. Told.OfType<TokensEmitted>().SelectMany(told => told.Tokens).Select(token => token.Value)];

        public void Tell(IWireMessage message) => Told.Add(message);
    }

    private sealed class Stage : IDraftLoopPort
    {
        public List<IWireMessage> Sent { get; } = [];

        public List<(StageIndex, EndSession)> SentAgain { get; } = [];

        public HashSet<ISessionClient> Watched { get; } = [];

        public bool IsWorkRequested { get; private set; }

        public (SessionId, long) Rejection { get; private set; }

        public int Stalls { get; private set; }

        public void SendToStages(IWireMessage message) => Sent.Add(message);

        public void SendAgain(StageIndex stage, EndSession message) => SentAgain.Add((stage, message));

        public void Watch(ISessionClient client) => Watched.Add(client);

        public void Unwatch(ISessionClient client) => Watched.Remove(client);

        public void RequestWork() => IsWorkRequested = true;

        public List<WaitingToken> DraftedBehind { get; } = [];

        /// <summary>Tokens that the chain drafts behind a waiting token, one a step.</summary>
        public int[] Chain { get; set; } = [];

        public DraftedToken[] DraftBehind(SessionId session, WaitingToken waiting)
        {
            DraftedBehind.Add(waiting);
            return
            [
                .. Chain.Select(
                    (token, i) => new DraftedToken(waiting.Parent, new TokenId(token), LogProbability: -0.1f, i + 1)
                ),
            ];
        }

        public void NoteRejection(SessionId session, long arrivedAt) => Rejection = (session, arrivedAt);

        public void NoteStall(SessionId session) => Stalls++;
    }
}
