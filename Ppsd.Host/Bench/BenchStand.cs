using Ppsd.Host.Pipelines;

namespace Ppsd.Host.Bench;

/// <summary>The pipelines that the decode benchmark measures.</summary>
internal sealed record BenchStand : IAsyncDisposable
{
    /// <summary>The pipeline.</summary>
    public required IPipeline Pipeline { get; init; }

    /// <summary>The whole model on one device like a stage's; null to leave that baseline out.</summary>
    public IPipeline? OneDevice { get; init; }

    /// <summary>Stands in for the other stages meanwhile; null without <see cref="OneDevice"/>.</summary>
    public LoadProcesses? Load { get; init; }

    /// <summary>What shares the GPU among the processes; null where none does.</summary>
    public MpsDaemon? Mps { get; init; }

    /// <summary>How it was set up, in words.</summary>
    public string Setting { get; init; } = "one process";

    public async ValueTask DisposeAsync()
    {
        foreach (var part in (IAsyncDisposable?[])[Pipeline, OneDevice, Load, Mps])
        {
            // The daemon last: its clients must be gone.
            if (part is not null)
            {
                await part.DisposeAsync();
            }
        }
    }
}
