using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;

namespace Ppsd.Actors.Sessions;

/// <summary>A session as the draft stage holds it: its decode, its client, its clock marks. Used by that stage's thread.</summary>
internal sealed class LiveSession(DecodeSession decode, ISessionClient client, StartSession request, TimeProvider clock)
{
    private readonly long _startedAt = clock.GetTimestamp();
    private long _firstTokenAt;
    private long _lastTokenAt;
    private long _firstEntryAt;
    private long _lastEntryAt;
    private long _progressAt = clock.GetTimestamp();
    private int _entries;
    private int _vainRestarts;
    private readonly TokenOutbox _outbox = new(decode.Id, request.Window, request.Generated.Length);
    private SessionEnded? _end;

    /// <summary>The decode state.</summary>
    public DecodeSession Decode { get; } = decode;

    /// <summary>Receives its tokens.</summary>
    public ISessionClient Client { get; } = client;

    /// <summary>Which of the client's attempts it is.</summary>
    public int Attempt => request.Attempt;

    /// <summary>What its client is told when it starts, and when it asks again.</summary>
    /// <param name="arithmetic">How the pipeline computes.</param>
    public SessionStarted Started(string arithmetic) =>
        new(Decode.Id, request.Attempt, request.MayShorten ? request.MaxTokens : 0, arithmetic);

    private int GeneratedCount => request.Generated.Length + Decode.GeneratedCount;

    /// <summary>A micro-batch enters stage 1.</summary>
    public void NoteEntry(BatchPart part)
    {
        _progressAt = clock.GetTimestamp();
        if (part.CertainCount > 0 && Decode.GeneratedCount == 0)
        {
            // A chunk of the prompt: no cycle of decoding.
            return;
        }

        _lastEntryAt = _progressAt;
        if (_entries++ == 0)
        {
            _firstEntryAt = _lastEntryAt;
        }
    }

    /// <summary>
    /// Tokens were verified; <see cref="SendNews"/> tells the client. Those of the verdicts before go first: a stream
    /// comes as it was verified rather than in bursts.
    /// </summary>
    public void NoteTokens(VerdictOutcome outcome, TokenLogprobs[]? verdicts)
    {
        _lastTokenAt = clock.GetTimestamp();
        if (_firstTokenAt == 0)
        {
            _firstTokenAt = _lastTokenAt;
        }

        NoteProgress();
        SendTokens();
        _outbox.Add(
            outcome.Emitted,
            verdicts is null ? null : [.. outcome.EmittedBy.Select(verdict => verdicts[verdict])]
        );
    }

    /// <summary>
    /// Sends the client the tokens it has room for, and shows it what is in flight, if it wants to see it and keeps up with
    /// the text.
    /// </summary>
    public void SendNews()
    {
        SendTokens();
        if (request.ShowDrafts && _outbox.IsEmpty && !Decode.IsFinished)
        {
            var drafts = Decode.LikelyDrafts();
            Client.Tell(
                new DraftsInFlight(
                    Decode.Id,
                    GeneratedCount,
                    [.. drafts.Select(draft => draft.Token)],
                    drafts.Exists(draft => draft.Others.Length > 0) ? [.. drafts.Select(draft => draft.Others)] : null
                )
            );
        }
    }

    /// <summary>The generation is over; the client learns of it behind its last token.</summary>
    /// <returns>True when it has been told; false while tokens wait for it to read.</returns>
    public bool TryEnd(FinishReason reason, int stageCount)
    {
        _end = new SessionEnded(Decode.Id, reason, Stats(stageCount));
        return Send();
    }

    /// <summary>The client has read tokens.</summary>
    /// <returns>True when it has been told everything.</returns>
    public bool NoteRead(int count)
    {
        _outbox.NoteRead(count);
        return Send();
    }

    /// <summary>Something came back from the pipeline.</summary>
    public void NoteProgress()
    {
        _progressAt = clock.GetTimestamp();
        _vainRestarts = 0;
    }

    /// <summary>
    /// True when nothing has entered or come back for so long that something must be lost; the patience doubles with each vain attempt, so
    /// that a slow pipeline is not restarted for ever.
    /// </summary>
    public bool HasStalled(TimeSpan timeout)
    {
        if (!Decode.HasEntered || clock.GetElapsedTime(_progressAt) < timeout * Math.Pow(2, Math.Min(_vainRestarts, 6)))
        {
            return false;
        }

        _vainRestarts++;
        _progressAt = clock.GetTimestamp();
        return true;
    }

    private void SendTokens()
    {
        while (_outbox.TakeNext() is { } tokens)
        {
            Client.Tell(tokens);
        }
    }

    private bool Send()
    {
        SendTokens();
        if (_end is null || !_outbox.IsEmpty)
        {
            return false;
        }

        Client.Tell(_end);
        return true;
    }

    private SessionStats Stats(int stageCount) =>
        new()
        {
            Drafts = request.Drafts,
            StageCount = stageCount,
            PromptTokens = request.Prompt.Length,
            GeneratedTokens = GeneratedCount,
            VerifiedDrafts = Decode.Tally.Verified,
            AcceptedDrafts = Decode.Tally.Accepted,
            CancelledDrafts = Decode.Tally.Cancelled,
            Rollbacks = Decode.Tally.Rollbacks,
            Restarts = Decode.Tally.Restarts,
            AcceptanceHistogram = request.Drafts != DraftSources.None ? Decode.Tally.AcceptanceHistogram() : [],
            Sources = Decode.Tally.Sources,
            Cycles = Decode.Tally.Cycles,
            Rows = Decode.Tally.Rows,
            TimeToFirstTokenMs =
                _firstTokenAt == 0 ? 0 : clock.GetElapsedTime(_startedAt, _firstTokenAt).TotalMilliseconds,
            DecodeMs = _firstTokenAt == 0 ? 0 : clock.GetElapsedTime(_firstTokenAt, _lastTokenAt).TotalMilliseconds,
            MeanCycleMs =
                _entries < 2 ? 0 : clock.GetElapsedTime(_firstEntryAt, _lastEntryAt).TotalMilliseconds / (_entries - 1),
        };
}
