using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Families;
using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Kernels.Weights;

/// <summary>Shapes of well-known models, for measurements without their weights.</summary>
public static class SyntheticPresets
{
    private static readonly Dictionary<string, ModelConfig> _configs = new(StringComparer.Ordinal)
    {
        ["toy"] = Llama2(hidden: 128, inner: 384, layers: 8, heads: 4, kvHeads: 2) with
        {
            HeadSize = 32,
            VocabSize = 1000,
            MaxPositions = 1024,
        },
        ["tinyllama-1.1b"] = Llama2(hidden: 2048, inner: 5632, layers: 22, heads: 32, kvHeads: 4) with
        {
            HeadSize = 64,
            MaxPositions = 2048,
        },
        ["llama2-7b"] = Llama2(hidden: 4096, inner: 11008, layers: 32, heads: 32, kvHeads: 32),
        ["llama2-13b"] = Llama2(hidden: 5120, inner: 13824, layers: 40, heads: 40, kvHeads: 40),
        ["llama2-70b"] = Llama2(hidden: 8192, inner: 28672, layers: 80, heads: 64, kvHeads: 8),
        ["llama3-8b"] = Llama2(hidden: 4096, inner: 14336, layers: 32, heads: 32, kvHeads: 8) with
        {
            VocabSize = 128256,
            MaxPositions = 8192,
            Rope = new RopeParameters(RopeKind.Default, 500_000),
        },
        ["llama3.1-8b"] = Llama31(hidden: 4096, inner: 14336, layers: 32, heads: 32),
        ["llama3.1-70b"] = Llama31(hidden: 8192, inner: 28672, layers: 80, heads: 64),
        ["mistral-7b"] = Llama2(hidden: 4096, inner: 14336, layers: 32, heads: 32, kvHeads: 8) with
        {
            Architecture = "MistralForCausalLM",
            VocabSize = 32768,
            MaxPositions = 32768,
            Rope = new RopeParameters(RopeKind.Default, 1_000_000),
        },
        ["qwen3-8b"] = Qwen3(hidden: 4096, inner: 12288, layers: 36, heads: 32),
        ["qwen3-32b"] = Qwen3(hidden: 5120, inner: 25600, layers: 64, heads: 64),
    };

    /// <summary>The names, in the order of size.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "toy",
        "tinyllama-1.1b",
        "llama2-7b",
        "mistral-7b",
        "llama3-8b",
        "llama3.1-8b",
        "qwen3-8b",
        "llama2-13b",
        "qwen3-32b",
        "llama2-70b",
        "llama3.1-70b",
    ];

    /// <summary>The kind of exit head that costs next to nothing: the default.</summary>
    public const string NormHead = "norm";

    /// <summary>The kinds of exit heads, cheapest first; named as in <c>head_type</c> of an exit head's folder.</summary>
    public static IReadOnlyList<string> HeadNames { get; } = [NormHead, "mlp", "transformer", "chain"];

    /// <summary>A preset's shape, or null for a name that is not among <see cref="Names"/>.</summary>
    public static ModelConfig? Find(string name) => _configs.GetValueOrDefault(name);

    /// <summary>
    /// An exit head for a model without weights on disk: a norm of its own and the LM head, and between them what its kind
    /// has, of the model's own shapes.
    /// </summary>
    /// <param name="exitLayer">Number of layers before the head.</param>
    /// <param name="kind">One of <see cref="HeadNames"/>.</param>
    /// <param name="draftedTokens">Tokens it drafts, evenly spread over the vocabulary; 0 for all.</param>
    /// <exception cref="ArgumentException">There is no such kind, or there are fewer tokens.</exception>
    public static ExitHeadConfig ExitHead(
        ModelConfig model,
        int exitLayer,
        string kind = NormHead,
        int draftedTokens = 0
    ) =>
        new()
        {
            ConfigPath = "synthetic",
            Kind = KindOf(kind),
            ExitLayer = exitLayer,
            LayerCount = KindOf(kind) is ExitHeadKind.Transformer or ExitHeadKind.Chain ? 1 : 0,
            IntermediateSize = null,
            RmsNormEpsilon = model.RmsNormEpsilon,
            ElementType = model.ElementType,
            Vocabulary = draftedTokens == 0 ? null : Spread(draftedTokens, model.VocabSize),
            Verifier = new("synthetic", model.LayerCount, model.HiddenSize, ""),
        };

    private static DraftVocabulary Spread(int count, int vocabSize) =>
        DraftVocabulary.Of([.. Enumerable.Range(0, count).Select(i => (int)((long)i * vocabSize / count))]);

    private static ExitHeadKind KindOf(string name) =>
        name switch
        {
            NormHead => ExitHeadKind.Norm,
            "mlp" => ExitHeadKind.Mlp,
            "transformer" => ExitHeadKind.Transformer,
            "chain" => ExitHeadKind.Chain,
            _ => throw new ArgumentException($"head: expected {string.Join(" or ", HeadNames)}, found '{name}'"),
        };

    private static ModelConfig Llama31(int hidden, int inner, int layers, int heads) =>
        Llama2(hidden, inner, layers, heads, kvHeads: 8) with
        {
            VocabSize = 128256,
            MaxPositions = 131072,
            Rope = new RopeParameters(RopeKind.Llama3, 500_000, 8, 1, 4, 8192),
        };

    private static ModelConfig Qwen3(int hidden, int inner, int layers, int heads) =>
        Llama2(hidden, inner, layers, heads, kvHeads: 8) with
        {
            Architecture = "Qwen3ForCausalLM",
            Layers = new LayerTraits { HasHeadNorms = true },
            VocabSize = 151936,
            MaxPositions = 40960,
            RmsNormEpsilon = 1e-6f,
            Rope = new RopeParameters(RopeKind.Default, 1_000_000),
        };

    private static ModelConfig Llama2(int hidden, int inner, int layers, int heads, int kvHeads) =>
        new()
        {
            Architecture = ModelConfig.LlamaArchitecture,
            HiddenSize = hidden,
            IntermediateSize = inner,
            LayerCount = layers,
            HeadCount = heads,
            KvHeadCount = kvHeads,
            HeadSize = 128,
            VocabSize = 32000,
            MaxPositions = 4096,
            RmsNormEpsilon = 1e-5f,
            TieWordEmbeddings = false,
            Rope = new RopeParameters(RopeKind.Default, 10_000),
            BosTokenId = 1,
            EosTokenIds = [2],
            ElementType = ElementType.BFloat16,
        };
}
