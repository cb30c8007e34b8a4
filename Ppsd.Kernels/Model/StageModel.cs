using System.Runtime.InteropServices;
using Ppsd.Kernels.Cache;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Model.Sublayers;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Kernels.Model;

/// <summary>
/// One pipeline stage on one device: contiguous layers, their KV cache, the embedding if the stage is first, the target
/// head if it is last, and the exit heads whose layers are here. A step is <see cref="BeginStep"/>,
/// <see cref="TryAppend"/> for each row, <see cref="Forward"/>, then any of <see cref="ReadHidden"/>,
/// <see cref="RunExitHead"/> and <see cref="RunTargetHead"/>. All calls come from the stage's thread.
/// </summary>
public sealed partial class StageModel : IDisposable
{
    private readonly Backend _backend;
    private readonly ModelConfig _config;
    private readonly StageWeights _weights;
    private readonly StageScratch _scratch;
    private readonly KvPagePool _pages;
    private readonly Dictionary<long, Sequence> _sequences = [];
    private readonly StepBatch _batch;
    private readonly Row[] _rows;
    private readonly TokenSampler _sampler;
    private readonly LogProbabilities _logProbabilities;
    private readonly List<int> _tail = [];
    private readonly DraftHeads _drafts;
    private readonly Action _runLayers;
    private readonly Action _runKept;
    private readonly Action _runTargetHead;
    private Func<bool> _isCancelled = () => false;
    private readonly float _embeddingFactor;
    private bool _wasStopped;
    private int _firstVerdictRow;
    private int _collectedRows;

    internal StageModel(Backend backend, StageModelOptions options, StageWeights weights, StageLimits limits)
    {
        _backend = backend;
        _config = options.Config;
        _weights = weights;
        _scratch = new StageScratch(backend, options.Config, options.Config.IntermediateSize, limits.MaxRows);
        _pages = new KvPagePool(limits.KvPages);
        _batch = new StepBatch(limits.MaxRows, options.Config.Layers.SlidingWindow ?? int.MaxValue);
        var traits = options.Config.Layers;
        _embeddingFactor = (float)(traits.EmbeddingMultiplier / traits.ResidualMultiplier);
        _rows = new Row[limits.MaxRows];
        _sampler = new TokenSampler(options.Config.VocabSize);
        _logProbabilities = new LogProbabilities(options.Config.VocabSize);
        _drafts = new DraftHeads(
            [
                .. weights.ExitHeads.Select(
                    (head, place) =>
                        new HeadDrafts(
                            backend,
                            head,
                            place,
                            weights.Rotary,
                            _batch,
                            limits,
                            DrawOnHost,
                            place == weights.ExitHeads.Length - 1 ? () => _isCancelled() : null
                        )
                ),
            ],
            [.. options.HeldExitHeads.Select(head => head.Config.ExitLayer - options.FirstLayer)]
        );
        _runLayers = RunLayers;
        _runKept = RunKept;
        _runTargetHead = () =>
            weights.TargetHead!.Forward(_scratch.Hidden, _firstVerdictRow, _batch.RowCount - _firstVerdictRow);
        MaxLength = limits.MaxLength;
        MaxRows = limits.MaxRows;
        MaxWidth = limits.MaxWidth;
    }

    /// <summary>Longest sequence the stage takes, in tokens.</summary>
    public int MaxLength { get; }

    /// <summary>Most rows of one step.</summary>
    public int MaxRows { get; }

    /// <summary>Most rows of one step that a head serves.</summary>
    public int MaxWidth { get; }

    /// <summary>Values of a hidden state.</summary>
    public int HiddenSize => _config.HiddenSize;

    /// <summary>Bytes one row of hidden states takes on a link: fp32, so that a cut between stages changes no bit.</summary>
    public int HiddenBytesPerRow => _config.HiddenSize * sizeof(float);

    /// <summary>True when a device works on its own while the caller waits; false when the caller's threads do the work.</summary>
    public bool RunsOnDevice => _backend.IsQueued;

    /// <summary>Exit heads of the stage, in the order of <see cref="StageModelOptions.HeldExitHeads"/>.</summary>
    public int ExitHeadCount => _drafts.Count;

    /// <summary>True when the stage drafts.</summary>
    public bool HasExitHead => ExitHeadCount > 0;

    /// <summary>Most steps that an exit head drafts ahead of a row: more than 1 for a chain.</summary>
    public int DraftDepth => _drafts.MaxDepth;

    /// <summary>True when the stage gives verdicts.</summary>
    public bool HasTargetHead => _weights.TargetHead is not null;

    /// <summary>Pages of the KV cache.</summary>
    public int KvPageCount => _pages.PageCount;

    /// <summary>Pages no sequence holds; may be read from any thread.</summary>
    public int FreeKvPages => _pages.FreePages;

    /// <summary>Tokens a KV page holds.</summary>
    public static int KvPageSize => KvPagePool.PageSize;

    /// <summary>Bytes of weights one step reads.</summary>
    public long WeightBytes => _weights.ByteCount;

