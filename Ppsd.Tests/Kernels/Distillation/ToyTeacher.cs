using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Checkpoints.Families;
using Ppsd.Kernels.Checkpoints.Tensors;
using Ppsd.Kernels.Weights;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Kernels.Distillation;

/// <summary>A model of a few hundred weights in memory, of odd sizes where the architecture allows.</summary>
/// <param name="layers">How its layers differ from a plain LLaMA's; where projections are fused, heads are rotated in part.</param>
internal sealed class ToyTeacher(LayerTraits? layers = null) : WeightSource
{
    /// <summary>All that families add, and a window of five tokens.</summary>
    public static readonly LayerTraits WithAdditions = new()
    {
        HasQueryKeyValueBias = true,
        HasOutputBias = true,
        HasFeedForwardBias = true,
        HasHeadNorms = true,
        SlidingWindow = 5,
    };

    /// <summary>All that families multiply, projections in one tensor, and a layer that is not rotated.</summary>
    public static readonly LayerTraits WithMultipliers = new()
    {
        HasFusedProjections = true,
        UnrotatedLayers = [1],
        AttentionMultiplier = 0.3,
        EmbeddingMultiplier = 2,
        ResidualMultiplier = 0.5,
        LogitsDivisor = 1.5,
    };

    /// <summary>Toys by name, for tests of all of them.</summary>
    public static IReadOnlyList<string> Kinds { get; } = ["plain", "additions", "multipliers"];

    /// <summary>How the layers of one differ.</summary>
    public static LayerTraits? TraitsOf(string kind) =>
        kind switch
        {
            "additions" => WithAdditions,
            "multipliers" => WithMultipliers,
            _ => null,
        };

    private readonly Dictionary<string, float[]> _tensors = new(StringComparer.Ordinal);

    public ModelConfig Config { get; } =
        new()
        {
            Architecture = ModelConfig.LlamaArchitecture,
            Layers = layers ?? LayerTraits.Plain,
            HiddenSize = 12,
            IntermediateSize = 19,
            LayerCount = 3,
            HeadCount = 4,
            KvHeadCount = 2,
            HeadSize = 6,
            VocabSize = 29,
            MaxPositions = 64,
            RmsNormEpsilon = 1e-5f,
            TieWordEmbeddings = false,
            Rope = new RopeParameters(RopeKind.Default, 10_000)
            {
                RotatedSize = layers is { HasFusedProjections: true } ? 4 : null,
            },
            BosTokenId = null,
            EosTokenIds = [],
            ElementType = ElementType.Float32,
        };

    public override Weight Require(string name, params ReadOnlySpan<long> shape)
    {
        var rows = shape.Length == 1 ? 1 : (int)shape[0];
        return new ArrayWeight(Tensor(name, rows * (int)shape[^1], IsScale(name, shape.Length)), rows);
    }

    /// <summary>A tensor's values; made up when first asked for.</summary>
    public float[] Tensor(string name, int count, bool isScale)
    {
        if (!_tensors.TryGetValue(name, out var values))
        {
            // Spread so that no part of a layer is negligible beside another.
            var seed = name.Aggregate(17, (hash, letter) => unchecked(hash * 31 + letter)) & 0xFFFF;
            values = TestValues.BFloat16(count, seed, isScale ? 0.3f : 0.4f);
            if (isScale)
            {
                values = [.. values.Select(value => 1 + value)];
            }

            _tensors.Add(name, values);
        }

        return values;
    }

    public override void Dispose() { }

    private static bool IsScale(string name, int dimensions) =>
        dimensions == 1 && !name.EndsWith(".bias", StringComparison.Ordinal);
}
