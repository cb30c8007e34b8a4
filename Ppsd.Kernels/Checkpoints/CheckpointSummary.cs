using Ppsd.Kernels.Checkpoints.Tensors;

namespace Ppsd.Kernels.Checkpoints;

/// <summary>The size of a checkpoint, counted from its headers.</summary>
/// <param name="TensorCount">Number of tensors.</param>
/// <param name="ParameterCount">
/// Number of trained values. The rotary frequencies that early LLaMA exports carry along are computed, not trained, and
/// do not count.
/// </param>
/// <param name="ByteCount">Bytes of all tensors.</param>
/// <param name="Dtypes">Their element types as the headers write them, in ordinal order.</param>
public sealed record CheckpointSummary(
    int TensorCount,
    long ParameterCount,
    long ByteCount,
    IReadOnlyList<string> Dtypes
)
{
    /// <summary>Counts entries.</summary>
    public static CheckpointSummary Of(IReadOnlyCollection<TensorEntry> entries) =>
        new(
            entries.Count,
            entries
                .Where(entry => !entry.Name.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal))
                .Sum(entry => entry.ElementCount),
            entries.Sum(entry => entry.ByteCount),
            [.. entries.Select(entry => entry.Dtype).Distinct().Order(StringComparer.Ordinal)]
        );
}
