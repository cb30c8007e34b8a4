using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Resumes;

/// <summary>
/// A session's verified tokens as a stage sends them again to one that has none of them: in chunks, as a prompt came. Made one
/// by one as they are sent, because together they may be as large as the memory they are read from. Pure.
/// </summary>
internal static class ReplayParts
{
    /// <summary>The parts that must come before a part that goes on behind them.</summary>
    /// <param name="rows">The session's.</param>
    /// <param name="next">The part; its base is the path to send.</param>
    /// <param name="chunk">Most tokens of a part.</param>
    /// <returns>Parts with their hidden states; they end early when the session ends meanwhile.</returns>
    public static IEnumerable<(BatchPart Part, HiddenStates Hidden)> Before(BatchPart next, SentRows rows, int chunk)
    {
        for (var first = 0; first < next.Base.Length && rows.Length >= next.Base.Length; first += chunk)
        {
            var count = Math.Min(chunk, next.Base.Length - first);
            var part = Part(
                next.Session,
                next.Run,
                next.Lacking!,
                first,
                [.. Enumerable.Range(first, count).Select(rows.TokenAt)],
                first == 0 ? next.Settings : null
            );
            var hidden = HiddenStates.Rent(count * rows.RowBytes);
            for (var i = 0; i < count; i++)
            {
                rows[first + i].CopyTo(hidden.Target[(i * rows.RowBytes)..]);
            }

            yield return (part, hidden);
        }
    }

    /// <summary>A part of verified tokens, whose candidates are numbered by position.</summary>
    /// <param name="lacking">Stages that lack the tokens.</param>
    /// <param name="first">Position of the first.</param>
    /// <param name="settings">With the text's first tokens, so that a stage can open the session.</param>
    public static BatchPart Part(
        SessionId session,
        RunId run,
        int[] lacking,
        int first,
        TokenId[] tokens,
        SessionSettings? settings
    )
    {
        var candidates = new CandidateId[tokens.Length];
        var parents = new CandidateId[tokens.Length];
        for (var i = 0; i < tokens.Length; i++)
        {
            candidates[i] = new CandidateId(first + i);
            parents[i] = new CandidateId(first + i - 1);
        }

        return new BatchPart
        {
            Session = session,
            Run = run,
            Base = VerifiedPath.Empty,
            Candidates = candidates,
            Tokens = tokens,
            Parents = parents,
            CertainCount = tokens.Length,
            FirstHeadRow = tokens.Length,
            Settings = settings,
            Lacking = lacking,
            IsReplayed = true,
        };
    }
}
