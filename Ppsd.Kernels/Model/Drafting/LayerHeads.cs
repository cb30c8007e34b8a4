using System.Runtime.InteropServices;
using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Files;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Sampling;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Model.Drafting;

/// <summary>
/// Norm heads of several exit layers behind one LM head, apart from any stage: they read hidden states that the caller has.
/// All calls come from one thread.
/// </summary>
public sealed class LayerHeads : IDisposable
{
    // A probability is worked out only where tokens are ranked.
    private const int Ranked = 2;

    private readonly Backend _backend;
    private readonly WeightMatrix _lmHead;
    private readonly LmHead[] _lmHeads;
    private readonly LogitsHead[] _heads;
    private readonly Activations _hidden;
    private readonly StepBatch _batch;
    private readonly TokenSampler _sampler;
    private readonly int[] _slots = [0];
    private readonly int _hiddenSize;

    private LayerHeads(
        Backend backend,
        WeightMatrix lmHead,
        LmHead[] lmHeads,
        LogitsHead[] heads,
        int hiddenSize,
        int vocabSize,
        int rows
    )
    {
        _backend = backend;
        _lmHead = lmHead;
        _lmHeads = lmHeads;
        _heads = heads;
        _hiddenSize = hiddenSize;
        _hidden = backend.AllocateActivations(rows, hiddenSize);
        _batch = new StepBatch(rows);
        _sampler = new TokenSampler(vocabSize);
    }

    /// <summary>Loads heads of the options' model.</summary>
    /// <param name="backend">The device; stays the caller's.</param>
    /// <param name="options">The model, and its heads as <see cref="StageModelOptions.ExitHeads"/>, all of them norm heads.</param>
    /// <param name="rows">Most rows at once.</param>
    /// <exception cref="CheckpointException">A tensor is missing or does not fit; one line.</exception>
    public static LayerHeads Load(Backend backend, StageModelOptions options, int rows)
    {
        var config = options.Config;
        using var model = StageModelLoader.OpenSource(options, options.ModelFolder);
        var whole = model.Require(config.LmHeadTensor, config.VocabSize, config.HiddenSize);
        var lmHead = backend.LoadMatrix(whole);
        LmHead[] lmHeads =
        [
            .. options.ExitHeads.Select(head =>
                head.Config.Vocabulary is { } list
                    ? LmHead.OfListed(backend, whole, list, rows)
                    : LmHead.OfModel(backend, lmHead)
            ),
        ];
        var heads = new List<LogitsHead>();
        foreach (var head in options.ExitHeads)
        {
            using WeightSource source = head.HasOwnNorm
                ? new OwnNormSource(model)
                : StageModelLoader.OpenSource(options, head.Folder);
            var norm = StreamNorm.LoadLast(
                backend,
                source,
                ExitHeadTensorNames.Norm,
                config,
                head.Config.RmsNormEpsilon
            );
            heads.Add(new LogitsHead(backend, norm, lmHeads[heads.Count], rows));
        }

        backend.FinishLoading();
        return new LayerHeads(backend, lmHead, lmHeads, [.. heads], config.HiddenSize, config.VocabSize, rows);
    }

    /// <summary>A head's best token behind each row.</summary>
    /// <param name="head">The head, from 0.</param>
    /// <param name="hidden">Hidden states behind its exit layer, fp32 [rows, hiddenSize].</param>
    /// <param name="firstPosition">Position of the first row; the others follow.</param>
    /// <param name="sampling">How tokens are drawn; penalties and bias are left out, as they need the text.</param>
    /// <param name="best">Receives a token for each row; <see cref="TokenSampler.NoToken"/> where logits are not finite.</param>
    public void Run(
        int head,
        ReadOnlySpan<byte> hidden,
        int firstPosition,
        SamplingParameters sampling,
        Span<DraftToken> best
    )
    {
        var drawn = sampling with { RepetitionPenalty = 1, PresencePenalty = 0, FrequencyPenalty = 0, LogitBias = [] };
        _batch.Clear();
        var draw = new RowDraw(DrawSettings.Of(drawn), Ranked, Ranked);
        for (var row = 0; row < best.Length; row++)
        {
            _batch.Add(0, firstPosition + row, 0, _slots, 0, _slots);
            _batch.Draws[row] = draw;
        }

        // No recording: each head's operations are its own.
        _backend.BeginStep(_batch);
        _backend.Upload(MemoryMarshal.Cast<byte, float>(hidden)[..(best.Length * _hiddenSize)], _hidden, best.Length);
        _heads[head].Forward(_hidden, 0, best.Length);
        _heads[head].Expect(best.Length);
        Span<DraftToken> ranked = stackalloc DraftToken[Ranked];
        for (var row = 0; row < best.Length; row++)
        {
            var count = _heads[head].ReadDraws(row, ranked);
            if (count == 0)
            {
                var logits = _heads[head].Logits(row);
                count = _sampler.SampleBest(logits, drawn, firstPosition + row + 1, default, ranked);
            }

            best[row] = count > 0 ? ranked[0] : new DraftToken(TokenSampler.NoToken, float.NegativeInfinity);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var head in _heads)
        {
            head.Dispose();
        }

        foreach (var lmHead in _lmHeads)
        {
            lmHead.Dispose();
        }

        _hidden.Dispose();
        _lmHead.Dispose();
    }
}
