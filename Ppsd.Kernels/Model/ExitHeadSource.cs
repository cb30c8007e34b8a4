using Ppsd.Kernels.Checkpoints.Configuration;

namespace Ppsd.Kernels.Model;

/// <summary>An exit head that a model has, and where its tensors are.</summary>
/// <param name="Config">Its kind and exit layer.</param>
/// <param name="Folder">Its folder; null where weights are synthetic.</param>
public sealed record ExitHeadSource(ExitHeadConfig Config, string? Folder)
{
    /// <summary>True for a norm head whose norm is the model's own final one, so that it needs no folder.</summary>
    public bool HasOwnNorm { get; init; }
}
