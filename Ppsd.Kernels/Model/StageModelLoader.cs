using Ppsd.Kernels.Cache;
using Ppsd.Kernels.Checkpoints;
using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Files;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Devices;
using Ppsd.Kernels.Weights;

namespace Ppsd.Kernels.Model;

/// <summary>How far a stage's load has come.</summary>
/// <param name="Part">What is being loaded: <c>layer 3</c>, <c>exit head</c>.</param>
/// <param name="LoadedBytes">Bytes of weights on the device.</param>
/// <param name="TotalBytes">Bytes of weights when done, nearly.</param>
public readonly record struct LoadProgress(string Part, long LoadedBytes, long TotalBytes);

/// <summary>Loads a <see cref="StageModel"/>: only the tensors of its own layers and heads are read.</summary>
public static class StageModelLoader
{
    /// <summary>
    /// Sequences of full length that a KV cache of the device's own choice holds at most; more would be memory that
    /// nothing asked for.
    /// </summary>
    private const int FullLengthSequences = 64;

    /// <summary>Loads a stage onto a device.</summary>
    /// <param name="backend">The device; stays the caller's.</param>
    /// <param name="options">What to load.</param>
    /// <param name="progress">Told after each part; called on this thread.</param>
    /// <exception cref="CheckpointException">A tensor is missing or does not fit; one line.</exception>
    /// <exception cref="KvCapacityException">The KV budget does not hold a page; one line.</exception>
    public static StageModel Load(Backend backend, StageModelOptions options, IProgress<LoadProgress>? progress = null)
    {
        var heads = options.HeldExitHeads;
        if (heads.Count(head => head.Config.Kind == ExitHeadKind.Chain) is > 1 and var chains)
        {
            throw new ArgumentException(
                $"exit heads of a stage: expected at most one chain, found {chains}",
                nameof(options)
            );
        }

        using var source = OpenSource(options, options.ModelFolder);
        var headSources = new List<WeightSource>();
        try
        {
            headSources.AddRange(
                heads.Select(head => head.HasOwnNorm ? new OwnNormSource(source) : OpenSource(options, head.Folder))
            );
            return Load(backend, options, source, headSources, progress);
        }
        finally
        {
            headSources.ForEach(opened => opened.Dispose());
        }
    }

    private static StageModel Load(
        Backend backend,
        StageModelOptions options,
        WeightSource source,
        List<WeightSource> headSources,
        IProgress<LoadProgress>? progress
    )
    {
        var config = options.Config;
        var heads = options.HeldExitHeads;
        var limits = LimitsOf(backend, options);
        var meter = new Meter(progress, StageFootprint.Of(options).WeightBytes);

        var layers = new TransformerLayer[options.LayerCount];
        for (var i = 0; i < layers.Length; i++)
        {
            var layer = options.FirstLayer + i;
            layers[i] = TransformerLayer.Load(
                backend,
                source,
                LlamaTensorNames.Layer(layer),
                config,
                config.RmsNormEpsilon,
                limits.KvSlots
            );
            meter.Add($"layer {layer + 1}", layers[i].WeightBytes);
        }

        var embedding = options.IsFirst ? LoadTable(backend, source, config.EmbeddingTensor, config) : null;
        meter.Add("embedding", embedding?.ByteCount ?? 0);
        var lmHeadName = config.LmHeadTensor;
        WeightMatrix? lmHead = null;
        if (options.NeedsWholeLmHead)
        {
            var isTied = embedding is not null && config.TieWordEmbeddings;
            lmHead = isTied ? embedding : LoadTable(backend, source, lmHeadName, config);
            meter.Add("LM head", isTied ? 0 : lmHead!.ByteCount);
        }

        var table = embedding;
        if (options.HoldsChain && table is null)
        {
            var isShared = config.TieWordEmbeddings && lmHead is not null;
            table = isShared ? lmHead : LoadTable(backend, source, config.EmbeddingTensor, config);
            meter.Add("embedding of the chain", ReferenceEquals(table, lmHead) ? 0 : table!.ByteCount);
        }

        var exitHeads = new ExitHead[heads.Count];
        for (var i = 0; i < exitHeads.Length; i++)
        {
            var drafting = heads[i].Config.Vocabulary is { } list
                ? LmHead.OfListed(
                    backend,
                    source.Require(lmHeadName, config.VocabSize, config.HiddenSize),
                    list,
                    limits.MaxWidth
                )
                : LmHead.OfModel(backend, lmHead!);
            exitHeads[i] = ExitHead.Load(backend, headSources[i], heads[i].Config, config, table, drafting, limits);
            meter.Add("exit head", exitHeads[i].WeightBytes);
        }

        var targetHead = options.IsLast
            ? new LogitsHead(
                backend,
                StreamNorm.LoadLast(backend, source, LlamaTensorNames.FinalNorm, config, config.RmsNormEpsilon),
                LmHead.OfModel(backend, lmHead!),
                limits.MaxWidth
            )
            : null;
        int[] unrotated =
        [
            .. Enumerable
                .Range(0, layers.Length)
                .Where(i => config.Layers.UnrotatedLayers.Contains(options.FirstLayer + i)),
        ];
        var weights = new StageWeights
        {
            Embedding = embedding,
            DraftTable = table,
            LmHead = lmHead,
            Layers = layers,
            ExitHeads = exitHeads,
            TargetHead = targetHead,
            Rotary = backend.LoadRotary(
                new RotaryTable(
                    config.Rope,
                    config.HeadSize,
                    limits.MaxLength,
                    options.RopeFrequencies == RopeFrequencies.Float32 ? ElementType.Float32 : config.ElementType
                )
            ),
            UnrotatedLayers = unrotated,
            StillRotary =
                unrotated.Length > 0 ? backend.LoadRotary(RotaryTable.Still(config.HeadSize, limits.MaxLength)) : null,
            ByteCount =
                layers.Sum(layer => layer.WeightBytes)
                + (lmHead?.ByteCount ?? 0)
                + exitHeads.Sum(head => head.WeightBytes),
        };
        backend.FinishLoading();
        meter.Complete();
        return new StageModel(backend, options, weights, limits);
    }

