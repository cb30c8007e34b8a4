using Akka.Actor;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Options;

namespace Ppsd.Actors.Stages;

/// <summary>Constructor arguments of a stage actor.</summary>
/// <param name="Index">Its place.</param>
/// <param name="CreateRuntime">Loads its runtime; called on the stage's own thread.</param>
/// <param name="Host">Told when the stage is ready or has failed.</param>
/// <param name="Options">Settings of the protocol.</param>
internal sealed record StageSetup(
    StageIndex Index,
    Func<IStageRuntime> CreateRuntime,
    IActorRef Host,
    PipelineOptions Options,
    TimeProvider Clock
)
{
    /// <summary>Props of the stage's actor.</summary>
    public Props Props =>
        Akka
            .Actor.Props.Create(() => new StageActor(this))
            .WithDispatcher("ppsd.stage-dispatcher")
            .WithMailbox("ppsd.stage-mailbox");
}
