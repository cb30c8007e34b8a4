using Ppsd.Host.Pipelines;

namespace Ppsd.Host.Bench;

/// <summary>The pipelines that the decode benchmark measures.</summary>
internal sealed record BenchStand : IAsyncDisposable
{
    /// <summary>The pipeline.</summary>
    public required IPipeline Pipeline { get; init; }

    /// <summary>The whole model on one device like a stage's; null to skip that baseline.</summary>
    public IPipeline? OneDevice { get; init; }

    /// <summary>Keeps the other stages' devices busy meanwhile; null without <see cref="OneDevice"/>.</summary>
    public LoadProcesses? Load { get; init; }

    /// <summary>The daemon that shares a GPU among the processes (MPS); null for none.</summary>
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
