using System.Diagnostics;

namespace Ppsd.Host.Pipelines;

/// <summary>
/// A <c>ppsd stage</c> process of ours. It leaves the cluster politely when its standard input ends, which also happens
/// when this process dies, so none is ever left behind.
/// </summary>
internal sealed class StageProcess : IAsyncDisposable
{
    private static readonly TimeSpan _leaveTimeout = TimeSpan.FromSeconds(10);

    private static readonly string[] _decided =
    [
        "PPSD_PLAN",
        "PPSD_STAGES",
        "PPSD_MODEL",
        "PPSD_EXIT_HEAD",
        "PPSD_SYNTHETIC",
        "PPSD_EXIT_LAYER",
        "PPSD_SYNTHETIC_SCALE",
        "PPSD_SYNTHETIC_SEED",
    ];

    private readonly Process _process;
    private readonly TaskCompletionSource<string> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string? _lastComplaint;

    private StageProcess(Process process) => _process = process;

    /// <summary>The operating system's number of the process.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Starts a process.</summary>
    /// <param name="arguments">Arguments after <c>stage</c>.</param>
    public static StageProcess Start(IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo
        {
            FileName = Environment.ProcessPath!,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };

        // Under `dotnet ppsd.dll` the process is dotnet itself and needs to be told the program.
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
        {
            start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "ppsd.dll"));
        }

        foreach (var argument in arguments.Prepend("stage").Append("--leave-at-end-of-input"))
        {
            start.ArgumentList.Add(argument);
        }

        // What this process has decided stands in the arguments; its own variables must not contradict them.
        foreach (var name in _decided)
        {
            start.Environment.Remove(name);
        }

        var stage = new StageProcess(
            Process.Start(start) ?? throw new UserErrorException($"{start.FileName} could not be started")
        );
        stage.Listen();
        return stage;
    }

    /// <summary>The address the node is reached at.</summary>
    /// <exception cref="UserErrorException">The process ended before it had one; the line is its own complaint.</exception>
    public Task<string> AddressAsync(CancellationToken cancellation) => _address.Task.WaitAsync(cancellation);

    /// <summary>Completes when the process has ended, with the reason in its own words.</summary>
    public Task<string> Ended => _ended.Task;

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var patience = new CancellationTokenSource(_leaveTimeout);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }

    private void Listen()
    {
        _process.OutputDataReceived += (_, line) =>
        {
            if (line.Data?.StartsWith(StageAnnouncement.Prefix, StringComparison.Ordinal) == true)
            {
                _address.TrySetResult(line.Data[StageAnnouncement.Prefix.Length..]);
            }
        };
        _process.ErrorDataReceived += (_, line) =>
        {
            if (!string.IsNullOrWhiteSpace(line.Data))
            {
                _lastComplaint = line.Data;
            }
        };
        _process.EnableRaisingEvents = true;
        _process.Exited += (_, _) => _ = ReportEndAsync();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    private async Task ReportEndAsync()
    {
        // Waits for the redirected streams too, so that the last complaint has been read.
        await _process.WaitForExitAsync();
        var reason = _lastComplaint ?? $"a stage process ended with exit code {_process.ExitCode}";
        _ended.TrySetResult(reason);
        _address.TrySetException(new UserErrorException(reason));
    }
}

/// <summary>What a stage node prints when it can be reached.</summary>
internal static class StageAnnouncement
{
    /// <summary>Before the address.</summary>
    public const string Prefix = "stage node at ";
}
