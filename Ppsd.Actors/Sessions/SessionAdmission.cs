using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Actors.Speculation;

namespace Ppsd.Actors.Sessions;

/// <summary>
/// Says whether a pipeline can serve a request, and keeps account of KV pages so that no stage ever runs out: a session
/// is admitted only when every stage can hold its longest text. Pure.
/// </summary>
internal sealed class SessionAdmission
{
    /// <summary>Most candidates in a micro-batch of a session that leaves its width open, where rows are cheap.</summary>
    private const int StandardWidth = 8;

    /// <summary>Where rows cost more than this share of a step, eight seldom bring more than four.</summary>
    private const double CheapRow = 0.1;

    /// <summary>As many where they are not.</summary>
    private const int NarrowWidth = 4;

    /// <summary>
    /// Where rows cost more than this share of a step, so do the steps of a chain, and they take what the rows bring.
    /// </summary>
    private const double DearRow = 0.35;

    /// <summary>Parts beyond which hardly a draft survives, however long the links are.</summary>
    private const int WidestWindow = 32;

    private readonly PipelineFormed _pipeline;
    private readonly PipelineOptions _options;
    private readonly Dictionary<SessionId, int> _reserved = [];
    private readonly int _pageCount;
    private readonly int _pageSize;
    private readonly int _maxLength;
    private readonly int _maxWidth;
    private readonly PipelineCosts _costs;
    private int _reservedPages;

    public SessionAdmission(PipelineFormed pipeline, PipelineOptions options)
    {
        _pipeline = pipeline;
        _options = options;
        Arithmetic = PipelineArithmetic.Of(pipeline);
        var stages = pipeline.Stages.Select(stage => stage.Description).ToList();
        _pageCount = stages.Min(stage => stage.PageCount);
        _pageSize = stages.Max(stage => stage.PageSize);
        _maxLength = stages.Min(stage => stage.MaxLength);
        _maxWidth = stages.Min(stage => stage.MaxWidth);
        PrefillChunk = Math.Min(options.PrefillChunk, stages.Min(stage => stage.MaxRows));
        _costs = new PipelineCosts(
            [.. stages.Select(stage => stage.RowCosts)],
            stages.FindIndex(stage => stage.HasExitHead),
            options.ParallelStagesOf(stages.Count)
        );
        Fill = new PipelineFill(options.ParallelStagesOf(stages.Count), _costs);
    }

    /// <summary>How many micro-batches fill the pipeline, as measured so far.</summary>
    public PipelineFill Fill { get; }

    /// <summary>Prompt tokens of a micro-batch that every stage can take.</summary>
    public int PrefillChunk { get; }

    /// <summary>How the pipeline computes.</summary>
    public string Arithmetic { get; }

    /// <summary>What every stage can take in one cycle.</summary>
    public StepLimits StepLimits =>
        new(
            _pipeline.Stages.Min(stage => stage.Description.CandidatesPerStep),
            _options.ParallelStagesOf(_pipeline.Stages.Length),
            _options.WindowFor(_options.ParallelStagesOf(_pipeline.Stages.Length)),
            RowCost(withHead: true),
            PrefillChunk
        )
        {
            NarrowRows = _costs.Stages.Min(stage => stage.Width > 0 ? stage.Width : int.MaxValue),
            WideRowCost = _costs.IsMeasured
                ? _costs.Stages.Sum(stage => stage.WideRowMs + RowMs(stage)) / _costs.Stages.Sum(stage => stage.StepMs)
                : 0,
            SharesProcessors = _options.SharesProcessors(_pipeline.Stages.Length),
            Depths = _costs is { IsMeasured: true, HeadStage: >= 0 and var head }
                ? new DraftDepths(_costs, _pipeline.Stages[head].Description.StandardDepth)
                : null,
            TextDepths = _costs.IsMeasured
                ? new DraftDepths(_costs with { HeadStage = -1 }, DraftPool.TokensAhead)
                : null,
        };

    /// <summary>What a candidate adds to the heads of a step.</summary>
    private static double RowMs(RowCosts stage) => stage.HeadRowMs + stage.ChainRowMs;

    /// <summary>
    /// Longest text, prompt included, that every stage can hold, in tokens, for a session that leaves its width open and drafts
    /// with all there is.
    /// </summary>
    public int MaxTextLength => LongestText(OpenWidth(DraftSources.ExitHead | DraftSources.NGrams, chainDepth: 0));

