using System.Runtime.InteropServices;

namespace Ppsd.Host.Commands;

/// <summary>
/// Ctrl+C and a request to terminate, as a node or a server takes them: the first begins the end, further ones change nothing about
/// it. Until <see cref="Arm"/> there is nothing to end, and the process just exits.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private static StopSignals? _ofProcess;

    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PosixSignalRegistration[] _signals;
    private volatile bool _isArmed;

    private StopSignals() =>
        _signals = [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
        ];

    /// <summary>
    /// Takes the signals of this process, to its end: a further one while the runtime shuts down would kill it.
    /// </summary>
    public static StopSignals OfProcess() => _ofProcess ??= new StopSignals();

    /// <summary>Completes with the first signal.</summary>
    public Task Stopped => _stopped.Task;

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>From now on the running command ends by itself.</summary>
    public void Arm() => _isArmed = true;

    public void Dispose()
    {
        Array.ForEach(_signals, signal => signal.Dispose());
        _stop.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (!_isArmed)
        {
            Environment.Exit(0);
        }

        if (_stopped.TrySetResult())
        {
            _stop.Cancel();
        }
    }
}
