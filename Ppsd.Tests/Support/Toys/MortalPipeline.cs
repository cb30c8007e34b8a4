using Akka.Actor;
using Ppsd.Actors.Client;
using Ppsd.Actors.Configuration;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Local;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Actors.Stages;

namespace Ppsd.Tests.Support.Toys;

/// <summary>
/// Toy stages of this process behind a gateway that puts another in the place of each that dies, as a coordinator does on a
/// cluster with spares. A stage dies right after it has worked on a given place of a text.
/// </summary>
internal sealed class MortalPipeline : IAsyncDisposable
{
    private readonly ActorSystem _system = ActorSystem.Create(
        "mortal",
        PpsdConfig.Load(NodeRole.Local, overrides: "akka.loglevel = OFF\nakka.stdout-loglevel = OFF")
    );

    private readonly IActorRef _gateway;
    private readonly Deaths _deaths = new();

    public MortalPipeline(int stageCount, ToyDrafter drafter, int draftDepth, int maxResumes)
    {
        _gateway = _system.ActorOf(
            Props.Create(() => new Gateway(stageCount, Model, drafter, draftDepth, _deaths)),
            "gateway"
        );
        Client = new PpsdClient(_system, _gateway, resumes: new ResumePolicy(maxResumes, TimeSpan.FromSeconds(20)));
    }

    public ToyModel Model { get; } = new(6);

    public PpsdClient Client { get; }

    /// <summary>Stages die right after they worked on the token of a session at such a place, counted from 0, or on a later one.</summary>
    public void Plan(params IEnumerable<(int Stage, int Place)> deaths) => _deaths.Plan(deaths);

    /// <summary>Deaths that were planned and have not come about.</summary>
    public int DeathsLeft => _deaths.Left;

    public async Task AssertNothingHeldAsync()
    {
        for (var attempt = 0; attempt < 1000; attempt++)
        {
            var formed = await _gateway.Ask<PipelineFormed>(new GetPipeline(), TimeSpan.FromSeconds(20));
            var status = await PipelineStatus.AskAsync(formed);
            if (status.All(stage => stage is { OpenSessions: 0, UsedPages: 0, QueueLength: 0 }))
            {
                return;
            }

            await Task.Delay(10);
        }

        Assert.Fail("pages or sessions are still held after ten seconds");
    }

    public async ValueTask DisposeAsync() => await _system.Terminate();

    /// <summary>Which stage is to die where. Used by all stages' threads.</summary>
    private sealed class Deaths
    {
        private readonly Lock _lock = new();
        private readonly List<(int Stage, int Place)> _planned = [];

        public int Left
        {
            get
            {
                lock (_lock)
                {
                    return _planned.Count;
                }
            }
        }

        public void Plan(IEnumerable<(int, int)> deaths)
        {
            lock (_lock)
            {
                _planned.Clear();
                _planned.AddRange(deaths);
            }
        }

        /// <summary>True when a stage that works on a token at this place, and on none behind it, is to die.</summary>
        public bool IsTime(int stage, int place)
        {
            lock (_lock)
            {
                var next = _planned.FindIndex(death => death.Stage == stage && place >= death.Place);
                if (next < 0)
                {
                    return false;
                }

                _planned.RemoveAt(next);
                return true;
            }
        }
    }

    private sealed class Gateway : ReceiveActor
    {
        private readonly List<(object Message, IActorRef Sender)> _waiting = [];
        private readonly Func<int, IStageRuntime> _createRuntime;
        private readonly PipelineStage?[] _stages;
        private readonly IActorRef[] _actors;
        private PipelineFormed? _formed;
        private int _epoch;
        private string? _cause;

        public Gateway(int stageCount, ToyModel model, ToyDrafter drafter, int draftDepth, Deaths deaths)
        {
            _stages = new PipelineStage?[stageCount];
            _actors = new IActorRef[stageCount];
            var self = Self;
            _createRuntime = stage => new ToyRuntime(
                model,
                stage,
                stageCount,
                stage == 0 ? drafter : null,
                draftDepth: draftDepth,
                onPlace: place =>
                {
                    if (deaths.IsTime(stage, place))
                    {
                        // It is stopped when it has finished this step: a stage is one thread.
                        using var isStopped = new ManualResetEventSlim();
                        self.Tell(new Kill(stage, isStopped));
                        isStopped.Wait(TimeSpan.FromSeconds(20));
                    }
                }
            );

            Receive<StageReady>(ready =>
            {
                _stages[ready.Stage.Value] = ready.Member;
                if (Array.Exists(_stages, stage => stage is null))
                {
                    return;
                }

                _formed = new PipelineFormed(new PipelineEpoch(++_epoch), [.. _stages!], "", _cause);
                foreach (var stage in _formed.Stages)
                {
                    stage.Actor.Tell(_formed);
                }

                foreach (var (message, sender) in _waiting.ToList())
                {
                    Self.Tell(message, sender);
                }

                _waiting.Clear();
            });
            Receive<Kill>(kill =>
            {
                Context.Stop(_actors[kill.Stage]);
                _cause = $"stage {kill.Stage + 1} of the pipeline is gone";
                _stages[kill.Stage] = null;
                _formed = null;
                Start(kill.Stage);
                kill.IsStopped.Set();
            });
            Receive<StartSession>(start => WhenFormed(start, formed => formed.Stages[0].Actor.Forward(start)));
            Receive<GetPipeline>(ask => WhenFormed(ask, Sender.Tell));
        }

        protected override void PreStart()
        {
            for (var stage = 0; stage < _stages.Length; stage++)
            {
                Start(stage);
            }
        }

        protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

        private void Start(int stage)
        {
            var setup = new StageSetup(
                new StageIndex(stage),
                () => _createRuntime(stage),
                Self,
                new PipelineOptions { PrefillChunk = 3 },
                TimeProvider.System
            );
            _actors[stage] = Context.ActorOf(setup.Props);
        }

        private void WhenFormed(object message, Action<PipelineFormed> handle)
        {
            if (_formed is { } formed)
            {
                handle(formed);
            }
            else
            {
                _waiting.Add((message, Sender));
            }
        }

        private sealed record Kill(int Stage, ManualResetEventSlim IsStopped);
    }
}
