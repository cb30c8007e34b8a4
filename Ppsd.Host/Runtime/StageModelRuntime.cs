using System.Runtime.InteropServices;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Rivals;
using Ppsd.Actors.Stages;
using Ppsd.Kernels.Cache;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Model;
using Ppsd.Kernels.Model.Sublayers;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Host.Runtime;

/// <summary>The one adapter between kernels and actors: a <see cref="StageModel"/> as a stage actor sees it.</summary>
internal sealed class StageModelRuntime : ISkippingRuntime
{
    /// <summary>Most candidates of one session in a step: a tree of more pays nowhere, and its memory is reserved.</summary>
    private const int SessionWidth = 16;

    private readonly Backend _backend;
    private readonly bool _ownsBackend;
    private readonly StageModel _model;
    private readonly DraftToken[] _best;
    private readonly DeviceMeter _meter = new();
    private readonly Action _callQueued;
    private Action? _onQueued;
    private double _hostMs;
    private double _meterAtStep;
    private bool _stepRan;
    private int _depth = 1;
    private IReadOnlyList<bool>? _skipped;
    private SublayerSet? _kept;

    /// <summary>Takes ownership of the model, and of the device unless several stages take turns on it.</summary>
    public StageModelRuntime(Backend backend, StageModel model, StageModelOptions options, bool ownsBackend = true)
    {
        _backend = backend;
        _ownsBackend = ownsBackend;
        _model = model;
        _best = new DraftToken[model.MaxWidth];
        _callQueued = CallQueued;
        Description = new StageDescription
        {
            FirstLayer = options.FirstLayer,
            LayerCount = options.LayerCount,
            HasExitHead = model.HasExitHead,
            HasTargetHead = model.HasTargetHead,
            Device = $"{backend.Name}: {backend.Description}",
            PageCount = model.KvPageCount,
            PageSize = StageModel.KvPageSize,
            MaxLength = model.MaxLength,
            MaxRows = model.MaxRows,
            MaxWidth = Math.Min(model.MaxWidth, SessionWidth),
            StepRows = model.MaxWidth,
            WeightBytes = model.WeightBytes,
            VocabSize = options.Config.VocabSize,
            HiddenSize = model.HiddenSize,
            DraftDepth = model.DraftDepth,
            Arithmetic = $"{backend.Arithmetic} rope-frequencies={options.RopeFrequencies}",
        };
    }

    public StageDescription Description { get; private set; }

    /// <summary>Measures what rows cost, for the description; before the first session, on the stage's thread.</summary>
    public void MeasureRows(TimeProvider clock) =>
        Description = Description with { RowCosts = new RowCostProbe(this, clock).Measure() };

    /// <summary>Puts what rows were measured to cost into the description.</summary>
    public void TakeRows(RowCosts costs) => Description = Description with { RowCosts = costs };

    public bool RunsOnDevice => _model.RunsOnDevice;

    public int FreePages => _model.FreeKvPages;

    public RuntimeFigures Figures => new(_model.DeviceMs ?? _hostMs + HostStepMs, _meter.AllocatedBytes);

    /// <summary>Milliseconds of the current step by the host's clock.</summary>
    private double HostStepMs => _stepRan ? _meter.Ms - _meterAtStep : 0;

    /// <summary>A session's sampling as kernels know it.</summary>
    public static SamplingParameters ParametersOf(SamplingSettings sampling) =>
        new()
        {
            Temperature = sampling.Temperature,
            TopK = sampling.TopK,
            TopP = sampling.TopP,
            MinP = sampling.MinP,
            RepetitionPenalty = sampling.RepetitionPenalty,
            PresencePenalty = sampling.PresencePenalty,
            FrequencyPenalty = sampling.FrequencyPenalty,
            LogitBias = [.. sampling.LogitBias.Select(bias => new LogitBias(bias.Token.Value, bias.Bias))],
            Seed = sampling.Seed,
        };

    public void Open(SessionId session, SessionSettings settings)
    {
        try
        {
            _model.Open(
                session.Value,
                settings.ReservedLength,
                settings.PromptLength,
                ParametersOf(settings.Sampling),
                settings.MaxWidth
            );
        }
        catch (KvCapacityException e)
        {
            throw new StageCapacityException(e.Message, e);
        }
    }

    public bool Commit(SessionId session, VerifiedPath path) =>
        _model.Commit(session.Value, path.Head.Value, path.Length);

    public bool Rollback(SessionId session, VerifiedPath path) =>
        _model.Rollback(session.Value, path.Head.Value, path.Length);

    public void Release(SessionId session) => _model.Release(session.Value);

    public int CountHeld(SessionId session, ReadOnlySpan<TokenId> text) =>
        _model.CountCommitted(session.Value, MemoryMarshal.Cast<TokenId, int>(text));

    public bool TryAdopt(SessionId earlier, SessionId session, int length, SessionSettings settings)
    {
        try
        {
            return _model.TryAdopt(
                earlier.Value,
                length,
                session.Value,
                settings.ReservedLength,
                settings.PromptLength,
                ParametersOf(settings.Sampling),
                settings.MaxWidth
            );
        }
        catch (KvCapacityException e)
        {
            throw new StageCapacityException(e.Message, e);
        }
    }