    /// <summary>The request, its limit lowered to what the pipeline holds where the client left it open.</summary>
    public StartSession Fit(StartSession request)
    {
        var room = LongestText(WidthOf(request)) - request.Prompt.Length;
        return request.MayShorten && room >= 1 && room < request.MaxTokens
            ? request with
            {
                MaxTokens = room,
            }
            : request;
    }

    /// <summary>Why the pipeline can never serve the request, in one line; null when it can.</summary>
    public string? Refusal(StartSession request)
    {
        var first = _pipeline.Stages[0].Description;
        if (request.Prompt.Length == 0)
        {
            return "the prompt is empty: expected at least one token";
        }

        foreach (var token in request.Prompt.Concat(request.Generated))
        {
            if (token.Value < 0 || token.Value >= first.VocabSize)
            {
                return $"token {token.Value} is not in the vocabulary of {first.VocabSize} tokens";
            }
        }

        if (request.MaxTokens < 1)
        {
            return $"max tokens: expected at least 1, found {request.MaxTokens}";
        }

        if (request.Generated.Length >= request.MaxTokens)
        {
            return $"generated tokens: expected fewer than the {request.MaxTokens} of the limit, found {request.Generated.Length}";
        }

        if (request.Arithmetic.Length > 0 && request.Arithmetic != Arithmetic)
        {
            return $"the text was begun by {request.Arithmetic}, and would go on in other numbers by {Arithmetic}";
        }

        if (request.MaxWidth < 0 || request.MaxWidth > _maxWidth)
        {
            return $"max width (--max-width, max_width): expected 1 to {_maxWidth} (--step-rows), or none for auto, found {request.MaxWidth}";
        }

        if (LengthRefusal(request) is { } tooLong)
        {
            return tooLong;
        }

        if (
            (request.Drafts & DraftSources.ExitHead) != 0
            && !_pipeline.Stages.Any(stage => stage.Description.HasExitHead)
        )
        {
            return "no stage of this pipeline has an exit head: decode autoregressively, or load one";
        }

        if (request.ChainDepth < 0 || request.ChainDepth > MaxDepth)
        {
            return $"chain depth: expected 1 to {MaxDepth}, or 0 for the usual, found {request.ChainDepth}";
        }

        if (
            request.ModelFingerprint.Length > 0
            && _pipeline.ModelFingerprint.Length > 0
            && request.ModelFingerprint != _pipeline.ModelFingerprint
        )
        {
            return $"the pipeline serves the model {_pipeline.ModelFingerprint[..12]}, but the request was made for "
                + $"{request.ModelFingerprint[..Math.Min(12, request.ModelFingerprint.Length)]}";
        }

        return SessionLimits.Refusal(request.TopLogprobs) ?? SessionLimits.Refusal(request.Sampling, first.VocabSize);
    }

    /// <summary>
    /// Why the text has no room, in one line. The length that counts is the one of <see cref="MaxTextLength"/>, so that every
    /// way in names the same.
    /// </summary>
    private string? LengthRefusal(StartSession request)
    {
        var longest = LongestText(WidthOf(request));
        var prompt = request.Prompt.Length;
        if ((long)prompt + request.MaxTokens <= longest)
        {
            return null;
        }

        var held = $"the {longest} tokens that the pipeline's KV cache holds for one text";
        return prompt >= longest
            ? $"a prompt of {prompt} tokens leaves no room to generate in {held}"
            : $"a prompt of {prompt} tokens and {request.MaxTokens} to generate exceed {held}";
    }

    /// <summary>Reserves pages for the request; false when too many are taken just now.</summary>
    public bool TryReserve(SessionId session, StartSession request)
    {
        var pages = PagesFor(request);
        if (_reservedPages + pages > _pageCount)
        {
            return false;
        }

        _reserved.Add(session, pages);
        _reservedPages += pages;
        return true;
    }

    /// <summary>
    /// Reserves pages for a session that goes on with one which has reserved more: what stages keep of that does not shrink.
    /// </summary>
    /// <param name="length">Tokens that were reserved.</param>
    /// <returns>Tokens that are reserved now; null where there is no room.</returns>
    public int? TryExtend(SessionId session, int length)
    {
        var pages = _reserved[session];
        var more = Math.Max(0, PagesFor(length) - pages);
        if (_reservedPages + more > _pageCount)
        {
            return null;
        }

        _reserved[session] = pages + more;
        _reservedPages += more;
        return Math.Max(length, pages * _pageSize);
    }

