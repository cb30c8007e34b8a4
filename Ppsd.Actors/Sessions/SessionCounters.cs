using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;

namespace Ppsd.Actors.Sessions;

/// <summary>Adds up the figures of sessions, ended and living. Used by the draft stage's thread.</summary>
internal sealed class SessionCounters
{
    private SessionTotals _ended = new()
    {
        Running = 0,
        Waiting = 0,
        Ended = 0,
        PromptTokens = 0,
        GeneratedTokens = 0,
        VerifiedDrafts = 0,
        AcceptedDrafts = 0,
        CancelledDrafts = 0,
        Rollbacks = 0,
        Restarts = 0,
    };

    /// <summary>A session has ended.</summary>
    public void Close(DecodeSession session)
    {
        _ended = Plus(_ended, session) with { Ended = _ended.Ended + 1 };
    }

    /// <summary>Totals, including sessions that are still decoding.</summary>
    /// <param name="living">Sessions decoding.</param>
    /// <param name="unread">Sessions decoded to their end whose clients have yet to read some of it.</param>
    /// <param name="waiting">Requests waiting for memory.</param>
    public SessionTotals Totals(IReadOnlyCollection<DecodeSession> living, int unread, int waiting) =>
        living.Aggregate(_ended, Plus) with
        {
            Running = living.Count + unread,
            Waiting = waiting,
        };

    private static SessionTotals Plus(SessionTotals totals, DecodeSession session) =>
        totals with
        {
            PromptTokens = totals.PromptTokens + session.Tokens.Count - session.GeneratedCount,
            GeneratedTokens = totals.GeneratedTokens + session.GeneratedCount,
            VerifiedDrafts = totals.VerifiedDrafts + session.Tally.Verified,
            AcceptedDrafts = totals.AcceptedDrafts + session.Tally.Accepted,
            CancelledDrafts = totals.CancelledDrafts + session.Tally.Cancelled,
            Rollbacks = totals.Rollbacks + session.Tally.Rollbacks,
            Restarts = totals.Restarts + session.Tally.Restarts,
            Cycles = totals.Cycles + session.Tally.Cycles,
            Rows = totals.Rows + session.Tally.Rows,
            Sources = SourceTotals.Plus(totals.Sources, session.Tally.Sources),
        };
}
