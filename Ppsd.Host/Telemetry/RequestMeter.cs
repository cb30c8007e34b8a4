using System.Diagnostics;
using Ppsd.Actors.Messages;
using Ppsd.Host.Api.Requests;
using Ppsd.Host.Api.Responses;
using Ppsd.Host.Generation;

namespace Ppsd.Host.Telemetry;

/// <summary>
/// Times one request from its arrival to its end, for metrics, its trace and its own figures; the figures of several texts
/// are added up. One thread at a time.
/// </summary>
internal sealed class RequestMeter : IDisposable
{
    private readonly PpsdMetrics _metrics;
    private readonly Activity? _span;
    private readonly long _arrivedAt;
    private readonly List<TextResult> _results = [];
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

    /// <summary>The request has been read.</summary>
    public void Enter(TextRequest request)
    {
        _request = request;
        _span?.SetTag("gen_ai.request.model", request.Model);
        _span?.SetTag("gen_ai.request.max_tokens", request.Prompts[0].MaxTokens);
    }

    /// <summary>Something happened to one of its texts.</summary>
    public void Note(TextEvent next)
    {
        switch (next)
        {
            case TextStarted when _startedAt == 0:
                _startedAt = _metrics.Clock.GetTimestamp();
                Begin("prefill");
                break;
            case TextAdded { Tokens.Count: > 0 } added:
                NoteTokens(added.Tokens.Count);
                break;
            case TextCompleted completed:
                _results.Add(completed.Result);
                if (_results.Count == _request!.TextCount)
                {
                    Complete();
                }

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

    /// <summary>The request's own figures, once all its texts are complete.</summary>
    public RequestMetrics Figures()
    {
        var decodeMs = Between(_firstTokenAt, _lastTokenAt).TotalMilliseconds;
        var gaps = Math.Max(0, _results.Sum(result => result.TokenIds.Count) - 1);
        return new RequestMetrics
        {
            TimeToFirstTokenMs = Round(Between(_arrivedAt, _firstTokenAt).TotalMilliseconds),
            GenerationTimeMs = Round(decodeMs),
            QueueTimeMs = Round(Between(_arrivedAt, _startedAt).TotalMilliseconds),
            MeanItlMs = gaps == 0 ? 0 : Round(decodeMs / gaps),
            TokensPerSecond = decodeMs <= 0 ? 0 : Round(gaps * 1000 / decodeMs),
            Resumes = _results.Sum(result => result.Stats.Resumes),
            ReplayedTokens = _results.Sum(result => result.Stats.ReplayedTokens),
            SpeculativeDecoding =
                _results[0].Stats.Drafts != DraftSources.None
                    ? Drafts([.. _results.Select(result => result.Stats)])
                    : null,
        };
    }

    public void Dispose()
    {
        _part?.Dispose();
        _span?.Dispose();
    }

    private static SpeculativeDecodingMetrics Drafts(IReadOnlyList<SessionStats> texts)
    {
        var runs = texts.Sum(stats => stats.Runs);
        var accepted = texts.Sum(stats => stats.AcceptedDrafts);
        var verified = texts.Sum(stats => stats.VerifiedDrafts);
        var cycles = Math.Max(1, texts.Sum(stats => stats.Cycles));
        var histogram = new int[texts.Max(stats => stats.AcceptanceHistogram.Length)];
        foreach (var stats in texts)
        {
            for (var i = 0; i < stats.AcceptanceHistogram.Length; i++)
            {
                histogram[i] += stats.AcceptanceHistogram[i];
            }
        }

        return new SpeculativeDecodingMetrics
        {
            MeanAcceptanceLength = runs == 0 ? 1 : Round(1 + (double)accepted / runs),
            DraftAcceptanceRate = verified == 0 ? 0 : Round((double)accepted / verified),
            AcceptanceHistogram = histogram,
            NumSpecSteps = runs,
            NumAcceptedDraftTokens = accepted,
            NumDraftTokens = verified,
            NumCancelledDraftTokens = texts.Sum(stats => stats.CancelledDrafts),
            AcceptedPerCycle = Round((double)accepted / cycles),
            RowsPerCycle = Round((double)texts.Sum(stats => stats.Rows) / cycles),
            Sources =
            [
                .. DraftSourceFigures
                    .Sum(texts.SelectMany(stats => stats.Sources))
                    .Select(figures => new SourceMetrics
                    {
                        Source = DraftNames.KeyOf(figures.Source),
                        Step = figures.Step,
                        NumDraftTokens = figures.Judged,
                        NumAcceptedDraftTokens = figures.Accepted,
                    }),
            ],
        };
    }

    private void NoteTokens(int count)
    {
        var now = _metrics.Clock.GetTimestamp();
        if (_firstTokenAt == 0)
        {
            _firstTokenAt = now;
            _metrics.NoteFirstToken(_request!.PromptTokens, Between(_arrivedAt, _startedAt), Between(_arrivedAt, now));
            Begin("decode");
        }

        _metrics.NoteTokens(count, _lastTokenAt == 0 ? null : Between(_lastTokenAt, now));
        _lastTokenAt = now;
    }

    private void Complete()
    {
        _isOver = true;
        var reason = AnswerHead.Name(_results[0].Reason);
        _metrics.NoteCompleted(
            _results,
            _metrics.Clock.GetElapsedTime(_arrivedAt),
            Between(_firstTokenAt, _lastTokenAt),
            reason
        );
        _span?.SetTag("gen_ai.response.finish_reasons", reason);
        _span?.SetTag("gen_ai.usage.input_tokens", _request!.PromptTokens);
        _span?.SetTag("gen_ai.usage.output_tokens", _results.Sum(result => result.TokenIds.Count));
        var verified = _results.Sum(result => result.Stats.VerifiedDrafts);
        var accepted = _results.Sum(result => result.Stats.AcceptedDrafts);
        _span?.SetTag("ppsd.acceptance_rate", verified == 0 ? 0.0 : (double)accepted / verified);
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
