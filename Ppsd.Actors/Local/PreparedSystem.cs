using Akka.Actor;
using Akka.Configuration;

namespace Ppsd.Actors.Local;

/// <summary>
/// An actor system that starts in the background while its user still reads a model's files. The caller that takes it owns
/// it; a system that nobody took is terminated, without a wait, when this is disposed of.
/// </summary>
/// <param name="config">Configuration of its role.</param>
public sealed class PreparedSystem(Config config) : IDisposable
{
    private readonly Task<ActorSystem> _system = Task.Run(() => ActorSystem.Create(LocalPipeline.SystemName, config));
    private bool _taken;

    /// <summary>The system, once it is there.</summary>
    public Task<ActorSystem> TakeAsync()
    {
        _taken = true;
        return _system;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (!_taken)
        {
            _taken = true;
            _ = TerminateAsync(_system);
        }
    }

    private static async Task TerminateAsync(Task<ActorSystem> created)
    {
        var system = await created.ConfigureAwait(false);
        await system.Terminate().ConfigureAwait(false);
    }
}
