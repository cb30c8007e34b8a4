using System.Diagnostics;
using System.Diagnostics.Metrics;
using Ppsd.Host.Generation;

namespace Ppsd.Host.Telemetry;

/// <summary>
/// Every instrument of the server, named once. Suffixes are vLLM's, so that dashboards made for it need another prefix
/// and nothing else; the exporter turns dots into underscores and appends units. docs/api.md defines each.
/// </summary>
internal sealed class PpsdMetrics : IDisposable
{
    private static readonly InstrumentAdvice<double> _seconds = new()
    {
        HistogramBucketBoundaries =
        [
            0.001,
            0.0025,
            0.005,
            0.01,
            0.025,
            0.05,
            0.1,
            0.25,
            0.5,
            1,
            2.5,
            5,
            10,
            30,
            60,
            120,
            300,
        ],
    };

    private static readonly InstrumentAdvice<double> _secondsPerToken = new()
    {
        HistogramBucketBoundaries =
        [
            0.0002,
            0.0005,
            0.001,
            0.0015,
            0.002,
            0.003,
            0.005,
            0.0075,
            0.01,
            0.025,
            0.05,
            0.1,
            0.25,
            0.5,
            1,
            2.5,
        ],
    };

    private readonly Meter _meter;
    private readonly Counter<long> _promptTokens;
    private readonly Counter<long> _generationTokens;
    private readonly Counter<long> _successes;
    private readonly Counter<long> _failures;
    private readonly Histogram<double> _timeToFirstToken;
    private readonly Histogram<double> _timePerOutputToken;
    private readonly Histogram<double> _interTokenLatency;
    private readonly Histogram<double> _latency;
    private readonly Histogram<double> _queueTime;
    private readonly Counter<long> _drafts;
    private readonly Counter<long> _draftTokens;
    private readonly Counter<long> _acceptedTokens;
    private readonly Counter<long> _cancelledTokens;
    private readonly Counter<long> _rollbacks;
    private readonly Counter<long> _resumes;
    private readonly Counter<long> _replayedTokens;
    private readonly Counter<long> _cycles;
    private readonly Counter<long> _rows;
    private readonly Counter<long> _draftTokensPerStep;
    private readonly Counter<long> _acceptedTokensPerStep;
    private readonly Histogram<double> _serverDuration;
    private readonly Histogram<double> _serverTimeToFirstToken;
    private readonly Histogram<double> _serverTimePerOutputToken;

    /// <summary>Creates the instruments.</summary>
    /// <param name="name">Name of the meter and of the source of traces.</param>
    public PpsdMetrics(string name, TimeProvider clock)
    {
        Clock = clock;
        Activities = new ActivitySource(name, ProgramVersion.Text);
        _meter = new Meter(name, ProgramVersion.Text);
        _promptTokens = Count("ppsd.prompt_tokens", "Tokens of prompts.");
        _generationTokens = Count("ppsd.generation_tokens", "Tokens generated.");
        _successes = Count("ppsd.request_success", "Requests answered to the end.");
        _failures = Count("ppsd.request_failure", "Requests refused, broken off or abandoned.");
        _timeToFirstToken = Time("ppsd.time_to_first_token", "Arrival to first token.", _seconds);
        _timePerOutputToken = Time("ppsd.time_per_output_token", "Mean after the first token.", _secondsPerToken);
        _interTokenLatency = Time("ppsd.inter_token_latency", "Between tokens.", _secondsPerToken);
        _latency = Time("ppsd.e2e_request_latency", "Arrival to last token.", _seconds);
        _queueTime = Time("ppsd.request_queue_time", "Arrival to the session's start.", _seconds);
        _drafts = Count("ppsd.spec_decode.num_drafts", "Runs.");
        _draftTokens = Count(
            "ppsd.spec_decode.num_draft_tokens",
            "Positions with drafts that got a verdict: siblings count once."
        );
        _acceptedTokens = Count("ppsd.spec_decode.num_accepted_tokens", "Positions where a verdict confirmed a draft.");
        _cancelledTokens = Count("ppsd.spec_decode.num_cancelled_tokens", "Drafts dropped after a rejection.");
        _rollbacks = Count("ppsd.rollbacks", "Runs ended by a rejection.");
        _resumes = Count("ppsd.resumes", "Times another pipeline went on with a text.");
        _replayedTokens = Count("ppsd.replayed_tokens", "Generated tokens computed again for that.");
        _cycles = Count("ppsd.spec_decode.num_cycles", "Micro-batches with rows of a text, its prompt's aside.");
        _rows = Count("ppsd.spec_decode.num_rows", "Rows of texts in them.");
        _draftTokensPerStep = Count(
            "ppsd.spec_decode.num_draft_tokens_per_step",
            "Drafts that got a verdict, by source and step: siblings count one by one, so that the sum may exceed num_draft_tokens."
        );
        _acceptedTokensPerStep = Count(
            "ppsd.spec_decode.num_accepted_tokens_per_step",
            "Drafts that a verdict confirmed, by source and step: at most one of siblings."
        );
        _serverDuration = Time("gen_ai.server.request.duration", "As e2e_request_latency.", _seconds);
        _serverTimeToFirstToken = Time("gen_ai.server.time_to_first_token", "As time_to_first_token.", _seconds);
        _serverTimePerOutputToken = Time(
            "gen_ai.server.time_per_output_token",
            "As time_per_output_token.",
            _secondsPerToken
        );
    }

