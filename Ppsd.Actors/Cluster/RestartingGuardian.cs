using Akka.Actor;

namespace Ppsd.Actors.Cluster;

/// <summary>
/// Supervises the actors that a node consists of, <c>akka.actor.guardian-supervisor-strategy</c>: one that fails or is killed begins
/// anew, as without it the node would be up and good for nothing. One that cannot even begin stays stopped.
/// </summary>
public sealed class RestartingGuardian : SupervisorStrategyConfigurator
{
    /// <inheritdoc />
    public override SupervisorStrategy Create() =>
        new OneForOneStrategy(failure => failure is ActorInitializationException ? Directive.Stop : Directive.Restart);
}
