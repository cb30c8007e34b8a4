using Ppsd.Kernels.Checkpoints;

namespace Ppsd.Kernels.Weights;

/// <summary>
/// A model's own final norm as the one weight of a norm head, which LayerSkip drafts with (2404.16710). Owns nothing.
/// </summary>
/// <param name="model">The model's weights.</param>
internal sealed class OwnNormSource(WeightSource model) : WeightSource
{
    public override Weight Require(string name, params ReadOnlySpan<long> shape) =>
        name == ExitHeadTensorNames.Norm
            ? model.Require(LlamaTensorNames.FinalNorm, shape)
            : throw new ArgumentException($"a norm head has no tensor '{name}'", nameof(name));

    public override void Dispose() { }
}
