using Ppsd.Kernels.Checkpoints.Files;

namespace Ppsd.Kernels.Weights;

/// <summary>Where a stage's weights come from: a checkpoint folder or a generator. Safe for many threads.</summary>
internal abstract class WeightSource : IDisposable
{
    /// <summary>Finds a weight and checks its shape.</summary>
    /// <param name="name">Its name in a checkpoint.</param>
    /// <param name="shape">The dimensions it must have.</param>
    /// <exception cref="CheckpointException">It is missing or has another shape.</exception>
    public abstract Weight Require(string name, params ReadOnlySpan<long> shape);

    /// <summary>Whether a weight that layers may lack is there; a source that makes weights up has none of these.</summary>
    public virtual bool Has(string name) => false;

    /// <summary>Ends the use of all its weights.</summary>
    public abstract void Dispose();
}
