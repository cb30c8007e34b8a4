using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;
using Ppsd.Actors.Stages;
using Ppsd.Tests.Support;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Stages;

/// <summary>What a stage does with a micro-batch, without an actor: each test is the source, the sink and the next stage.</summary>
[Parallelizable(ParallelScope.All)]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class StageWorkerTests
{
    private static readonly SessionId _session = TestBatches.Session(1);

    private readonly CancelBoard _board = new();
    private readonly List<string> _order = [];
    private readonly ToyModel _model = new(6);

    [Test]
    public void Hidden_states_go_on_before_the_exit_head_drafts()
    {
        var worker = Worker(new ToyRuntime(_model, 0, 2, ToyDrafters.AlwaysRight));

        var completed = Run(worker, Prompt(firstHeadRow: 1), isLast: false);

        Assert.That((completed, _order), Is.EqualTo((0, new[] { "hidden states of 2 rows", "drafts" })));
    }

    [Test]
    public void The_last_stage_drafts_before_it_judges()
    {
        WorkItem? handedOver = null;
        Worker(new ToyRuntime(_model, 0, 2))
            .Run(Item(Prompt(firstHeadRow: 1)), isLast: false, item => handedOver = item, onQueued: null);

        var worker = Worker(new ToyRuntime(_model, 1, 2, ToyDrafters.AlwaysRight, draftDepth: 2));
        worker.Run(handedOver!, isLast: true, _ => { }, onQueued: null);

        Assert.That(_order, Is.EqualTo(new[] { "drafts", "verdict 1" }));
    }

    [Test]
    public void An_only_stage_leaves_its_chain_to_the_verified_token()
    {
        var worker = Worker(new ToyRuntime(_model, 0, 1, ToyDrafters.AlwaysRight, draftDepth: 2));

        Run(worker, Prompt(firstHeadRow: 1), isLast: true);

        Assert.That(_order, Is.EqualTo(new[] { "verdict 1" }));
        Assert.That(
            worker.DraftBehind(_session, new WaitingToken(new CandidateId(1), new TokenId(3), 0)),
            Has.Length.EqualTo(2)
        );
    }

    [Test]
    public void A_chunk_of_a_prompt_that_needs_no_successor_gets_no_verdict()
    {
        var worker = Worker(new ToyRuntime(_model, 0, 1));

        Run(worker, Prompt(firstHeadRow: 2) with { IsDrafting = false }, isLast: true);

        Assert.That(_order, Is.Empty);
        Assert.That(worker.OpenSessions, Is.EqualTo(1));
    }

    [Test]
    public void Dead_work_runs_no_layer_and_counts_as_cancelled()
    {
        var runtime = new ToyRuntime(_model, 0, 1);
        var worker = Worker(runtime);
        _board.Raise(new Cancel(_session, new RunId(1), []));

        var completed = Run(worker, Prompt(firstHeadRow: 1), isLast: true);

        Assert.That(
            (completed, runtime.StepsRun, worker.Meter.CancelledSteps, _order.Count),
            Is.EqualTo((0, 0, 1L, 0))
        );
    }

    [Test]
    public void A_run_that_dies_between_two_layers_hands_nothing_over()
    {
        var looks = 0;
        var worker = Worker(new ToyRuntime(_model, 0, 2, ToyDrafters.AlwaysRight), isDead: _ => ++looks == 3);

        Run(worker, Prompt(firstHeadRow: 1), isLast: false);

        Assert.That((_order.Count, worker.Meter.CancelledSteps), Is.EqualTo((0, 1L)));
    }

    [Test]
    public void A_part_whose_beginning_was_lost_is_a_gap()
    {
        var worker = Worker(new ToyRuntime(_model, 1, 2));

        Run(worker, TestBatches.Part(1, firstCandidate: 4), isLast: true);

        Assert.That(_order, Is.EqualTo(new[] { "gap in run 0" }));
    }

    [Test]
    public void A_session_that_finds_no_page_is_the_only_one_to_end()
    {
        var worker = Worker(new ToyRuntime(_model, 0, 1, pageCount: 2));
        Run(worker, Prompt(firstHeadRow: 1), isLast: true);

        Run(worker, Prompt(firstHeadRow: 1) with { Session = TestBatches.Session(2) }, isLast: true);

        Assert.That(_order, Is.EqualTo(new[] { "verdict 1", "session 1.2: needs 2 pages, 0 are free" }));
    }

    [Test]
    public void After_a_failed_step_its_sessions_end_with_the_reason_and_its_memory_is_given_back()
    {
        var worker = Worker(
            new ToyRuntime(_model, 0, 1, onForward: _ => throw new InvalidOperationException("the step slipped"))
        );
        var item = Item(Prompt(firstHeadRow: 1));

        var failure = Assert.Throws<InvalidOperationException>(() => worker.Run(item, true, _ => { }, null))!;

        Assert.That(worker.TryRecover(item.Batch, failure));
        Assert.That(_order, Is.EqualTo(new[] { "session 1.1: stage 1 failed: the step slipped" }));
    }

    private StageWorker Worker(ToyRuntime runtime, Func<MicroBatch, bool>? isDead = null) =>
        new(
            new StageIndex(runtime.Description.FirstLayer / runtime.Description.LayerCount),
            runtime,
            _board,
            isDead ?? _board.IsDead,
            new Sink(_order),
            new ManualClock()
        );

    private int Run(StageWorker worker, BatchPart part, bool isLast) =>
        worker.Run(Item(part), isLast, item => _order.Add($"hidden states of {item.Batch.Count} rows"), onQueued: null);

    private static WorkItem Item(BatchPart part) => new(new MicroBatch(new BatchNumber(1), [part]), HiddenStates.None);

    /// <summary>A prompt of two tokens that drafts.</summary>
    private static BatchPart Prompt(int firstHeadRow) =>
        TestBatches.Part(1, firstCandidate: 0, isCertain: true, count: 2) with
        {
            FirstHeadRow = firstHeadRow,
            IsDrafting = true,
            Settings = MisfitBatches.Settings with { MaxWidth = 2, ReservedLength = 8, PromptLength = 2 },
        };

    private sealed class Sink(List<string> order) : IVerdictSink
    {
        public void Take(Drafts drafts) => order.Add("drafts");

        public void Take(Verdicts verdicts) =>
            order.AddRange(verdicts.Sessions.Select(own => $"verdict {own.Candidates[0].Value}"));

        public void Take(GapSeen gap) => order.Add($"gap in run {gap.Run.Value}");

        public void Take(StageFault fault) => order.Add($"{fault.Session}: {fault.Reason}");
    }
}
