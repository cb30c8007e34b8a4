using Akka.Actor;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Stages;

namespace Ppsd.Host.Bench.Cancels;

/// <summary>
/// How long a cancel takes to have effect at a stage whose queue is full: the stage actor and mailbox of production, a
/// device that spins for a given time per layer, and this benchmark in place of the stages before and after.
/// </summary>
internal sealed class CancelBench(CancelBenchSettings settings, TimeProvider clock)
{
    private static readonly PipelineEpoch _epoch = new(1);

    /// <summary>Runs the benchmark.</summary>
    public async Task<CancelBenchResult> RunAsync(CancellationToken cancellation)
    {
        var config = PpsdConfig.Load(NodeRole.Local);
        using var system = ActorSystem.Create("cancel-bench", config);
        var runtime = new SpinningRuntime(settings, clock);
        var ready = new TaskCompletionSource<StageReady>(TaskCreationOptions.RunContinuationsAsynchronously);
        var neighbour = system.ActorOf(Props.Create(() => new Neighbour(ready)));
        var setup = new StageSetup(
            new StageIndex(1),
            () => runtime,
            neighbour,
            PpsdConfig.PipelineOptions(config),
            clock
        );
        var stage = system.ActorOf(setup.Props);
        var member = (await ready.Task).Member;
        var other = new PipelineStage(neighbour, runtime.Description);
        stage.Tell(new PipelineFormed(_epoch, [other, member, other], ""));

        var trials = new List<CancelTrial>();
        for (var i = 0; i < settings.Trials && !cancellation.IsCancellationRequested; i++)
        {
            trials.Add(await RunTrialAsync(stage, runtime, i, cancellation));
        }

        await system.Terminate();
        return new CancelBenchResult(settings, trials);
    }

    private async Task<CancelTrial> RunTrialAsync(
        IActorRef stage,
        SpinningRuntime runtime,
        int trial,
        CancellationToken cancellation
    )
    {
        var session = SessionId.Create(_epoch, trial);
        var watch = runtime.Watch(session);
        for (var i = 0; i < settings.QueueLength; i++)
        {
            stage.Tell(new Forward(Batch(session, run: 0, candidate: i), Hidden()));
        }

        // The queue is full and the stage is somewhere inside its first item, at a different place in each trial.
        await watch.Begun.WaitAsync(cancellation);
        SpinFor(settings.LayerMs * settings.Layers * (trial % 16 + 1) / 20);

        var sent = clock.GetTimestamp();
        stage.Tell(new Cancel(session, new RunId(1), []));
        stage.Tell(new Forward(Batch(session, run: 1, candidate: settings.QueueLength), Hidden()));
        await watch.Restarted.WaitAsync(cancellation);

        // A cancel that came after the item's last layer had nothing to abandon; its effect is then the restart.
        var effective = watch.AbandonedAt > sent ? watch.AbandonedAt : watch.RestartedAt;
        return new CancelTrial(
            clock.GetElapsedTime(sent, effective).TotalMilliseconds,
            clock.GetElapsedTime(sent, watch.RestartedAt).TotalMilliseconds,
            watch.StepsBegun - 2
        );
    }

    private void SpinFor(double ms)
    {
        var started = clock.GetTimestamp();
        while (clock.GetElapsedTime(started).TotalMilliseconds < ms)
        {
            Thread.SpinWait(20);
        }
    }

    private static HiddenStates Hidden() => HiddenStates.Keep(new byte[16]);

    private static MicroBatch Batch(SessionId session, int run, int candidate) =>
        new(new BatchNumber(candidate), [Part(session, run, candidate)]);

    private static BatchPart Part(SessionId session, int run, int candidate) =>
        new()
        {
            Session = session,
            Run = new RunId(run),
            Base = VerifiedPath.Empty,
            Candidates = [new CandidateId(candidate)],
            Tokens = [new TokenId(0)],
            Parents = [new CandidateId(candidate - 1)],
            CertainCount = 0,
            FirstHeadRow = 0,
            Settings = new SessionSettings
            {
                Drafts = DraftSources.ExitHead,
                Sampling = SamplingSettings.Greedy,
                MaxWidth = 1,
                ReservedLength = 1,
                PromptLength = 1,
            },
        };

    /// <summary>Receives the messages meant for the stages before and after.</summary>
    private sealed class Neighbour : ReceiveActor
    {
        public Neighbour(TaskCompletionSource<StageReady> ready)
        {
            Receive<StageReady>(report => ready.TrySetResult(report));
            Receive<Forward>(forward => Sender.Tell(new Credit(forward.Batch.Number)));
            ReceiveAny(_ => { });
        }
    }
}
