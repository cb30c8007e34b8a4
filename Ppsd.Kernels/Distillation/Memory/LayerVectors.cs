using Ppsd.Kernels.Checkpoints.Configuration;
using Ppsd.Kernels.Distillation.Teacher;

namespace Ppsd.Kernels.Distillation.Memory;

/// <summary>Widths of the vectors that a family's layers have beside their two norms.</summary>
internal static class LayerVectors
{
    /// <summary>Each of them.</summary>
    public static IEnumerable<int> Of(ModelConfig config) => LayerAdditions.Of(config).Select(one => one.Width);

    /// <summary>The norms of query and key heads, whose gradients are summed side by side; 0 without them.</summary>
    public static int NormsTogether(ModelConfig config) => config.Layers.HasHeadNorms ? 2 * config.HeadSize : 0;
}
