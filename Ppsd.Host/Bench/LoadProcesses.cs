using System.Globalization;
using Ppsd.Host.Pipelines;

namespace Ppsd.Host.Bench;

/// <summary>Processes that stand in for the other stages' load while one device decodes alone.</summary>
internal sealed class LoadProcesses : IAsyncDisposable
{
    /// <summary>Start of the line that such a process prints once it has loaded.</summary>
    public const string Announcement = "load of ";

    private readonly IReadOnlyList<ChildProcess> _processes;

    private LoadProcesses(IReadOnlyList<ChildProcess> processes) => _processes = processes;

    /// <summary>Starts one for each stage but the first, and waits until all have loaded.</summary>
    /// <param name="stageCount">Stages of the pipeline.</param>
    /// <param name="arguments">Arguments that each gets.</param>
    /// <param name="environment">Variables that each gets.</param>
    /// <exception cref="UserErrorException">One ended early; the line is its own complaint.</exception>
    public static async Task<LoadProcesses> StartAsync(
        int stageCount,
        IReadOnlyList<string> arguments,
        IReadOnlyDictionary<string, string>? environment,
        CancellationToken cancellation
    )
    {
        var processes = Enumerable
            .Range(2, stageCount - 1)
            .Select(stage =>
                ChildProcess.Start(
                    ["bench", "load", .. arguments, "--stage", stage.ToString(CultureInfo.InvariantCulture)],
                    Announcement,
                    environment
                )
            )
            .ToList();
        var load = new LoadProcesses(processes);
        try
        {
            await Task.WhenAll(processes.Select(process => process.AnnouncedAsync(cancellation)));
            return load;
        }
        catch
        {
            await load.DisposeAsync();
            throw;
        }
    }

    /// <summary>Keeps each busy for a share of the time; stage 2's comes first.</summary>
    public Task BeBusyAsync(IEnumerable<double> shares, CancellationToken cancellation) =>
        Task.WhenAll(
            _processes.Zip(
                shares,
                (process, share) =>
                    process.TellAsync(Math.Clamp(share, 0, 1).ToString("R", CultureInfo.InvariantCulture), cancellation)
            )
        );

    /// <summary>Lets all rest.</summary>
    public Task RestAsync(CancellationToken cancellation) => BeBusyAsync(_processes.Select(_ => 0.0), cancellation);

    public async ValueTask DisposeAsync() =>
        await Task.WhenAll(_processes.Select(process => process.DisposeAsync().AsTask()));
}
