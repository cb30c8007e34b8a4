using Akka.Actor;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Mailboxes;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Actors.Sessions;
using Ppsd.Actors.Speculation;
using Ppsd.Actors.Stages;
using Ppsd.Tests.Support;
using Ppsd.Tests.Support.Toys;
using static Ppsd.Tests.Actors.Speculation.ScriptedSession;

namespace Ppsd.Tests.Actors.Stages;

/// <summary>Where a stage's work comes from, without an actor.</summary>
[Parallelizable(ParallelScope.All)]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class WorkSourceTests : IStagePort, IDraftLoopPort, IWaitingVerdicts, ISessionClient
{
    private readonly CancelBoard _board = new();
    private readonly List<string> _refused = [];
    private readonly List<Verdicts> _waiting = [];
    private readonly List<IWireMessage> _told = [];
    private int _requests;

    int IWaitingVerdicts.VerdictArrivals => _waiting.Count;

    IEnumerable<Verdicts> IWaitingVerdicts.WaitingVerdicts => _waiting;

    private SessionId Session => _told.OfType<SessionStarted>().Single().Session;

    [Test]
    public void A_later_stage_works_on_what_the_stage_before_sent_in_this_formation()
    {
        var source = Queue();
        var forward = new Forward(Batch(), HiddenStates.Keep(new byte[8]));
        Take(source, forward);
        Assert.That(source.Next(), Is.Null, "no pipeline yet");

        source.Open(Pipeline(stages: 2));
        Take(source, forward);

        Assert.That((source.Count, _requests), Is.EqualTo((1, 1)));
        Assert.That(source.Next()!.Batch, Is.SameAs(forward.Batch));
        source.Close("stage 1 is gone");
        Take(source, forward);
        Assert.That(source.Next(), Is.Null, "no pipeline any more");
    }

    [Test]
    public void A_later_stage_drops_what_does_not_fit_it_and_takes_nothing_of_clients()
    {
        var source = Queue();
        source.Open(Pipeline(stages: 2));
        foreach (var (_, misfit) in MisfitBatches.All)
        {
            Take(source, misfit);
        }

        Assert.That(source.Count, Is.Zero);
        Assert.That(_refused, Is.EqualTo(MisfitBatches.All.Select(misfit => $"a micro-batch: {misfit.Complaint}")));
        Assert.That(source.TryTake(ToyPipeline.Request([1], 4), () => this), Is.False);
    }

    [Test]
    public void The_first_stage_works_on_what_the_draft_loop_says()
    {
        var source = Loop();
        Take(source, ToyPipeline.Request([1, 2], maxTokens: 4));

        Assert.That(Tokens(source.Next()!.Batch.Parts[0]), Is.EqualTo(new[] { 1, 2 }));
        Assert.That(source.Sessions!.Running, Is.EqualTo(1));
    }

    [Test]
    public void The_first_stage_drops_tokens_that_its_model_does_not_have()
    {
        var source = Loop();
        Take(source, ToyPipeline.Request([1, 2], maxTokens: 4));
        var run = source.Next()!.Batch.Parts[0].Run;

        Take(source, new Drafts(Session, run, [Drafted(1, 99, -0.1f)]));
        Take(source, new Verdicts([new SessionVerdicts(Session, run, Ids(1), Tokens(99))]));
        Take(source, new Forward(Batch(), HiddenStates.None));

        Assert.That(
            _refused,
            Is.EqualTo(
                new[]
                {
                    "drafts: token: expected 0 to 5, found 99",
                    "verdicts: token: expected 0 to 5, found 99",
                    "a micro-batch: the first stage takes no hidden states",
                }
            )
        );
        Assert.That(source.Next(), Is.Null, "nothing of them came to the session");
    }

    [Test]
    public void A_verdict_that_waits_kills_the_work_that_it_will_reject()
    {
        var source = Loop();
        Take(source, ToyPipeline.Request([1, 2], maxTokens: 4));
        var prompt = source.Next()!.Batch.Parts[0];
        Take(source, new Drafts(Session, prompt.Run, [Drafted(1, 3, -0.1f)]));
        var draft = source.Next()!.Batch;
        Assert.That(source.IsDead(draft), Is.False);

        _waiting.Add(new Verdicts([new SessionVerdicts(Session, prompt.Run, Ids(1), Tokens(4))]));

        Assert.That(source.IsDead(draft));
    }

    void IStagePort.RequestWork() => _requests++;

    void IStagePort.Refuse(string message, string reason) => _refused.Add($"{message}: {reason}");

    void IDraftLoopPort.SendToStages(IWireMessage message) { }

    void IDraftLoopPort.SendAgain(StageIndex stage, EndSession message) { }

    void IDraftLoopPort.Watch(ISessionClient client) { }

    void IDraftLoopPort.Unwatch(ISessionClient client) { }

    void IDraftLoopPort.RequestWork() { }

    DraftedToken[] IDraftLoopPort.DraftBehind(SessionId session, WaitingToken waiting) => [];

    void IDraftLoopPort.NoteRejection(SessionId session, long arrivedAt) { }

    void IDraftLoopPort.NoteStall(SessionId session) { }

    void ISessionClient.Tell(IWireMessage message) => _told.Add(message);

    private void Take(IWorkSource source, object message) => Assert.That(source.TryTake(message, () => this));

    private QueueSource Queue() => new(Intake(stage: 1), _board, this);

    private DraftLoopSource Loop()
    {
        var loop = new DraftLoop(this, new PipelineOptions(), new ManualClock());
        var source = new DraftLoopSource(loop, Intake(stage: 0), _board, this, this);
        source.Open(Pipeline(stages: 1));
        return source;
    }

    private static StageIntake Intake(int stage) =>
        new(new StageIndex(stage), new ToyRuntime(new ToyModel(6), stage, 2).Description);

    private static MicroBatch Batch() => new(new BatchNumber(1), [TestBatches.Part(1, firstCandidate: 0)]);

    private static PipelineFormed Pipeline(int stages) =>
        new(
            new PipelineEpoch(1),
            [
                .. Enumerable
                    .Range(0, stages)
                    .Select(stage => new PipelineStage(
                        ActorRefs.Nobody,
                        new ToyRuntime(
                            new ToyModel(6),
                            stage,
                            stages,
                            stage == 0 ? ToyDrafters.AlwaysRight : null
                        ).Description
                    )),
            ],
            ""
        );
}
