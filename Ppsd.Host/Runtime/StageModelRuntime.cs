using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Stages;
using Ppsd.Kernels.Cache;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Model;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Host.Runtime;

/// <summary>The one adapter between kernels and actors: a <see cref="StageModel"/> as a stage actor sees it.</summary>
internal sealed class StageModelRuntime : IStageRuntime
{
    private readonly Backend _backend;
    private readonly StageModel _model;
    private readonly DraftToken[] _best;

    /// <summary>Takes ownership of both.</summary>
    public StageModelRuntime(Backend backend, StageModel model, StageModelOptions options)
    {
        _backend = backend;
        _model = model;
        _best = new DraftToken[model.MaxWidth];
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
            MaxWidth = model.MaxWidth,
            WeightBytes = model.WeightBytes,
            VocabSize = options.Config.VocabSize,
        };
    }

    public StageDescription Description { get; }

    public int FreePages => _model.FreeKvPages;

    public void Open(SessionId session, SessionSettings settings)
    {
        var sampling = settings.Sampling;
        try
        {
            _model.Open(
                session.Value,
                settings.ReservedLength,
                settings.PromptLength,
                new SamplingParameters
                {
                    Temperature = sampling.Temperature,
                    TopK = sampling.TopK,
                    TopP = sampling.TopP,
                    MinP = sampling.MinP,
                    RepetitionPenalty = sampling.RepetitionPenalty,
                    PresencePenalty = sampling.PresencePenalty,
                    FrequencyPenalty = sampling.FrequencyPenalty,
                    Seed = sampling.Seed,
                }
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

    public void BeginStep() => _model.BeginStep();

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

    public bool Forward(ReadOnlyMemory<byte> hidden, Func<bool> isCancelled) =>
        _model.Forward(hidden.Span, isCancelled);

    public ReadOnlyMemory<byte> ReadHidden()
    {
        // A fresh array: the message that carries it may outlive the next step.
        var hidden = GC.AllocateUninitializedArray<byte>(_model.RowCount * _model.HiddenBytesPerRow);
        _model.ReadHidden(hidden);
        return hidden;
    }

    public void RunExitHead(int firstRow) => _model.RunExitHead(firstRow);

    public void Draft(int row, CandidateId parent, int width, List<DraftedToken> drafts)
    {
        var count = _model.Draft(row, _best.AsSpan(0, width));
        for (var i = 0; i < count; i++)
        {
            drafts.Add(new DraftedToken(parent, new TokenId(_best[i].Token), _best[i].LogProbability));
        }
    }

    public TokenId[] Verify(int firstRow)
    {
        _model.RunTargetHead(firstRow);
        var tokens = new TokenId[_model.RowCount - firstRow];
        for (var i = 0; i < tokens.Length; i++)
        {
            tokens[i] = new TokenId(_model.Verdict(firstRow + i));
        }

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
        _backend.Dispose();
    }
}
