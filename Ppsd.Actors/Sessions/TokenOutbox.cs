using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Sessions;

/// <summary>
/// A session's verified tokens on their way to its client, which grants credit for a limited number. The pipeline never
/// blocks on a slow reader; tokens beyond the credit are buffered here, up to the request's token limit. Pure; one
/// owner.
/// </summary>
/// <param name="window">Most tokens under way; 0 for no limit.</param>
/// <param name="firstIndex">Tokens that the client has already, of an earlier pipeline.</param>
internal sealed class TokenOutbox(SessionId session, int window, int firstIndex = 0)
{
    private readonly List<TokenId> _tokens = [];
    private readonly List<TokenLogprobs> _logprobs = [];
    private int _sent;
    private int _read;

    /// <summary>True when everything has been sent.</summary>
    public bool IsEmpty => _tokens.Count == 0;

    /// <summary>Adds tokens, in order.</summary>
    /// <param name="logprobs">One for each; null for a session that did not ask.</param>
    public void Add(IReadOnlyList<TokenId> tokens, IReadOnlyList<TokenLogprobs>? logprobs)
    {
        _tokens.AddRange(tokens);
        _logprobs.AddRange(logprobs ?? []);
    }

    /// <summary>The client has read tokens; more than it was sent count for nothing.</summary>
    public void NoteRead(int count) => _read = (int)Math.Clamp((long)_read + count, _read, _sent);

    /// <summary>Tokens to send now; null when none wait or the client has granted no credit.</summary>
    public TokensEmitted? TakeNext()
    {
        var room = window <= 0 ? int.MaxValue : window - (_sent - _read);
        var count = Math.Min(room, _tokens.Count);
        if (count <= 0)
        {
            return null;
        }

        var next = new TokensEmitted(
            session,
            firstIndex + _sent,
            [.. _tokens[..count]],
            _logprobs.Count == 0 ? null : [.. _logprobs[..count]]
        );
        _tokens.RemoveRange(0, count);
        _logprobs.RemoveRange(0, Math.Min(count, _logprobs.Count));
        _sent += count;
        return next;
    }
}
