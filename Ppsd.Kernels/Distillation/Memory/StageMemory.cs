using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Distillation.Compute;
using Ppsd.Kernels.Distillation.Heads;

namespace Ppsd.Kernels.Distillation.Memory;

/// <summary>
/// Works out what a stage of training will allocate, from shapes and settings alone. It names everything that
/// <see cref="TrainingStage"/> makes, in its order; a test holds it to what devices count.
/// </summary>
internal sealed class StageMemory
{
    private readonly TrainingSizes _sizes;
    private readonly ModelConfig _config;
    private readonly AttentionShape _heads;
    private readonly PassShape _pass;
    private readonly List<ProductSize> _products = [];
    private long _loading;

    private StageMemory(TrainingSizes sizes, ModelConfig config, PassShape pass)
    {
        _sizes = sizes;
        _config = config;
        _heads = AttentionShape.Of(config);
        _pass = pass;
    }

    /// <summary>A stage's footprint.</summary>
    /// <param name="sizes">The kind of its device.</param>
    /// <param name="config">The model's shape.</param>
    /// <param name="firstLayer">Its first layer.</param>
    /// <param name="layerCount">Its layers.</param>
    /// <param name="specs">The heads that stand there.</param>
    /// <param name="settings">How heads are trained.</param>
    /// <param name="pass">Sizes of passes.</param>
    /// <param name="slots">Passes under way there at a time.</param>
    public static TrainingFootprint Of(
        TrainingSizes sizes,
        ModelConfig config,
        int firstLayer,
        int layerCount,
        IReadOnlyList<HeadSpec> specs,
        TrainerSettings settings,
        PassShape pass,
        int slots
    )
    {
        var memory = new StageMemory(sizes, config, pass);
        var isLast = firstLayer + layerCount == config.LayerCount;
        var tables = (firstLayer == 0 ? 1 : 0) | (specs.Any(spec => spec.Kind == TrainedHeadKind.Chain) ? 1 : 0);
        var model =
            layerCount * memory.FrozenLayer()
            + (tables * memory.Frozen(MatrixUses.Rows, config.VocabSize, config.HiddenSize))
            + memory.LmHead(isLast, specs.Count > 0)
            + (isLast ? memory.Frozen(MatrixUses.Rows, 1, config.HiddenSize) : 0);
        var exits = specs.Select(spec => spec.ExitLayer).Distinct().Count();
        var heads = specs.Select(memory.Head).ToArray();
        var kept = KeptWidth(settings, config);
        var activations =
            memory.Scratch()
            + memory.Rows(config.HiddenSize, 1 + (isLast ? 1 : 0) + (exits * slots))
            + (slots * memory.Pass())
            + (kept > 1 && (isLast || specs.Count > 0) ? memory.Rows(kept) : 0)
            + TrainingSizes.Rotary(settings.SequenceLength + pass.Depth, config.HeadSize)
            + heads.Sum(head => head.Activations);
        return new TrainingFootprint(
            model,
            heads.Sum(head => head.Weights),
            activations,
            memory.Logits(isLast, specs),
            sizes.Work(memory.Work(settings, specs)),
            memory._loading
        );
    }

    private static int KeptWidth(TrainerSettings settings, ModelConfig config) =>
        (2 * Math.Min(settings.TeacherTokens, config.VocabSize - 1)) + 1;

    /// <summary>Buffers of a row for each row of a pass.</summary>
    private long Rows(int width, int count = 1) => count * _sizes.Activations(_pass.MaxRows, width);

    private long Frozen(MatrixUses uses, int rows, int columns)
    {
        _loading = Math.Max(_loading, _sizes.Loading(uses, rows, columns));
        return _sizes.Frozen(uses, rows, columns);
    }

    private long FrozenProduct(int outputs, int inputs)
    {
        _products.Add(new ProductSize(_pass.MaxRows, inputs, outputs, RightOperand.Frozen));
        return Frozen(MatrixUses.Products, outputs, inputs);
    }

    private long FrozenLayer()
    {
        var (hidden, inner) = (_config.HiddenSize, _config.IntermediateSize);
        return (2 * Frozen(MatrixUses.Rows, 1, hidden))
            + FrozenProduct(_heads.QkvWidth, hidden)
            + FrozenProduct(hidden, _heads.QueryWidth)
            + FrozenProduct(2 * inner, hidden)
            + FrozenProduct(hidden, inner)
            + LayerVectors.Of(_config).Sum(width => Frozen(MatrixUses.Rows, 1, width));
    }

