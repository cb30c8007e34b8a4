using Ppsd.Actors.Messages;
using Ppsd.Actors.Sessions;

namespace Ppsd.Host.Bench.LockStep;

/// <summary>Records the cycle in which each token of a text arrives.</summary>
/// <param name="pipeline">The pipeline that decodes it.</param>
internal sealed class LockStepClient(LockStepPipeline pipeline) : ISessionClient
{
    private readonly List<int> _tokens = [];
    private (double Time, int Rows)? _first;
    private (double Time, int Rows) _last;

    /// <summary>The session's end; null while it lives.</summary>
    public SessionEnded? End { get; private set; }

    /// <inheritdoc />
    public void Tell(IWireMessage message)
    {
        switch (message)
        {
            case TokensEmitted tokens:
                _tokens.AddRange(tokens.Tokens.Select(token => token.Value));
                _last = (pipeline.Now, pipeline.RowsEntered);
                _first ??= _last;
                break;
            case SessionEnded end:
                End = end;
                break;
            case SessionRefused refused:
                throw new InvalidOperationException(refused.Reason);
            case SessionFailed failed:
                throw new InvalidOperationException(failed.Reason);
            default:
                break;
        }
    }

    /// <summary>The text, and the cycles and rows it took after its first token.</summary>
    public LockStepText Text() =>
        new(
            _tokens,
            _first is { } first ? _last.Time - first.Time : 0,
            _first is { } before ? _last.Rows - before.Rows : 0,
            End!.Stats
        );
}

/// <summary>A text decoded in lock-step.</summary>
/// <param name="Time">Time from its first token to its last: cycles, or milliseconds where costs were given.</param>
/// <param name="Rows">Rows that entered meanwhile, of all texts.</param>
/// <param name="Stats">The session's figures; those in milliseconds are meaningless in lock-step.</param>
internal sealed record LockStepText(IReadOnlyList<int> TokenIds, double Time, int Rows, SessionStats Stats)
{
    /// <summary>Cycles from its first token to its last, in lock-step.</summary>
    public int Cycles => (int)Math.Round(Time);
}
