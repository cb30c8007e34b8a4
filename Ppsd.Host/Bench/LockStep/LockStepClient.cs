using Ppsd.Actors.Messages;
using Ppsd.Actors.Sessions;

namespace Ppsd.Host.Bench.LockStep;

/// <summary>Notes in which cycles a text's tokens come.</summary>
/// <param name="pipeline">The pipeline that decodes it.</param>
internal sealed class LockStepClient(LockStepPipeline pipeline) : ISessionClient
{
    private readonly List<int> _tokens = [];
    private (int Cycle, int Rows)? _first;
    private (int Cycle, int Rows) _last;

    /// <summary>The session's end; null while it lives.</summary>
    public SessionEnded? End { get; private set; }

    /// <inheritdoc />
    public void Tell(IWireMessage message)
    {
        switch (message)
        {
            case TokensEmitted tokens:
                _tokens.AddRange(tokens.Tokens.Select(token => token.Value));
                _last = (pipeline.Cycle, pipeline.RowsEntered);
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

    /// <summary>The text and what it took after its first token.</summary>
    public LockStepText Text() =>
        new(
            _tokens,
            _first is { } first ? _last.Cycle - first.Cycle : 0,
            _first is { } before ? _last.Rows - before.Rows : 0,
            End!.Stats
        );
}

/// <summary>A text decoded in lock-step.</summary>
/// <param name="Cycles">Cycles from its first token to its last.</param>
/// <param name="Rows">Rows that entered in them.</param>
/// <param name="Stats">Its figures; those in milliseconds mean nothing.</param>
internal sealed record LockStepText(IReadOnlyList<int> TokenIds, int Cycles, int Rows, SessionStats Stats);
