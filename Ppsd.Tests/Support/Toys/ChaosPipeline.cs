using Akka.Actor;
using Ppsd.Actors.Client;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Local;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Actors.Stages;

namespace Ppsd.Tests.Support.Toys;

/// <summary>Toy stages that know each other only through <see cref="ChaosProxy"/>.</summary>
internal sealed class ChaosPipeline : IAsyncDisposable
{
    private readonly ActorSystem _system;

    private ChaosPipeline(ActorSystem system, PipelineFormed direct, PpsdClient client)
    {
        _system = system;
        Direct = direct;
        Client = client;
    }

    public ToyModel Model { get; } = new(5);

    public PpsdClient Client { get; }

    private PipelineFormed Direct { get; }

    public static async Task<ChaosPipeline> StartAsync(
        int stageCount,
        ToyDrafter drafter,
        int seed,
        double loss,
        int parallelStages = 0,
        bool losesCredits = false,
        int draftDepth = 1
    )
    {
        var system = ActorSystem.Create(
            "chaos",
            PpsdConfig.Load(
                NodeRole.Local,
                overrides: "akka.loglevel = OFF\nakka.stdout-loglevel = OFF\nakka.scheduler.tick-duration = 20ms"
            )
        );
        var options = new PipelineOptions
        {
            StallTimeout = TimeSpan.FromMilliseconds(loss > 0 || losesCredits ? 60 : 5000),
            HousekeepingInterval = TimeSpan.FromMilliseconds(20),
            PrefillChunk = 3,
            ParallelStages = parallelStages,
        };
        var formed = new TaskCompletionSource<PipelineFormed>();
        system.ActorOf(
            Props.Create(() => new Parent(stageCount, drafter, draftDepth, options, seed, loss, losesCredits, formed))
        );
        var direct = await formed.Task;
        return new ChaosPipeline(system, direct, new PpsdClient(system, direct.Stages[0].Actor));
    }

    public async Task AssertNothingHeldAsync()
    {
        for (var attempt = 0; attempt < 1000; attempt++)
        {
            var status = await PipelineStatus.AskAsync(Direct);
            if (status.All(stage => stage is { OpenSessions: 0, UsedPages: 0, QueueLength: 0, SentRowBytes: 0 }))
            {
                return;
            }

            await Task.Delay(10);
        }

        Assert.Fail("pages or sessions are still held after ten seconds");
    }

    public async ValueTask DisposeAsync() => await _system.Terminate();

    private sealed class Parent : ReceiveActor
    {
        public Parent(
            int stageCount,
            ToyDrafter drafter,
            int draftDepth,
            PipelineOptions options,
            int seed,
            double loss,
            bool losesCredits,
            TaskCompletionSource<PipelineFormed> done
        )
        {
            var model = new ToyModel(5);
            var stages = new PipelineStage[stageCount];
            var ready = 0;
            for (var i = 0; i < stageCount; i++)
            {
                var stage = i;
                var setup = new StageSetup(
                    new StageIndex(i),
                    () =>
                        new ToyRuntime(
                            model,
                            stage,
                            stageCount,
                            stage == 0 ? drafter : null,
                            draftDepth: draftDepth,
                            maxWidth: 16
                        ),
                    Self,
                    options,
                    TimeProvider.System
                );
                Context.ActorOf(setup.Props);
            }

            Receive<StageReady>(report =>
            {
                stages[report.Stage.Value] = report.Member;
                if (++ready < stageCount)
                {
                    return;
                }

                var proxied = stages
                    .Select(
                        (member, i) =>
                            member with
                            {
                                Actor = Context.ActorOf(
                                    Props.Create(() => new ChaosProxy(member.Actor, seed * 31 + i, loss, losesCredits))
                                ),
                            }
                    )
                    .ToArray();
                foreach (var member in stages)
                {
                    member.Actor.Tell(new PipelineFormed(new PipelineEpoch(1), proxied, ""));
                }

                done.SetResult(new PipelineFormed(new PipelineEpoch(1), stages, ""));
            });
        }

        protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);
    }
}