    /// <summary>Traces: a span a request, with its prefill and its decode.</summary>
    public ActivitySource Activities { get; }

    /// <summary>Time.</summary>
    public TimeProvider Clock { get; }

    /// <summary>Instruments observed on collection: requests, and the stages in the latest snapshot.</summary>
    public void Observe(RequestGate gate, PipelineWatch watch)
    {
        _meter.CreateObservableGauge("ppsd.num_requests_running", () => gate.Running, null, "Requests running.");
        _meter.CreateObservableGauge("ppsd.num_requests_waiting", () => gate.Waiting, null, "Requests waiting.");
        StageReadings.Observe(_meter, watch);
    }

    /// <summary>A request has arrived.</summary>
    /// <param name="route">Where.</param>
    public RequestMeter BeginRequest(string route) => new(this, route);

    /// <summary>Tokens came, so long after those before.</summary>
    internal void NoteTokens(int count, TimeSpan? sinceLast)
    {
        _generationTokens.Add(count);
        for (var i = 0; i < count && sinceLast is { } gap; i++)
        {
            _interTokenLatency.Record(gap.TotalSeconds / count);
        }
    }

    /// <summary>The prompt has been prefilled and the first token came.</summary>
    internal void NoteFirstToken(int promptTokens, TimeSpan queued, TimeSpan sinceArrival)
    {
        _promptTokens.Add(promptTokens);
        _queueTime.Record(queued.TotalSeconds);
        _timeToFirstToken.Record(sinceArrival.TotalSeconds);
        _serverTimeToFirstToken.Record(sinceArrival.TotalSeconds);
    }

    /// <summary>All texts of a request are complete.</summary>
    internal void NoteCompleted(
        IReadOnlyList<TextResult> results,
        TimeSpan sinceArrival,
        TimeSpan decoding,
        string reason
    )
    {
        var tokens = results.Sum(result => result.TokenIds.Count);
        _successes.Add(1, new KeyValuePair<string, object?>("finished_reason", reason));
        _latency.Record(sinceArrival.TotalSeconds);
        _serverDuration.Record(sinceArrival.TotalSeconds);
        if (tokens > 1)
        {
            var perToken = decoding.TotalSeconds / (tokens - 1);
            _timePerOutputToken.Record(perToken);
            _serverTimePerOutputToken.Record(perToken);
        }

        foreach (var result in results)
        {
            _drafts.Add(result.Stats.Runs);
            _draftTokens.Add(result.Stats.VerifiedDrafts);
            _acceptedTokens.Add(result.Stats.AcceptedDrafts);
            _cancelledTokens.Add(result.Stats.CancelledDrafts);
            _rollbacks.Add(result.Stats.Rollbacks);
            _resumes.Add(result.Stats.Resumes);
            _replayedTokens.Add(result.Stats.ReplayedTokens);
            _cycles.Add(result.Stats.Cycles);
            _rows.Add(result.Stats.Rows);
            foreach (var figures in result.Stats.Sources)
            {
                var source = new KeyValuePair<string, object?>("source", DraftNames.KeyOf(figures.Source));
                var step = new KeyValuePair<string, object?>("step", figures.Step);
                _draftTokensPerStep.Add(figures.Judged, source, step);
                _acceptedTokensPerStep.Add(figures.Accepted, source, step);
            }
        }
    }

    /// <summary>A request came to nothing.</summary>
    internal void NoteFailed(string reason) => _failures.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void Dispose()
    {
        _meter.Dispose();
        Activities.Dispose();
    }

    private Counter<long> Count(string name, string description) => _meter.CreateCounter<long>(name, null, description);

    private Histogram<double> Time(string name, string description, InstrumentAdvice<double> buckets) =>
        _meter.CreateHistogram(name, "s", description, null, buckets);
}
