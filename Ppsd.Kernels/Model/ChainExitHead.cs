using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Model;

/// <summary>
/// A head that drafts on from its own state. Its first layers turn the hidden state after the exit layer into features f0, of
/// which step 0 drafts. A second layer takes the place of the model's first ones for what is drafted: its input for a token x
/// is W [embedding of x; features of the token before], at x's position. It keeps keys and values of the inputs of all
/// tokens that entered, the first of a text aside, which has none before it; and those of a row's own chain while it runs.
/// Every step ends in the same norm and LM head. docs/exit-heads.md has the formulas.
/// </summary>
internal sealed class ChainExitHead : ExitHead
{
    private readonly Backend _backend;
    private readonly TransformerLayer[] _layers;
    private readonly TransformerLayer _chainLayer;
    private readonly WeightMatrix _input;
    private readonly WeightMatrix _table;
    private readonly Norm _norm;
    private readonly LmHead _lmHead;
    private readonly LogitsHead[] _logits;
    private readonly StageScratch _scratch;
    private readonly Activations _hidden;
    private readonly Activations _features;
    private readonly Activations _joined;
    private readonly Activations _entries;

    private ChainExitHead(
        Backend backend,
        TransformerLayer[] layers,
        TransformerLayer chainLayer,
        WeightMatrix input,
        WeightMatrix table,
        LmHead lmHead,
        Norm norm,
        ModelConfig verifier,
        StageLimits limits
    )
    {
        _backend = backend;
        _layers = layers;
        _chainLayer = chainLayer;
        _input = input;
        _table = table;
        _norm = norm;
        _lmHead = lmHead;
        _logits =
        [
            .. Enumerable
                .Range(0, limits.MaxDepth)
                .Select(_ => new LogitsHead(backend, norm, lmHead, limits.MaxWidth, ownsNorm: false)),
        ];
        _scratch = new StageScratch(backend, verifier, verifier.IntermediateSize, limits.MaxRows);
        _hidden = backend.AllocateActivations(limits.MaxRows, verifier.HiddenSize);
        _features = backend.AllocateActivations(limits.KvSlots, verifier.HiddenSize);
        _joined = backend.AllocateProductInput(limits.MaxRows, 2 * verifier.HiddenSize);
        _entries = backend.AllocateActivations(limits.MaxRows, verifier.HiddenSize);
    }

    public override int MaxDepth => _logits.Length;

    public override long WeightBytes =>
        _layers.Sum(layer => layer.WeightBytes) + _chainLayer.WeightBytes + _input.ByteCount + _lmHead.OwnByteCount;

    /// <inheritdoc cref="ExitHead.Load" />
    public static ChainExitHead LoadChain(
        Backend backend,
        WeightSource source,
        ExitHeadConfig head,
        ModelConfig verifier,
        WeightMatrix table,
        LmHead lmHead,
        StageLimits limits
    )
    {
        var hidden = verifier.HiddenSize;
        var layers = new TransformerLayer[head.LayerCount];
        for (var i = 0; i < layers.Length; i++)
        {
            layers[i] = LoadLayer(ExitHeadTensorNames.Layer(i), limits.KvSlots);
        }

        return new ChainExitHead(
            backend,
            layers,
            LoadLayer(ExitHeadTensorNames.ChainLayer, limits.KvSlots + ChainRows.SlotCount(limits)),
            backend.LoadMatrix(source.Require(ExitHeadTensorNames.ChainInput, hidden, 2 * hidden)),
            table,
            lmHead,
            StreamNorm.LoadLast(backend, source, ExitHeadTensorNames.Norm, verifier, head.RmsNormEpsilon),
            verifier,
            limits
        );

        TransformerLayer LoadLayer(LlamaLayerTensorNames names, int slots) =>
            TransformerLayer.LoadOfHead(backend, source, names, verifier, head.RmsNormEpsilon, slots);
    }

    public override LogitsHead Logits(int step) => _logits[step];

    public override void Tap(Activations hidden, int rows) => _backend.CopyRows(hidden, 0, rows, _hidden);

    public override bool HasWork(int rows, int firstRow) => true;

    public override void Forward(RotaryMemory rotary, in HeadRun run)
    {
        EnterRows(rotary, run.Rows);
        if (run.DraftRows == 0)
        {
            return;
        }

        _logits[0].Forward(_hidden, run.FirstRow, run.DraftRows);
        GoOn(rotary, run, _hidden);
    }

    /// <inheritdoc />
    /// <remarks>What such a token's second layer gives is step 1 of the chain that was given the token at step 0.</remarks>
    public override void ForwardBehind(RotaryMemory rotary, in HeadRun run)
    {
        _backend.JoinStored(_table, _features, _joined, _entries);
        _backend.MatMulAdd(_joined, _input, _entries, run.Rows, _chainLayer.AttentionNorm, _scratch.Normed);
        _chainLayer.Forward(_entries, _scratch, rotary, run.Rows, next: null);
        _logits[0].Forward(_entries, 0, run.Rows);
        GoOn(rotary, run, _entries);
    }

    /// <summary>Features of all rows, and their inputs to the second layer, into the head's caches.</summary>
    private void EnterRows(RotaryMemory rotary, int rows)
    {
        _backend.RmsNorm(_hidden, 0, rows, _layers[0].AttentionNorm, _scratch.Normed);
        for (var i = 0; i < _layers.Length; i++)
        {
            var next = i == _layers.Length - 1 ? null : _layers[i + 1].AttentionNorm;
            _layers[i].Forward(_hidden, _scratch, rotary, rows, next);
        }

        // First the features of all rows: a row's parent may be among them.
        _backend.StoreRows(_hidden, _features);
        _backend.JoinStored(_table, _features, _joined, _entries);
        _backend.MatMulAdd(_joined, _input, _entries, rows, _chainLayer.AttentionNorm, _scratch.Normed);
        _chainLayer.Store(_scratch, rotary, rows);
    }

    /// <summary>The steps after the first.</summary>
    /// <param name="rotary">The stage's table.</param>
    /// <param name="features">What the first step drafted from.</param>
    private void GoOn(RotaryMemory rotary, in HeadRun run, Activations features)
    {
        for (var step = 1; step < run.Depth; step++)
        {
            if (run.DrawOnHost?.Invoke(step - 1) == false)
            {
                break;
            }

            _backend.UseRows(step);

            // From step 2 on the features of the step before lie where this step's inputs go.
            ForwardStep(rotary, run, step, step == 1 ? features : _entries);
        }

        _backend.UseRows(0);
    }

    private void ForwardStep(RotaryMemory rotary, in HeadRun run, int step, Activations features)
    {
        var draws = run.HasGivenTokens ? null : _logits[step - 1].Draws;
        _backend.JoinDrafted(_table, draws, features, step == 1 ? run.FirstRow : 0, _joined, _entries);
        _backend.MatMulAdd(_joined, _input, _entries, run.DraftRows, _chainLayer.AttentionNorm, _scratch.Normed);
        _chainLayer.Forward(_entries, _scratch, rotary, run.DraftRows, next: null);
        _logits[step].Forward(_entries, 0, run.DraftRows);
    }

    public override void Dispose()
    {
        foreach (var layer in _layers)
        {
            layer.Dispose();
        }

        _chainLayer.Dispose();
        _input.Dispose();
        foreach (var logits in _logits)
        {
            logits.Dispose();
        }

        _norm.Dispose();
        _lmHead.Dispose();
        _scratch.Dispose();
        _hidden.Dispose();
        _features.Dispose();
        _joined.Dispose();
        _entries.Dispose();
    }
}
