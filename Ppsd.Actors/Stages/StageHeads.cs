using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Stages;

/// <summary>Results of a stage's heads for a step's rows, grouped by session. Used by the stage's thread.</summary>
/// <param name="runtime">The stage's device, its step run through the layers.</param>
/// <param name="sessions">Whose rows they are.</param>
internal sealed class StageHeads(IStageRuntime runtime, StageSessions sessions)
{
    /// <summary>
    /// Tokens proposed of each step of a chain. With more, rows that could go deeper go into breadth; noise makes the second
    /// and third right more often (docs/drafting.md).
    /// </summary>
    private const int GreedyAlternatives = 2;
    private const int SampledAlternatives = 3;

    /// <summary>Successors proposed by a head that is no chain: rows behind more of them go to hardly any right one.</summary>
    private const int MostSuccessors = 8;

    private readonly List<DraftedToken> _tokens = [];

    /// <summary>
    /// True when the exit head must run: parts draft, or will draft later and the head has a cache of its own. Where the
    /// verdict comes at once, only a chain drafts beyond it, and only where there is room beside a verified token.
    /// </summary>
    public bool MustRunExitHead(MicroBatch batch, bool isLast) =>
        runtime.Description.HasExitHead
        && (!isLast || runtime.Description.DraftDepth > 1)
        && Array.Exists(
            batch.Parts,
            part => DraftsWithHead(part) && (!isLast || sessions.SettingsOf(part.Session).MaxWidth > 1)
        );

    /// <summary>Rows and depth for the exit head; parts that draft come last in a micro-batch.</summary>
    public DraftRequest RequestFor(MicroBatch batch) => new(FirstDraftRow(batch), DepthFor(batch));

    private static int FirstDraftRow(MicroBatch batch)
    {
        var row = 0;
        foreach (var part in batch.Parts)
        {
            if (part.IsDrafting)
            {
                break;
            }

            row += part.Count;
        }

        return Math.Max(row, batch.FirstHeadRow);
    }

    /// <summary>Runs the exit head and drafts for the parts that want it.</summary>
    public IEnumerable<Drafts> Draft(MicroBatch batch)
    {
        runtime.RunExitHead(RequestFor(batch));
        var row = 0;
        foreach (var part in batch.Parts)
        {
            if (part.IsDrafting && Draft(part, row) is { Length: > 0 } tokens)
            {
                yield return new Drafts(part.Session, part.Run, tokens);
            }

            row += part.Count;
        }
    }

    /// <summary>
    /// The target's tokens after the rows that need a successor; <see cref="TokenId.None"/> where its logits are not
    /// finite, which matters only on the verified path.
    /// </summary>
    public Verdicts Judge(MicroBatch batch)
    {
        var tokens = runtime.Verify(batch.FirstHeadRow);
        var verdicts = new List<SessionVerdicts>(batch.Parts.Length);
        var row = 0;
        foreach (var part in batch.Parts)
        {
            if (part.FirstHeadRow < part.Count)
            {
                var first = row + part.FirstHeadRow;
                var own = tokens.AsSpan(first - batch.FirstHeadRow, part.Count - part.FirstHeadRow).ToArray();
                verdicts.Add(
                    new SessionVerdicts(
                        part.Session,
                        part.Run,
                        part.FirstHeadRow == 0 ? part.Candidates : part.Candidates[part.FirstHeadRow..],
                        own,
                        Logprobs(part.Session, first, own)
                    )
                );
            }

            row += part.Count;
        }

        return new Verdicts([.. verdicts]);
    }

    private bool DraftsWithHead(BatchPart part) =>
        (sessions.SettingsOf(part.Session).Drafts & DraftSources.ExitHead) != 0;

    /// <summary>The deepest that a part drafts.</summary>
    private int DepthFor(MicroBatch batch)
    {
        var depth = 1;
        foreach (var part in batch.Parts)
        {
            // A micro-batch of one row has no room for more than the next token.
            if (part.IsDrafting && sessions.SettingsOf(part.Session) is { MaxWidth: > 1, ChainDepth: var most })
            {
                var own =
                    most == 0 ? runtime.Description.StandardDepth : Math.Min(most, runtime.Description.DraftDepth);
                depth = Math.Max(depth, own);
            }
        }

        return depth;
    }

    private DraftedToken[] Draft(BatchPart part, int firstRow)
    {
        _tokens.Clear();
        var settings = sessions.SettingsOf(part.Session);
        var width = Math.Min(
            settings.MaxWidth,
            runtime.Description.DraftDepth == 1 ? MostSuccessors
                : settings.Sampling.Temperature > 0 ? SampledAlternatives
                : GreedyAlternatives
        );

        for (var i = part.FirstHeadRow; i < part.Count; i++)
        {
            runtime.Draft(firstRow + i, part.Candidates[i], width, _tokens);
        }

        return [.. _tokens];
    }

    private TokenLogprobs[]? Logprobs(SessionId session, int firstRow, TokenId[] tokens)
    {
        if (sessions.SettingsOf(session).TopLogprobs is not { } topCount)
        {
            return null;
        }

        var logprobs = new TokenLogprobs[tokens.Length];
        for (var i = 0; i < tokens.Length; i++)
        {
            logprobs[i] =
                tokens[i] == TokenId.None
                    ? new TokenLogprobs(0, [])
                    : runtime.Logprobs(firstRow + i, tokens[i], topCount);
        }

        return logprobs;
    }
}