    private long LmHead(bool isLast, bool hasHeads)
    {
        if (!isLast && !hasHeads)
        {
            return 0;
        }

        var (vocabulary, hidden) = (_config.VocabSize, _config.HiddenSize);
        _products.Add(new ProductSize(_pass.BlockRows, hidden, vocabulary, RightOperand.Frozen));
        if (!hasHeads)
        {
            return Frozen(MatrixUses.Products, vocabulary, hidden);
        }

        _products.Add(new ProductSize(_pass.BlockRows, vocabulary, hidden, RightOperand.Frozen));
        return Frozen(MatrixUses.Products | MatrixUses.InputGradients, vocabulary, hidden);
    }

    /// <summary>What a layer computes on its way.</summary>
    private long Scratch()
    {
        var (hidden, inner) = (_config.HiddenSize, _config.IntermediateSize);
        var projected = _config.Layers.HasHeadNorms
            ? Rows(_heads.QkvWidth) + Rows(_heads.HeadCount + _heads.KvHeadCount)
            : 0;
        return Rows(hidden)
            + Rows(1)
            + Rows(_heads.QkvWidth)
            + projected
            + Rows(_heads.QueryWidth)
            + Rows(_heads.HeadCount)
            + Rows(2 * inner)
            + Rows(inner);
    }

    private long Pass() =>
        TrainingSizes.Indices(_pass.MaxRows + 1) + ((1 + (3 * _pass.Depth)) * TrainingSizes.Indices(_pass.MaxRows));

    private (long Weights, long Activations) Head(HeadSpec spec)
    {
        var (hidden, inner) = (_config.HiddenSize, _config.IntermediateSize);
        var norm = _sizes.Trained(1, hidden);
        switch (spec.Kind)
        {
            case TrainedHeadKind.Norm:
                return (norm, 0);
            case TrainedHeadKind.Mlp:
                return (
                    (2 * norm) + Trained(2 * inner, hidden) + Trained(hidden, inner),
                    Rows(hidden, 3) + Rows(1) + Rows(2 * inner) + Rows(inner)
                );
            case TrainedHeadKind.Transformer:
                return (norm + (spec.LayerCount * TrainedLayer()), spec.LayerCount * Use());
            default:
                var later = spec.Depth - 1;
                return (
                    norm + (2 * TrainedLayer()) + Trained(hidden, 2 * hidden),
                    Use()
                        + (later * (Use() + Rows(_heads.QkvWidth) + Rows(2 * hidden) + Rows(hidden)))
                        + Rows(hidden)
                        + Rows(2 * hidden)
                );
        }
    }

    /// <summary>A trained matrix: a product each for its output, its input's gradient and its own.</summary>
    private long Trained(int outputs, int inputs)
    {
        _products.Add(new ProductSize(_pass.MaxRows, inputs, outputs, RightOperand.Trained));
        _products.Add(new ProductSize(_pass.MaxRows, outputs, inputs, RightOperand.Trained));
        _products.Add(new ProductSize(outputs, _pass.MaxRows, inputs, RightOperand.Activations));
        return _sizes.Trained(outputs, inputs);
    }

    private long TrainedLayer()
    {
        var (hidden, inner) = (_config.HiddenSize, _config.IntermediateSize);
        return (2 * _sizes.Trained(1, hidden))
            + Trained(_heads.QkvWidth, hidden)
            + Trained(hidden, _heads.QueryWidth)
            + Trained(2 * inner, hidden)
            + Trained(hidden, inner)
            + LayerVectors.Of(_config).Sum(width => _sizes.Trained(1, width));
    }

    /// <summary>A use of a trained layer, gradients of queries, keys and values of its own aside.</summary>
    private long Use() => Scratch() + Rows(_config.HiddenSize, 4) + Rows(1);

    private long Logits(bool isLast, IReadOnlyList<HeadSpec> specs)
    {
        var hidden = _sizes.Activations(_pass.BlockRows, _config.HiddenSize);
        var logits = _sizes.Activations(_pass.BlockRows, _config.VocabSize);
        var target = isLast ? hidden + logits + TrainingSizes.Indices(_pass.MaxRows) : 0;
        var results = specs.Sum(spec => spec.Depth) * _sizes.Activations(4, _pass.MaxRows);
        return target
            + (specs.Count > 0 ? logits + (4 * hidden) + _sizes.Activations(_pass.BlockRows, 1) + results : 0);
    }

    private TrainingWork Work(TrainerSettings settings, IReadOnlyList<HeadSpec> specs)
    {
        var attends = specs.Any(spec => spec.Kind is TrainedHeadKind.Transformer or TrainedHeadKind.Chain);
        var vectors = attends ? LayerVectors.Of(_config).Append(LayerVectors.NormsTogether(_config)) : [];
        return new TrainingWork(
            _pass.MaxRows,
            settings.SequenceLength,
            _heads,
            _products,
            attends,
            specs.Select(spec => spec.Depth).DefaultIfEmpty(1).Max(),
            specs.Count > 0 ? vectors.Append(_config.HiddenSize).Max() : 0
        );
    }
}
