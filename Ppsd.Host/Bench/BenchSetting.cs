using Ppsd.Actors.Messages;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Kernels.Sampling;

namespace Ppsd.Host.Bench;

/// <summary>What was measured, in words.</summary>
internal static class BenchSetting
{
    /// <summary>Stages, their layers and devices.</summary>
    public static string DescribeStages(PipelineFormed formed) =>
        $"{formed.Stages.Length} stage{(formed.Stages.Length == 1 ? "" : "s")} of "
        + $"{string.Join(',', formed.Stages.Select(stage => stage.Description.LayerCount))} layers on "
        + string.Join(" | ", formed.Stages.Select(stage => stage.Description.Device).Distinct());

    /// <summary>Model, stages, devices, exit head and sampling.</summary>
    public static string Describe(ModelAssets assets, PipelineFormed formed, GenerationSettings generation)
    {
        var head = assets.ExitHead is { } exitHead
            ? $"{exitHead.Kind.ToString().ToLowerInvariant()} head after layer {exitHead.ExitLayer}"
            : "no exit head";
        return $"{assets.Name}, {DescribeStages(formed)}; {head}; " + Describe(generation.Sampling);
    }

    /// <summary>How tokens are drawn.</summary>
    public static string Describe(SamplingSettings sampling) =>
        SamplingParameters.IsGreedyAt(sampling.Temperature)
            ? "greedy"
            : FormattableString.Invariant($"temperature {sampling.Temperature}, seed {sampling.Seed}");
}
