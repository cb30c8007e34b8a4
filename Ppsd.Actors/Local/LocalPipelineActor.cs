using Akka.Actor;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Mailboxes;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Actors.Stages;

namespace Ppsd.Actors.Local;

/// <summary>Parent of a local pipeline's stages: collects them and sends each the list of all.</summary>
internal sealed class LocalPipelineActor : HandlerActor
{
    private readonly IReadOnlyList<Func<IStageRuntime>> _runtimes;
    private readonly string _modelFingerprint;
    private readonly PipelineOptions _options;
    private readonly TimeProvider _clock;
    private readonly TaskCompletionSource<PipelineFormed> _formed;
    private readonly PipelineStage?[] _stages;

    public LocalPipelineActor(
        IReadOnlyList<Func<IStageRuntime>> runtimes,
        string modelFingerprint,
        PipelineOptions options,
        TimeProvider clock,
        TaskCompletionSource<PipelineFormed> formed
    )
    {
        _runtimes = runtimes;
        _modelFingerprint = modelFingerprint;
        _options = options;
        _clock = clock;
        _formed = formed;
        _stages = new PipelineStage?[runtimes.Count];

        Receive<StageReady>(Collect);
        Receive<StageFailed>(failed => _formed.TrySetException(new PipelineException(failed.Reason)));
    }

    protected override void PreStart()
    {
        for (var i = 0; i < _runtimes.Count; i++)
        {
            var setup = new StageSetup(new StageIndex(i), _runtimes[i], Self, _options, _clock);
            Context.ActorOf(setup.Props, $"stage-{i + 1}");
        }
    }

    /// <summary>
    /// After a device failure the stage's cache is unreliable, so it stops; death watch informs the others.
    /// </summary>
    protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(_ => Directive.Stop);

    private void Collect(StageReady ready)
    {
        _stages[ready.Stage.Value] = ready.Member;
        if (Array.Exists(_stages, stage => stage is null))
        {
            return;
        }

        var formed = new PipelineFormed(new PipelineEpoch(1), _stages!, _modelFingerprint);
        foreach (var stage in formed.Stages)
        {
            stage.Actor.Tell(formed);
        }

        _formed.TrySetResult(formed);
    }
}
