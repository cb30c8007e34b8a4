using System.Globalization;
using Ppsd.Kernels.Checkpoints;

namespace Ppsd.Kernels.Weights;

/// <summary>
/// Makes the weights of a model up. Matrices keep the size of what they multiply (standard deviation 1 / sqrt(columns)),
/// so hidden states grow only by what each layer adds; norms are 1, biases 0; logits have a standard deviation of
/// <see cref="LogitDeviation"/>, peaked enough for sampling to prefer some tokens.
/// </summary>
internal sealed class SyntheticWeightSource(SyntheticWeights weights) : WeightSource
{
    /// <summary>Standard deviation of logits.</summary>
    public const double LogitDeviation = 3;

    private const string LayerPrefix = "model.layers.";

    public override Weight Require(string name, params ReadOnlySpan<long> shape) =>
        shape.Length == 1
            ? new ConstantWeight(shape[0], name.EndsWith(".bias", StringComparison.Ordinal) ? 0f : 1f)
            : new SyntheticWeight(shape[0], shape[1], KeyOf(name), (float)(Math.Sqrt(3) * Deviation(name, shape[1])));

    public override void Dispose() { }

    private double Deviation(string name, long columns)
    {
        if (name == LlamaTensorNames.Embedding)
        {
            return 1;
        }

        var unit = 1 / Math.Sqrt(columns);
        if (name == LlamaTensorNames.LmHead(tieWordEmbeddings: false))
        {
            return LogitDeviation * unit;
        }

        var addsToResidual =
            name.EndsWith("o_proj.weight", StringComparison.Ordinal)
            || name.EndsWith("down_proj.weight", StringComparison.Ordinal);
        return addsToResidual && LayerOf(name) >= weights.FirstScaledLayer ? weights.OutputScale * unit : unit;
    }

    /// <summary>The model's layer a tensor belongs to; an exit head's lie behind all of them.</summary>
    private static int LayerOf(string name)
    {
        if (!name.StartsWith(LayerPrefix, StringComparison.Ordinal))
        {
            return int.MaxValue;
        }

        var rest = name.AsSpan(LayerPrefix.Length);
        return int.Parse(rest[..rest.IndexOf('.')], NumberStyles.None, CultureInfo.InvariantCulture);
    }

    /// <summary>FNV-1a over the name, begun at the seed.</summary>
    private uint KeyOf(string name)
    {
        var key = 2166136261u ^ (weights.Seed * 0x9E3779B1u);
        foreach (var letter in name)
        {
            key = (key ^ letter) * 16777619u;
        }

        return key;
    }
}