    /// <summary>
    /// Milliseconds the device worked on the current step, up to the last thing waited for; 0 on the CPU, where the
    /// caller measures it.
    /// </summary>
    public double StepDeviceMs => _backend.StepDeviceMs;

    /// <summary>
    /// Milliseconds the device worked on all steps, each up to the last thing waited for; null where only the caller
    /// can measure it. Free while a step is queued; between two steps it may block briefly.
    /// </summary>
    public double? DeviceMs => _backend.DeviceMs;

    /// <summary>Rows of the current step.</summary>
    public int RowCount => _batch.RowCount;

    /// <summary>
    /// Sublayers that steps run from now on; null for all. Rows of a step that skips some have keys and values in the others
    /// only, so they are rolled back before a full step follows.
    /// </summary>
    public SublayerSet? Kept { get; set; }

    /// <summary>Opens a sequence and reserves KV pages for it.</summary>
    /// <param name="sequence">Its id, unused until now.</param>
    /// <param name="capacity">Tokens it may hold at once, uncommitted candidates included.</param>
    /// <param name="promptLength">Tokens of its prompt; what follows them was generated.</param>
    /// <param name="sampling">How its tokens are drawn.</param>
    /// <param name="maxDrafts">Most drafts requested at once; more are drawn on the host.</param>
    /// <exception cref="KvCapacityException">Too few pages are free.</exception>
    public void Open(long sequence, int capacity, int promptLength, SamplingParameters sampling, int maxDrafts = 1)
    {
        Add(sequence, new SequenceCache(_pages, capacity, MaxLength), promptLength, sampling, maxDrafts);
    }

    /// <summary>
    /// Opens a sequence with the first committed tokens of another one, as candidates 0 to <paramref name="length"/> - 1. The other
    /// one is closed; its keys and values stay where they are.
    /// </summary>
    /// <param name="from">The other sequence.</param>
    /// <param name="length">Tokens, at least one.</param>
    /// <param name="to">Its id, unused until now.</param>
    /// <param name="capacity">Tokens it may hold at once, as for <see cref="Open"/>.</param>
    /// <param name="promptLength">Tokens of its prompt; what follows them was generated.</param>
    /// <param name="sampling">How its tokens are drawn.</param>
    /// <param name="maxDrafts">Most drafts requested at once.</param>
    /// <returns>False when the other sequence does not hold so many; nothing has changed then.</returns>
    /// <exception cref="KvCapacityException">Too few pages are free for it to grow; nothing has changed.</exception>
    public bool TryAdopt(
        long from,
        int length,
        long to,
        int capacity,
        int promptLength,
        SamplingParameters sampling,
        int maxDrafts = 1
    )
    {
        if (!_sequences.TryGetValue(from, out var other) || other.Cache.CommittedLength < length)
        {
            return false;
        }

        other.Cache.Reserve(capacity);
        other.Cache.Rollback(length - 1, length);
        _sequences.Remove(from);
        Add(to, other.Cache, promptLength, sampling, maxDrafts);
        return true;
    }

    /// <summary>Number of committed tokens that an open sequence has in common with the start of a text.</summary>
    public int CountCommitted(long sequence, ReadOnlySpan<int> text) => _sequences[sequence].Cache.CountCommitted(text);

    /// <summary>True when the sequence is open.</summary>
    public bool IsOpen(long sequence) => _sequences.ContainsKey(sequence);

    /// <summary>Commits the path to a candidate and frees what does not descend from it; see <see cref="SequenceCache"/>.</summary>
    /// <returns>False when the cache does not hold that path.</returns>
    public bool Commit(long sequence, int head, int length) => _sequences[sequence].Cache.Commit(head, length);

    /// <summary>Commits the path to a candidate and forgets everything after it.</summary>
    /// <returns>False when the cache does not hold that path.</returns>
    public bool Rollback(long sequence, int head, int length) => _sequences[sequence].Cache.Rollback(head, length);

    /// <summary>Closes a sequence and frees its pages. Unknown sequences are ignored.</summary>
    public void Release(long sequence)
    {
        if (_sequences.Remove(sequence, out var released))
        {
            released.Cache.Release();
        }
    }

    /// <summary>Starts a step with no rows.</summary>
    public void BeginStep()
    {
        _batch.Clear();
        _drafts.BeginStep();
        _isCancelled = static () => false;
    }

    /// <summary>Adds a row to the step; rows of several sequences may share a step.</summary>
    /// <returns>False when the sequence or the parent is unknown: an earlier message was lost.</returns>
    public bool TryAppend(long sequence, int candidate, int parent, int token, bool isCertain)
    {
        if (
            !_sequences.TryGetValue(sequence, out var owner)
            || !owner.Cache.TryAppend(candidate, parent, token, isCertain, _batch)
        )
        {
            return false;
        }

        _rows[_batch.RowCount - 1] = new Row(owner, candidate);
        _batch.Draws[_batch.RowCount - 1] = owner.Draw;
        return true;
    }

    /// <summary>Takes rows back out of the step, from <paramref name="row"/> on; their sequences keep the candidates.</summary>
    public void DropRowsFrom(int row) => _batch.DropFrom(row);