    /// <summary>Every stage has released the session.</summary>
    public void Release(SessionId session)
    {
        if (_reserved.Remove(session, out var pages))
        {
            _reservedPages -= pages;
        }
    }

    /// <summary>The session's settings as every stage gets them.</summary>
    public SessionSettings SettingsFor(StartSession request) =>
        new()
        {
            Drafts = request.Drafts,
            Sampling = request.Sampling,
            MaxWidth = WidthOf(request),
            ReservedLength = ReservedLength(request),
            PromptLength = request.Prompt.Length,
            TopLogprobs = request.TopLogprobs,
            TraceParent = request.TraceParent,
            ChainDepth = request.ChainDepth,
        };

    /// <summary>How far the session may run ahead.</summary>
    public SpeculationLimits LimitsFor(StartSession request)
    {
        var stages = _pipeline.Stages.Length;
        return new SpeculationLimits(
            WindowOf(request),
            WidthOf(request),
            PrefillChunk,
            _options.MinAcceptanceFor(stages)
        );
    }

    /// <summary>Tokens each stage reserves memory for.</summary>
    /// <remarks>
    /// Beyond the text itself: the candidates in flight, and as many again, since those that died are freed only when the
    /// next micro-batch tells the stage.
    /// </remarks>
    public int ReservedLength(StartSession request) =>
        request.Prompt.Length + request.MaxTokens + InFlight(WindowOf(request), WidthOf(request));

    private static int InFlight(int window, int width) => 2 * (window + 1) * width;

    private int LongestText(int width) =>
        (int)
            Math.Clamp(
                (long)_pageCount * _pageSize - InFlight(_options.WindowFor(_pipeline.Stages.Length), width),
                0,
                _maxLength
            );

    /// <summary>
    /// How far the session may run ahead: further where links are slow, if there is room for the candidates in flight.
    /// </summary>
    private int WindowOf(StartSession request)
    {
        var window = _options.WindowFor(_pipeline.Stages.Length);
        var wanted = _options.SpeculationWindow > 0 ? window : Math.Clamp(Fill.MicroBatches + 1, window, WidestWindow);
        var text = request.Prompt.Length + request.MaxTokens;
        return text + InFlight(wanted, WidthOf(request)) <= (long)_pageCount * _pageSize ? wanted : window;
    }

    /// <summary>
    /// What a further row adds to a step of one, over all stages: those that share processors take turns, and others are
    /// meant to be balanced.
    /// </summary>
    /// <param name="withHead">True where an exit head drafts from the rows too.</param>
    private double RowCost(bool withHead)
    {
        var step = _pipeline.Stages.Sum(stage => StepMs(stage.Description, rows: 1));
        return step > 0 ? _pipeline.Stages.Sum(stage => StepMs(stage.Description, rows: 2)) / step - 1 : 0;

        double StepMs(StageDescription stage, int rows) =>
            stage.RowCosts.LayersMs(rows) + (withHead ? stage.RowCosts.ExitHeadMs(rows, stage.StandardDepth) : 0);
    }

    /// <summary>Most tokens that an exit head of the pipeline drafts ahead; 1 without one.</summary>
    private int MaxDepth =>
        _pipeline.Stages.Max(stage => stage.Description is { HasExitHead: true, DraftDepth: var depth } ? depth : 1);

    private int WidthOf(StartSession request) =>
        request.MaxWidth > 0 ? request.MaxWidth : OpenWidth(request.Drafts, request.ChainDepth);

    /// <summary>
    /// The width of a session that leaves it open: wider than one where sources propose more than the next token, and the wider
    /// the less a row costs; the composer takes only rows that pay.
    /// </summary>
    private int OpenWidth(DraftSources drafts, int chainDepth)
    {
        var proposesMore =
            (drafts & DraftSources.NGrams) != 0
            || (
                (drafts & DraftSources.ExitHead) != 0
                && chainDepth != 1
                && _pipeline.Stages.Any(stage => stage.Description is { HasExitHead: true, DraftDepth: > 1 })
            );
        if (!proposesMore)
        {
            return 1;
        }

        var width = RowCost(withHead: (drafts & DraftSources.ExitHead) != 0) switch
        {
            < CheapRow => StandardWidth,
            < DearRow => NarrowWidth,
            _ => 1,
        };
        return Math.Min(width, _maxWidth);
    }

    private int PagesFor(StartSession request) => PagesFor(ReservedLength(request));

    private int PagesFor(int length) => (length + _pageSize - 1) / _pageSize;
}
