using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;

namespace Ppsd.Tests.Actors.Speculation;

/// <summary>A session for tests that play stage 1 and the last stage by hand.</summary>
internal static class ScriptedSession
{
    public static DecodeSession Session(
        int[] prompt,
        int chunk = 64,
        int window = 10,
        int width = 1,
        int maxTokens = 100,
        int[]? ends = null
    ) =>
        new(
            SessionId.Create(new PipelineEpoch(1), 1),
            Tokens(prompt),
            new SessionSettings
            {
                Drafts = DraftSources.ExitHead,
                Sampling = SamplingSettings.Greedy,
                MaxWidth = width,
                ReservedLength = 1000,
                PromptLength = 3,
            },
            new GenerationLimits(maxTokens, Tokens(ends ?? [])),
            new SpeculationLimits(window, width, chunk)
        );

    public static void Draft(DecodeSession session, int parent, int token, int? run = null) =>
        session.AddDrafts(run is { } value ? new RunId(value) : session.Run, [Drafted(parent, token, -0.5f)]);

    public static DraftedToken Drafted(int parent, int token, float logProbability) =>
        new(new CandidateId(parent), new TokenId(token), logProbability);

    /// <summary>A token that a chain proposes so many steps behind a candidate.</summary>
    public static DraftedToken Drafted(int origin, int step, int token, float logProbability) =>
        new(new CandidateId(origin), new TokenId(token), logProbability, step);

    public static CandidateId[] Ids(params int[] values) => [.. values.Select(value => new CandidateId(value))];

    public static TokenId[] Tokens(params int[] values) => [.. values.Select(value => new TokenId(value))];

    public static int[] Tokens(BatchPart batch) => [.. batch.Tokens.Select(token => token.Value)];
}