    /// <summary>Runs the step's rows through the stage's layers.</summary>
    /// <param name="hidden">Hidden states from the stage before, fp32 [rows, hiddenSize]; empty at the first stage.</param>
    /// <param name="isCancelled">Asked before each layer, or all the time while a device works on its own.</param>
    /// <param name="firstHeadRow">
    /// First row the exit heads will draft from, so that their work is queued before anybody waits; null for none.
    /// </param>
    /// <param name="draftDepth">Steps they will draft ahead of each; a head that is not a chain drafts one.</param>
    /// <param name="onQueued">Called when all is queued and before it is waited for; before the work where each operation is done at once.</param>
    /// <returns>False when cancelled; the rows' slots then hold no valid values and their run must be rolled back.</returns>
    public bool Forward(
        ReadOnlySpan<byte> hidden,
        Func<bool> isCancelled,
        int? firstHeadRow = null,
        Action? onQueued = null,
        int draftDepth = 1
    )
    {
        if (!_backend.IsQueued)
        {
            onQueued?.Invoke();
        }

        var rows = _batch.RowCount;
        _isCancelled = isCancelled;
        _wasStopped = false;
        _collectedRows = 0;
        if (rows == 0)
        {
            return !isCancelled();
        }

        _backend.BeginStep(_batch);
        if (firstHeadRow is { } draftRow && _backend.IsQueued)
        {
            _drafts.Prepare(draftRow, draftDepth);
        }

        if (_weights.Embedding is null)
        {
            _backend.Upload(MemoryMarshal.Cast<byte, float>(hidden), _scratch.Hidden, rows);
        }

        if (Kept is null)
        {
            _backend.Run(StepPart.Layers, 0, _runLayers);
        }
        else
        {
            _backend.Run(StepPart.KeptSublayers, Kept.Number, _runKept);
        }

        if (_wasStopped)
        {
            return false;
        }

        // The last stage's hidden states go nowhere.
        _collectedRows = HasTargetHead ? 0 : rows;
        _backend.BeginDownload(_scratch.Hidden, _collectedRows);
        if (firstHeadRow is { } firstRow && _backend.IsQueued)
        {
            // A device that works at once would only keep the next stage waiting.
            _drafts.Queue(firstRow, draftDepth);
        }

        if (_backend.IsQueued)
        {
            onQueued?.Invoke();
        }

        return _backend.TryCollect(isCancelled);
    }

    /// <summary>Copies the step's hidden states to the host, fp32 [rows, hiddenSize].</summary>
    public void ReadHidden(Span<byte> target)
    {
        var values = MemoryMarshal.Cast<byte, float>(target);
        if (_batch.RowCount == 0)
        {
            return;
        }

        if (_collectedRows > 0)
        {
            _backend.Collected.CopyTo(values);
            return;
        }

        _backend.Download(_scratch.Hidden, _batch.RowCount, values);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _drafts.Dispose();
        _weights.Dispose();
        _scratch.Dispose();
    }

    private void Add(long sequence, SequenceCache cache, int promptLength, SamplingParameters sampling, int maxDrafts)
    {
        var drafts = _drafts.Draws(maxDrafts);

        // Penalties need the earlier tokens, which only the host has, and a bias is a list of any length.
        var draw = new RowDraw(DrawSettings.Of(sampling), sampling.ChangesLogits ? 0 : drafts, maxDrafts);
        _sequences.Add(sequence, new Sequence(cache, promptLength, sampling, draw));
    }

    private void RunKept()
    {
        Embed();
        for (var layer = 0; layer < _weights.Layers.Length; layer++)
        {
            _weights
                .Layers[layer]
                .ForwardSome(
                    _scratch.Hidden,
                    _scratch,
                    _weights.RotaryOf(layer),
                    _batch.RowCount,
                    Kept!.Attention[layer],
                    Kept.FeedForward[layer]
                );
        }
    }

    private void Embed()
    {
        if (_weights.Embedding is { } embedding)
        {
            _backend.Embed(embedding, _scratch.Hidden, _embeddingFactor);
        }
    }

    private void RunLayers()
    {
        var rows = _batch.RowCount;
        Embed();
        var layers = _weights.Layers;
        _backend.RmsNorm(_scratch.Hidden, 0, rows, layers[0].AttentionNorm, _scratch.Normed);
        for (var layer = 0; layer < layers.Length; layer++)
        {
            // A device that works on its own is cut short by other means, and may be recording.
            if (!_backend.IsQueued && _isCancelled())
            {
                _wasStopped = true;
                return;
            }

            var next = layer + 1 < layers.Length ? layers[layer + 1].AttentionNorm : null;
            layers[layer].Forward(_scratch.Hidden, _scratch, _weights.RotaryOf(layer), rows, next);
            _drafts.Tap(layer + 1, _scratch.Hidden, rows);
        }
    }

    private sealed record Sequence(SequenceCache Cache, int PromptLength, SamplingParameters Sampling, RowDraw Draw);

    /// <param name="Behind">The row's token where it has not entered: it then stands behind the candidate.</param>
    private readonly record struct Row(Sequence Sequence, int Candidate, int? Behind = null);
}