    /// <summary>Bytes of KV cache one token takes in a stage.</summary>
    internal static long KvBytesPerToken(Backend backend, StageModelOptions options)
    {
        var layers = options.LayerCount + options.HeldExitHeads.Sum(head => ExitHead.KvLayerCount(head.Config));
        return 2L * layers * options.Config.KvSize * backend.KvElementBytes
            + sizeof(float) * (long)StageFootprint.FeatureSize(options);
    }

    private static StageLimits LimitsOf(Backend backend, StageModelOptions options)
    {
        var pageBytes = KvBytesPerToken(backend, options) * KvPagePool.PageSize;
        var footprint = StageFootprint.Of(options);
        var kvBytes =
            options.KvCacheBytes > 0
                ? options.KvCacheBytes
                : backend.KvCacheBytesFor(footprint.KvValuesPerToken, ShareOf(options, footprint));
        var pages = kvBytes / pageBytes;
        if (options.KvCacheBytes == 0)
        {
            pages = Math.Min(pages, (long)FullLengthSequences * KvPagePool.PagesFor(options.Config.MaxPositions));
        }

        if (pages < 1)
        {
            throw new KvCapacityException(
                $"KV cache: expected at least {pageBytes} bytes (one page of {KvPagePool.PageSize} tokens for "
                    + $"{options.LayerCount} layers), found {kvBytes}{Reason(options, footprint)}"
            );
        }

        // Slots are addressed by 32-bit indices.
        pages = Math.Min(pages, int.MaxValue / KvPagePool.PageSize);
        var maxLength = (int)Math.Min(options.Config.MaxPositions, pages * KvPagePool.PageSize);
        return new StageLimits(
            (int)pages,
            maxLength,
            options.MaxRows,
            options.MaxWidth,
            options.HoldsChain ? options.MaxDepth : 1
        );
    }

    private static DeviceShare ShareOf(StageModelOptions options, StageFootprint footprint) =>
        options.Share ?? StageFootprint.ShareOf([footprint], isAmongProcesses: false);

    /// <summary>Why the device leaves no more.</summary>
    private static string Reason(StageModelOptions options, StageFootprint footprint)
    {
        var share = ShareOf(options, footprint);
        return options.KvCacheBytes > 0
            ? ""
            : $": what the device has left after the weights of the stages on it ({share.Stages}, {share.WeightBytes >> 20} MiB)";
    }

    /// <summary>Where the weights of the model, or of a head, come from.</summary>
    internal static WeightSource OpenSource(StageModelOptions options, string? folder) =>
        options.Synthetic is { } synthetic
            ? new SyntheticWeightSource(synthetic)
            : new CheckpointWeightSource(
                folder ?? throw new ArgumentException("a stage needs a folder or synthetic weights", nameof(options))
            );

    private static WeightMatrix LoadTable(Backend backend, WeightSource source, string name, ModelConfig config) =>
        backend.LoadMatrix(source.Require(name, config.VocabSize, config.HiddenSize));

    /// <summary>
    /// Reports bytes as the checkpoint holds them; what the device pads or widens would make the bar overshoot, so the
    /// last report, and only it, says that all is there.
    /// </summary>
    private sealed class Meter(IProgress<LoadProgress>? progress, long totalBytes)
    {
        private long _loadedBytes;

        public void Add(string part, long byteCount)
        {
            _loadedBytes = Math.Min(_loadedBytes + byteCount, totalBytes - 1);
            progress?.Report(new LoadProgress(part, _loadedBytes, totalBytes));
        }

        public void Complete() => progress?.Report(new LoadProgress("ready", totalBytes, totalBytes));
    }
}
