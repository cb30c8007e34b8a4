using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;

namespace Ppsd.Actors.Stages;

/// <summary>Results of a stage's heads for a step's rows, grouped by session. Used by the stage's thread.</summary>
/// <param name="isFirst">True at the stage that the draft loop turns in.</param>
/// <param name="runtime">The stage's device, its step run through the layers.</param>
/// <param name="sessions">Whose rows they are.</param>
internal sealed class StageHeads(bool isFirst, IStageRuntime runtime, StageSessions sessions)
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
    /// <remarks>
    /// On a pipeline's only stage the rows just enter the head's caches: their verdicts come before the next step, and the
    /// chain then goes on behind the verified token (<see cref="DraftBehind"/>), one token further for the same work.
    /// </remarks>
    public DraftRequest RequestFor(MicroBatch batch, bool isLast) =>
        isFirst && isLast ? new(batch.Count, Depth: 1) : new(FirstDraftRow(batch), DepthFor(batch));

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
    public IEnumerable<Drafts> Draft(MicroBatch batch, bool isLast)
    {
        var request = RequestFor(batch, isLast);
        runtime.RunExitHead(request);
        if (request.FirstRow == batch.Count)
        {
            yield break;
        }

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
    /// Has the exit head's caches take note of a micro-batch that died behind the layers: the last stage may have judged its first
    /// rows before this stage's head has come to them, and then they are verified. A device of its own has run the head with the layers.
    /// </summary>
    public void TakeNote(MicroBatch batch)
    {
        if (!runtime.RunsOnDevice)
        {
            runtime.RunExitHead(new DraftRequest(batch.Count, Depth: 1));
        }
    }

    /// <summary>Drafts of the chain behind a token that waits to enter.</summary>
    public DraftedToken[] DraftBehind(SessionId session, WaitingToken waiting)
    {
        if (sessions.Find(session) is not { } settings)
        {
            return [];
        }

        _tokens.Clear();
        var (depth, width) = (DepthOf(settings, waiting.Depth), WidthOf(settings));
        runtime.DraftBehind(session, waiting.Parent, waiting.Token, depth, width, _tokens);
        return [.. _tokens];
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
        !part.SkipsHead && (sessions.SettingsOf(part.Session).Drafts & DraftSources.ExitHead) != 0;

    /// <summary>The deepest that a part drafts.</summary>
    private int DepthFor(MicroBatch batch)
    {
        var depth = 1;
        foreach (var part in batch.Parts)
        {
            if (part.IsDrafting)
            {
                depth = Math.Max(depth, DepthOf(sessions.SettingsOf(part.Session), part.Depth));
            }
        }

        return depth;
    }

    /// <summary>How far ahead a session drafts. A micro-batch of one row has no room for more than the next token.</summary>
    /// <param name="chosen">How far pays; 0 for any.</param>
    private int DepthOf(SessionSettings settings, int chosen)
    {
        var most =
            settings.MaxWidth == 1 ? 1
            : settings.ChainDepth == 0 ? runtime.Description.StandardDepth
            : Math.Min(settings.ChainDepth, runtime.Description.DraftDepth);
        return chosen > 0 ? Math.Min(chosen, most) : most;
    }

    /// <summary>Tokens it gets of each step.</summary>
    private int WidthOf(SessionSettings settings) =>
        Math.Min(
            settings.MaxWidth,
            runtime.Description.DraftDepth == 1 ? MostSuccessors
                : settings.Sampling.Temperature > 0 ? SampledAlternatives
                : GreedyAlternatives
        );

    private DraftedToken[] Draft(BatchPart part, int firstRow)
    {
        _tokens.Clear();
        var width = WidthOf(sessions.SettingsOf(part.Session));
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
