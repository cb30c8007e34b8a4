using Ppsd.Actors.Messages;

namespace Ppsd.Tests.Support;

/// <summary>Statistics of a text of one prompt token that nothing was drafted for, for what is computed from its speed.</summary>
internal static class MadeStats
{
    /// <param name="tokens">Generated tokens, 2 or more: the first one does not count in the speed.</param>
    public static SessionStats Of(int tokens, double tokensPerSecond, DraftSources drafts, int stageCount) =>
        new()
        {
            Drafts = drafts,
            StageCount = stageCount,
            PromptTokens = 1,
            GeneratedTokens = tokens,
            VerifiedDrafts = 0,
            AcceptedDrafts = 0,
            CancelledDrafts = 0,
            Rollbacks = 0,
            Restarts = 0,
            TimeToFirstTokenMs = 1,
            DecodeMs = 1000 * (tokens - 1) / tokensPerSecond,
            MeanCycleMs = 1,
            AcceptanceHistogram = [],
        };
}