    public bool TryRecover() => _model.TryRecover();

    public void Skip(IReadOnlyList<bool>? skipped)
    {
        if (skipped is not null && !ReferenceEquals(skipped, _skipped))
        {
            _skipped = skipped;
            var layers = Enumerable.Range(Description.FirstLayer, Description.LayerCount).ToList();
            _kept = new SublayerSet(
                [.. layers.Select(layer => !skipped[2 * layer])],
                [.. layers.Select(layer => !skipped[2 * layer + 1])]
            );
        }

        _model.Kept = skipped is null ? null : _kept;
    }

    public void BeginStep()
    {
        _hostMs += HostStepMs;
        _stepRan = false;
        _meterAtStep = _meter.Ms;
        _model.BeginStep();
    }

    public bool TryAppend(BatchPart part)
    {
        var rowsBefore = _model.RowCount;
        try
        {
            for (var i = 0; i < part.Count; i++)
            {
                var appended = _model.TryAppend(
                    part.Session.Value,
                    part.Candidates[i].Value,
                    part.Parents[i].Value,
                    part.Tokens[i].Value,
                    isCertain: i < part.CertainCount
                );
                if (!appended)
                {
                    _model.DropRowsFrom(rowsBefore);
                    return false;
                }
            }
        }
        catch (KvCapacityException e)
        {
            _model.DropRowsFrom(rowsBefore);
            throw new StageCapacityException(e.Message, e);
        }

        return true;
    }

    public bool Forward(ReadOnlyMemory<byte> hidden, Func<bool> isCancelled, DraftRequest? drafts, Action? onQueued)
    {
        _onQueued = onQueued;
        _meter.Begin();
        _stepRan = _model.Forward(hidden.Span, isCancelled, drafts?.FirstRow, _callQueued, drafts?.Depth ?? 1);
        _meter.End();
        return _stepRan;
    }

    public void ReadHidden(Span<byte> target)
    {
        _meter.Begin();
        _model.ReadHidden(target);
        _meter.End();
    }

    public void RunExitHead(DraftRequest request)
    {
        _meter.Begin();
        _depth = Math.Clamp(request.Depth, 1, _model.DraftDepth);
        _model.RunExitHead(request.FirstRow, _depth);
        _meter.End();
    }

    public void Draft(int row, CandidateId origin, int width, List<DraftedToken> drafts) =>
        Read(row, origin, firstStep: 0, width, drafts);

    public void DraftBehind(
        SessionId session,
        CandidateId parent,
        TokenId token,
        int depth,
        int width,
        List<DraftedToken> drafts
    )
    {
        BeginStep();
        _meter.Begin();
        _depth = Math.Clamp(depth, 1, _model.DraftDepth);
        _stepRan = _model.DraftBehind(session.Value, parent.Value, token.Value, _depth);
        _meter.End();
        if (_stepRan)
        {
            Read(row: 0, parent, firstStep: 1, width, drafts);
        }
    }

    public TokenId[] Verify(int firstRow)
    {
        var tokens = new TokenId[_model.RowCount - firstRow];
        _meter.Begin();
        _model.RunTargetHead(firstRow);
        for (var i = 0; i < tokens.Length; i++)
        {
            tokens[i] = _model.Verdict(firstRow + i) is >= 0 and var token ? new TokenId(token) : TokenId.None;
        }

        _meter.End();
        return tokens;
    }

    public TokenLogprobs Logprobs(int row, TokenId token, int topCount)
    {
        Span<TokenLogProbability> best = stackalloc TokenLogProbability[Math.Min(topCount, Description.VocabSize)];
        var chosen = _model.LogProbability(row, token.Value, best);
        var top = new TokenLogprob[best.Length];
        for (var i = 0; i < top.Length; i++)
        {
            top[i] = new TokenLogprob(new TokenId(best[i].Token), best[i].LogProbability);
        }

        return new TokenLogprobs(chosen, top);
    }

    public void Dispose()
    {
        _model.Dispose();
        if (_ownsBackend)
        {
            _backend.Dispose();
        }
    }

    /// <param name="origin">The candidate that steps are counted from.</param>
    /// <param name="firstStep">Steps from it to the row's own first draft.</param>
    /// <param name="width">Most tokens of a step.</param>
    /// <param name="drafts">Receives them.</param>
    private void Read(int row, CandidateId origin, int firstStep, int width, List<DraftedToken> drafts)
    {
        for (var step = 0; step < _depth; step++)
        {
            _meter.Begin();
            var count = _model.Draft(row, _best.AsSpan(0, width), step);
            _meter.End();
            for (var i = 0; i < count; i++)
            {
                var (token, logProbability) = (new TokenId(_best[i].Token), _best[i].LogProbability);
                drafts.Add(new DraftedToken(origin, token, logProbability, firstStep + step));
            }
        }
    }

    /// <summary>Excludes the callback's time and allocations from the device's figures.</summary>
    private void CallQueued()
    {
        _meter.End();
        _onQueued?.Invoke();
        _meter.Begin();
    }
}
