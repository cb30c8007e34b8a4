using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Client;

/// <summary>
/// What a client holds of a generation: enough for another pipeline to go on where one died. The request and the tokens received
/// say all that the text depends on, since draws are keyed by position. Pure; one owner.
/// </summary>
/// <param name="maxResumes">Times that it may be resumed.</param>
internal sealed class HeldGeneration(StartSession request, int maxResumes)
{
    private readonly List<TokenId> _tokens = [.. request.Generated];
    private int _replayed;

    /// <summary>What to ask for now: the request, or what goes on with it.</summary>
    public StartSession Request { get; private set; } = request;

    /// <summary>The session that tokens are taken from; null while there is none.</summary>
    public SessionId? Session { get; private set; }

    /// <summary>True once a session has started for it.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>Tokens received, those that the request came with included.</summary>
    public int Received => _tokens.Count;

    /// <summary>Times it was resumed.</summary>
    public int Resumes => Request.Attempt;

    /// <summary>How the text ended, where the tokens say that it has; null while it goes on.</summary>
    public FinishReason? End =>
        _tokens.Count > 0 && Request.EndTokens.Contains(_tokens[^1]) ? FinishReason.Stop
        : _tokens.Count >= Request.MaxTokens ? FinishReason.Length
        : null;

    /// <summary>
    /// A session says that it has started. False when it is not of the attempt that runs, or another one has started for it: a
    /// stage that hung may answer what was asked of it long ago.
    /// </summary>
    public bool TryBegin(SessionStarted started)
    {
        if (started.Attempt != Request.Attempt || (Session is { } known && known != started.Session))
        {
            return false;
        }

        Session = started.Session;
        HasBegun = true;
        Request = Request with
        {
            // Another pipeline may hold less; the limit stays the one that the text began with.
            MaxTokens = started.MaxTokens > 0 ? started.MaxTokens : Request.MaxTokens,
            MayShorten = false,
            Arithmetic = started.Arithmetic,
        };
        return true;
    }

    /// <summary>Takes tokens; false when some before them are missing or they have come before.</summary>
    public bool TryTake(TokensEmitted emitted)
    {
        if (emitted.FirstIndex != _tokens.Count)
        {
            return false;
        }

        _tokens.AddRange(emitted.Tokens);
        return true;
    }

    /// <summary>True when the pipeline's end is the text's: nothing is missing.</summary>
    public bool IsWhole(SessionEnded ended) => ended.Stats.GeneratedTokens == _tokens.Count;

    /// <summary>
    /// The session is lost. Says how the text ends where nothing of it is missing, and otherwise makes
    /// <see cref="Request"/> what goes on with it.
    /// </summary>
    /// <param name="isStopped">True when its reader wants no more of it.</param>
    public AfterLoss Lose(bool isStopped)
    {
        var lost = Session ?? Request.Earlier;
        Session = null;
        if (maxResumes == 0)
        {
            return new AfterLoss(CanResume: false, null);
        }

        if (isStopped)
        {
            return new AfterLoss(CanResume: false, FinishReason.Cancelled);
        }

        if (End is not null)
        {
            return new AfterLoss(CanResume: false, End);
        }

        if (Request.Attempt == maxResumes)
        {
            return new AfterLoss(CanResume: false, null);
        }

        _replayed += _tokens.Count;
        Request = Request with { Generated = [.. _tokens], Attempt = Request.Attempt + 1, Earlier = lost };
        return new AfterLoss(CanResume: true, null);
    }

    /// <summary>The whole text's figures, from those of the last session.</summary>
    /// <param name="timeToFirstToken">By the client's clock.</param>
    /// <param name="decodeTime">From the first token to the last, by the client's clock.</param>
    public SessionStats Complete(SessionStats last, TimeSpan timeToFirstToken, TimeSpan decodeTime) =>
        Request.Attempt == 0
            ? last
            : last with
            {
                Resumes = Request.Attempt,
                ReplayedTokens = _replayed,
                TimeToFirstTokenMs = timeToFirstToken.TotalMilliseconds,
                DecodeMs = decodeTime.TotalMilliseconds,
            };

    /// <summary>Figures of a session that ended before it could say them: drafts are not known.</summary>
    public SessionStats UnknownStats() =>
        new()
        {
            Drafts = Request.Drafts,
            StageCount = 0,
            PromptTokens = Request.Prompt.Length,
            GeneratedTokens = _tokens.Count,
            VerifiedDrafts = 0,
            AcceptedDrafts = 0,
            CancelledDrafts = 0,
            Rollbacks = 0,
            Restarts = 0,
            TimeToFirstTokenMs = 0,
            DecodeMs = 0,
            MeanCycleMs = 0,
            AcceptanceHistogram = [],
        };
}

/// <summary>What a lost session means for its text.</summary>
/// <param name="CanResume">True when another pipeline is to go on with it.</param>
/// <param name="End">How it ends, where all of it was received; null where it is resumed, or breaks off.</param>
internal readonly record struct AfterLoss(bool CanResume, FinishReason? End);
