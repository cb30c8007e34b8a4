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

    /// <param name="options">Of every stage; null for the usual.</param>
    /// <param name="losesSteps">True when nothing comes of the step in which a stage dies.</param>
    /// <param name="checksHead">True to have the exit head's caches watched.</param>
    public MortalPipeline(
        int stageCount,
        ToyDrafter drafter,
        int draftDepth,
        int maxResumes,
        PipelineOptions? options = null,
        bool losesSteps = false,
        bool checksHead = false
    )
        : this(
            stageCount,
            new Toys(stageCount, drafter, draftDepth, checksHead).Create,
            maxResumes,
            (options ?? new PipelineOptions()) with
            {
                PrefillChunk = 3,
            },
            losesSteps
        ) { }

    /// <summary>Stages of any kind.</summary>
    /// <param name="create">Makes a stage that tells its place in a text, or whatever deaths are planned by, before each step.</param>
    public MortalPipeline(
        int stageCount,
        Func<int, Action<int>, IStageRuntime> create,
        int maxResumes,
        PipelineOptions options,
        bool losesSteps = false
    )
    {
        _gateway = _system.ActorOf(
            Props.Create(() => new Gateway(stageCount, create, _deaths, options, losesSteps)),
            "gateway"
        );
        Client = new PpsdClient(_system, _gateway, resumes: new ResumePolicy(maxResumes, TimeSpan.FromSeconds(20)));
    }

    /// <summary>The model of toy stages.</summary>
    public ToyModel Model { get; } = new(6);

    public PpsdClient Client { get; }

    /// <summary>Stages die right after they worked on the token of a session at such a place, counted from 0, or on a later one.</summary>
    public void Plan(params IEnumerable<(int Stage, int Place)> deaths) => _deaths.Plan(deaths, areTogether: false);

    /// <summary>The first stage dies so, and takes the others with it.</summary>
    public void PlanTogether(int place, params IReadOnlyList<int> stages) =>
        _deaths.Plan(stages.Select((stage, i) => (stage, i == 0 ? place : int.MaxValue)), areTogether: true);

    /// <summary>Deaths that were planned and have not come about.</summary>
    public int DeathsLeft => _deaths.Left;

    public async Task AssertNothingHeldAsync()
    {
        for (var attempt = 0; attempt < 1000; attempt++)
        {
            var status = await StatusAsync();
            if (status.All(stage => stage is { OpenSessions: 0, UsedPages: 0, QueueLength: 0, SentRowBytes: 0 }))
            {
                return;
            }

            await Task.Delay(10);
        }

        Assert.Fail("pages, sessions or hidden states are still held after ten seconds");
    }

    /// <summary>Figures of the stages that live.</summary>
    public async Task<IReadOnlyList<StageStatus>> StatusAsync() =>
        await PipelineStatus.AskAsync(await _gateway.Ask<PipelineFormed>(new GetPipeline(), TimeSpan.FromSeconds(20)));

    public async ValueTask DisposeAsync() => await _system.Terminate();

    /// <summary>Which stage is to die where. Used by all stages' threads.</summary>
    private sealed class Deaths
    {
        private readonly Lock _lock = new();
        private readonly List<(int Stage, int Place)> _planned = [];
        private bool _areTogether;

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

        public void Plan(IEnumerable<(int, int)> deaths, bool areTogether)
        {
            lock (_lock)
            {
                _areTogether = areTogether;
                _planned.Clear();
                _planned.AddRange(deaths);
            }
        }

        /// <summary>Stages that are to die when one works on a token at this place, and on none behind it.</summary>
        public List<int> DueAt(int stage, int place)
        {
            lock (_lock)
            {
                var next = _planned.FindIndex(death => death.Stage == stage && place >= death.Place);
                if (next < 0)
                {
                    return [];
                }

                List<int> due = [.. (_areTogether ? _planned : [_planned[next]]).Select(death => death.Stage)];
                if (_areTogether)
                {
                    _planned.Clear();
                }
                else
                {
                    _planned.RemoveAt(next);
                }

                return due;
            }
        }
    }

    private sealed record Toys(int StageCount, ToyDrafter Drafter, int DraftDepth, bool ChecksHead)
    {
        public ToyRuntime Create(int stage, Action<int> onPlace) =>
            new(
                new ToyModel(6),
                stage,
                StageCount,
                stage == 0 ? Drafter : null,
                draftDepth: DraftDepth,
                checksHead: ChecksHead,
                onPlace: onPlace
            );
    }

    private sealed class Gateway : ReceiveActor
    {
        private readonly List<(object Message, IActorRef Sender)> _waiting = [];
        private readonly Func<int, IStageRuntime> _createRuntime;
        private readonly PipelineStage?[] _stages;
        private readonly IActorRef[] _actors;
        private PipelineFormed? _formed;
        private readonly PipelineOptions _options;
        private readonly List<ManualResetEventSlim> _dying = [];
        private int _epoch;
        private string? _cause;

        public Gateway(
            int stageCount,
            Func<int, Action<int>, IStageRuntime> create,
            Deaths deaths,
            PipelineOptions options,
            bool losesSteps
        )
        {
            _options = options;
            _stages = new PipelineStage?[stageCount];
            _actors = new IActorRef[stageCount];
            var self = Self;
            _createRuntime = stage =>
                create(
                    stage,
                    place =>
                    {
                        var dead = deaths.DueAt(stage, place);
                        if (dead.Count > 0)
                        {
                            // It is stopped when it has finished this step: a stage is one thread.
                            var isStopped = new ManualResetEventSlim();
                            self.Tell(new Kill(dead, isStopped));
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

                _dying.ForEach(isStopped => isStopped.Set());
                _dying.Clear();

                foreach (var (message, sender) in _waiting.ToList())
                {
                    Self.Tell(message, sender);
                }

                _waiting.Clear();
            });
            Receive<Kill>(kill =>
            {
                foreach (var stage in kill.Stages)
                {
                    Context.Stop(_actors[stage]);
                    _cause = $"stage {stage + 1} of the pipeline is gone";
                    _stages[stage] = null;
                    _formed = null;
                    Start(stage);
                }

                _dying.Add(kill.IsStopped);
                if (!losesSteps)
                {
                    kill.IsStopped.Set();
                }
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
                _options,
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

        private sealed record Kill(IReadOnlyList<int> Stages, ManualResetEventSlim IsStopped);
    }
}
