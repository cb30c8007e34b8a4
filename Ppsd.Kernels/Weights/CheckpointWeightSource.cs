using Ppsd.Kernels.Checkpoints;

namespace Ppsd.Kernels.Weights;

/// <summary>The weights of a model or exit-head folder.</summary>
internal sealed class CheckpointWeightSource(string folder) : WeightSource
{
    private readonly Checkpoint _checkpoint = Checkpoint.Open(folder);

    public override Weight Require(string name, params ReadOnlySpan<long> shape) =>
        new CheckpointWeight(_checkpoint.Require(name, shape));

    public override bool Has(string name) => _checkpoint.TensorNames.Contains(name);

    public override void Dispose() => _checkpoint.Dispose();
}
