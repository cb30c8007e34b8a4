using System.Runtime.InteropServices;

namespace Ppsd.Host.Terminal;

/// <summary>
/// What Ctrl+C means in a chat: while an answer is generated it stops that answer, otherwise it leaves. A request to
/// terminate always leaves. Thread-safe; signals come on threads of their own.
/// </summary>
internal sealed class ChatInterrupts : IDisposable
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _leave = new();
    private readonly PosixSignalRegistration[] _signals;
    private CancellationTokenSource? _answer;

    /// <summary>Takes the signals over until it is disposed.</summary>
    public ChatInterrupts() =>
        _signals = [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal),
        ];

    /// <summary>Cancelled when the chat is to end.</summary>
    public CancellationToken Leave => _leave.Token;

    /// <summary>Gives an answer a token that Ctrl+C cancels, until <see cref="EndAnswer"/>.</summary>
    public CancellationToken BeginAnswer()
    {
        lock (_lock)
        {
            _answer = CancellationTokenSource.CreateLinkedTokenSource(_leave.Token);
            return _answer.Token;
        }
    }

    /// <summary>The answer is there or broken off: from now on Ctrl+C leaves.</summary>
    public void EndAnswer()
    {
        lock (_lock)
        {
            _answer?.Dispose();
            _answer = null;
        }
    }

    public void Dispose()
    {
        foreach (var signal in _signals)
        {
            signal.Dispose();
        }

        EndAnswer();
        _leave.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        lock (_lock)
        {
            // A second Ctrl+C means it, even if the answer has not stopped yet.
            var stopsAnswer = context.Signal == PosixSignal.SIGINT && _answer is { IsCancellationRequested: false };
            _ = (stopsAnswer ? _answer! : _leave).CancelAsync();
        }
    }
}
