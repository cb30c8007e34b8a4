using System.Diagnostics;

namespace Ppsd.Host.Pipelines;

/// <summary>
/// Another process of this program, started by this one. It ends when its standard input does, which also happens when
/// this process dies, so none is ever left behind.
/// </summary>
internal sealed class ChildProcess : IAsyncDisposable
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
    private readonly string _announcement;
    private readonly TaskCompletionSource<string> _announced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<string> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string? _lastComplaint;

    private ChildProcess(Process process, string announcement)
    {
        _process = process;
        _announcement = announcement;
    }

    /// <summary>The operating system's number of the process.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Starts a <c>ppsd stage</c>.</summary>
    /// <param name="arguments">Arguments after <c>stage</c>.</param>
    /// <param name="environment">Variables it gets beside this process's own.</param>
    public static ChildProcess StartStage(
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null
    ) => Start(["stage", .. arguments, "--leave-at-end-of-input"], StageAnnouncement.Prefix, environment);

    /// <summary>Starts a command of this program.</summary>
    /// <param name="arguments">The command and its arguments.</param>
    /// <param name="announcement">Start of the line that it prints when it is ready.</param>
    /// <param name="environment">Variables it gets beside this process's own.</param>
    public static ChildProcess Start(
        IEnumerable<string> arguments,
        string announcement,
        IReadOnlyDictionary<string, string>? environment = null
    )
    {
        var start = new ProcessStartInfo
        {
            FileName = Environment.ProcessPath!,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };

        // Under `dotnet ppsd.dll` the process is dotnet itself and needs the program as an argument.
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
        {
            start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "ppsd.dll"));
        }

        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        // What this process has decided stands in the arguments; its own variables must not contradict them.
        foreach (var name in _decided)
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        var child = new ChildProcess(
            Process.Start(start) ?? throw new UserErrorException($"{start.FileName} could not be started"),
            announcement
        );
        child.Listen();
        return child;
    }

    /// <summary>The text after the prefix of the line that it prints when ready; a stage prints its address.</summary>
    /// <exception cref="UserErrorException">The process ended before; the line is its own complaint.</exception>
    public Task<string> AnnouncedAsync(CancellationToken cancellation) => _announced.Task.WaitAsync(cancellation);

    /// <summary>Writes a line to the process's standard input.</summary>
    /// <exception cref="UserErrorException">The process has ended; the line is its own complaint.</exception>
    public async Task TellAsync(string line, CancellationToken cancellation)
    {
        try
        {
            await _process.StandardInput.WriteLineAsync(line.AsMemory(), cancellation);
        }
        catch (IOException e)
        {
            throw new UserErrorException(await Ended.WaitAsync(cancellation), e);
        }
    }

    /// <summary>Completes when the process has ended, with the reason in its own words.</summary>
    public Task<string> Ended => _ended.Task;

    public async ValueTask DisposeAsync()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended already, with a line of ours unread.
        }

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
            if (line.Data?.StartsWith(_announcement, StringComparison.Ordinal) == true)
            {
                _announced.TrySetResult(line.Data[_announcement.Length..]);
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
        var reason = _lastComplaint ?? $"a process ended with exit code {_process.ExitCode}";
        _ended.TrySetResult(reason);
        _announced.TrySetException(new UserErrorException(reason));
    }
}

/// <summary>Start of the line that a stage node prints once it is reachable.</summary>
internal static class StageAnnouncement
{
    /// <summary>Before the address.</summary>
    public const string Prefix = "stage node at ";
}
