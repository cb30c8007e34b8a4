using System.Diagnostics;
using Ppsd.Actors.Messages;
using Ppsd.Host.Api.Requests;
using Ppsd.Host.Api.Responses;
using Ppsd.Host.Generation;

namespace Ppsd.Host.Telemetry;

/// <summary>Times one request from its arrival to its end, for metrics, its trace and its own figures. One thread at a time.</summary>
internal sealed class RequestMeter : IDisposable
{
    private readonly PpsdMetrics _metrics;
    private readonly Activity? _span;
    private readonly long _arrivedAt;
    private Activity? _part;
    private TextRequest? _request;
    private long _startedAt;
    private long _firstTokenAt;
    private long _lastTokenAt;
    private bool _isOver;

    internal RequestMeter(PpsdMetrics metrics, string route)
    {
        _metrics = metrics;
        _arrivedAt = metrics.Clock.GetTimestamp();
        _span = metrics.Activities.StartActivity($"text {route}");
        Begin("queue");
    }

    /// <summary>The request's span, for stages; null when it is not traced.</summary>
    public string? TraceParent => _span?.Id;

    /// <summary>The request has been read and has its turn.</summary>
    public void Enter(TextRequest request)
    {
        _request = request;
        _span?.SetTag("gen_ai.request.model", request.Model);
        _span?.SetTag("gen_ai.request.max_tokens", request.Settings.MaxTokens);
    }

    /// <summary>Something happened to its text.</summary>
    public void Note(TextEvent next)
    {
        switch (next)
        {
            case TextStarted:
                _startedAt = _metrics.Clock.GetTimestamp();
                Begin("prefill");
                break;
            case TextAdded { Tokens.Count: > 0 } added:
                NoteTokens(added.Tokens.Count);
                break;
            case TextCompleted completed:
                Complete(completed.Result);
                break;
            default:
                break;
        }
    }

    /// <summary>The request came to nothing.</summary>
    /// <param name="reason">A status, or a word.</param>
    public void Fail(string reason)
    {
        if (!_isOver)
        {
            _isOver = true;
            _span?.SetStatus(ActivityStatusCode.Error, reason);
            _metrics.NoteFailed(reason);
        }
    }

    /// <summary>The request's own figures.</summary>
    public RequestMetrics Figures(TextResult result)
    {
        var decodeMs = Between(_firstTokenAt, _lastTokenAt).TotalMilliseconds;
        var gaps = Math.Max(0, result.TokenIds.Count - 1);
        return new RequestMetrics
        {
            TimeToFirstTokenMs = Round(Between(_arrivedAt, _firstTokenAt).TotalMilliseconds),
            GenerationTimeMs = Round(decodeMs),
            QueueTimeMs = Round(Between(_arrivedAt, _startedAt).TotalMilliseconds),
            MeanItlMs = gaps == 0 ? 0 : Round(decodeMs / gaps),
            TokensPerSecond = decodeMs <= 0 ? 0 : Round(gaps * 1000 / decodeMs),
            SpeculativeDecoding = result.Stats.Drafts != DraftSources.None ? Drafts(result.Stats) : null,
        };
    }

    public void Dispose()
    {
        _part?.Dispose();
        _span?.Dispose();
    }

    private static SpeculativeDecodingMetrics Drafts(SessionStats stats) =>
        new()
        {
            MeanAcceptanceLength = Round(1 + (double)stats.AcceptedDrafts / stats.Runs),
            DraftAcceptanceRate = Round(stats.AcceptanceRate),
            AcceptanceHistogram = stats.AcceptanceHistogram,
            NumSpecSteps = stats.Runs,
            NumAcceptedDraftTokens = stats.AcceptedDrafts,
            NumDraftTokens = stats.VerifiedDrafts,
            NumCancelledDraftTokens = stats.CancelledDrafts,
        };

    private void NoteTokens(int count)
    {
        var now = _metrics.Clock.GetTimestamp();
        if (_firstTokenAt == 0)
        {
            _firstTokenAt = now;
            _metrics.NoteFirstToken(_request!.Prompt.Length, Between(_arrivedAt, _startedAt), Between(_arrivedAt, now));
            Begin("decode");
        }

        _metrics.NoteTokens(count, _lastTokenAt == 0 ? null : Between(_lastTokenAt, now));
        _lastTokenAt = now;
    }

    private void Complete(TextResult result)
    {
        _isOver = true;
        var reason = AnswerHead.Name(result.Reason);
        _metrics.NoteCompleted(
            result,
            _metrics.Clock.GetElapsedTime(_arrivedAt),
            Between(_firstTokenAt, _lastTokenAt),
            reason
        );
        _span?.SetTag("gen_ai.response.finish_reasons", reason);
        _span?.SetTag("gen_ai.usage.input_tokens", result.PromptTokenIds.Count);
        _span?.SetTag("gen_ai.usage.output_tokens", result.TokenIds.Count);
        _span?.SetTag("ppsd.acceptance_rate", result.Stats.AcceptanceRate);
    }

    private void Begin(string part)
    {
        _part?.Dispose();
        _part = _span is null ? null : _metrics.Activities.StartActivity(part, ActivityKind.Internal, _span.Context);
    }

    private TimeSpan Between(long from, long to) =>
        from == 0 || to == 0 ? TimeSpan.Zero : _metrics.Clock.GetElapsedTime(from, to);

    private static double Round(double value) => Math.Round(value, 3);
}
