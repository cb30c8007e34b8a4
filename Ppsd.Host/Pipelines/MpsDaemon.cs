using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Ppsd.Host.Pipelines;

/// <summary>
/// NVIDIA's Multi-Process Service, which lets processes share a GPU at the same time, each on a part of its
/// multiprocessors. Starts a daemon with folders of its own unless one runs, and stops what it started, also when this
/// process is interrupted.
/// </summary>
/// <remarks>docs.nvidia.com/deploy/mps: the control daemon, its folders and CUDA_MPS_ACTIVE_THREAD_PERCENTAGE.</remarks>
internal sealed class MpsDaemon : IAsyncDisposable
{
    private const string Control = "nvidia-cuda-mps-control";
    private const string PipeVariable = "CUDA_MPS_PIPE_DIRECTORY";
    private const string LogVariable = "CUDA_MPS_LOG_DIRECTORY";
    private const string DefaultPipeFolder = "/tmp/nvidia-mps";
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);

    private readonly Dictionary<string, string> _folders;
    private readonly string? _ownFolder;
    private int _stopped;

    private MpsDaemon(Dictionary<string, string> folders, string? ownFolder)
    {
        _folders = folders;
        _ownFolder = ownFolder;
        if (ownFolder is not null)
        {
            AppDomain.CurrentDomain.ProcessExit += Quit;
        }
    }

    /// <summary>True when this object started the daemon, and will stop it.</summary>
    public bool IsOwn => _ownFolder is not null;

    /// <summary>Uses the daemon that runs, or starts one.</summary>
    /// <exception cref="UserErrorException">There is none, or it did not start.</exception>
    public static async Task<MpsDaemon> StartAsync(CancellationToken cancellation)
    {
        var known = Environment.GetEnvironmentVariable(PipeVariable) ?? DefaultPipeFolder;
        if (File.Exists(Path.Combine(known, "control")))
        {
            return new MpsDaemon(new Dictionary<string, string> { [PipeVariable] = known }, ownFolder: null);
        }

        var own = Directory.CreateTempSubdirectory("ppsd-mps-").FullName;
        var folders = new Dictionary<string, string>
        {
            [PipeVariable] = Path.Combine(own, "pipe"),
            [LogVariable] = Path.Combine(own, "log"),
        };
        foreach (var folder in folders.Values)
        {
            Directory.CreateDirectory(folder);
        }

        var daemon = new MpsDaemon(folders, own);
        try
        {
            // The daemon keeps the streams it inherits, so waiting for a redirected stream would never end.
            using var control = StartControl(folders, ["-d"]);
            control.StandardInput.Close();
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            patience.CancelAfter(_patience);
            await control.WaitForExitAsync(patience.Token);
            return control.ExitCode == 0
                ? daemon
                : throw new UserErrorException($"--gpu-share: {Control} -d ended with exit code {control.ExitCode}");
        }
        catch (Win32Exception e)
        {
            await daemon.DisposeAsync();
            throw new UserErrorException(
                $"--gpu-share: expected {Control}, which comes with NVIDIA's driver, found none: {e.Message}",
                e
            );
        }
        catch
        {
            await daemon.DisposeAsync();
            throw;
        }
    }

    /// <summary>Variables for a process that is to have a share of the GPU's multiprocessors.</summary>
    public IReadOnlyDictionary<string, string> Share(double percent) =>
        new Dictionary<string, string>(_folders)
        {
            ["CUDA_MPS_ACTIVE_THREAD_PERCENTAGE"] = percent.ToString(CultureInfo.InvariantCulture),
        };

    /// <summary>Stops the daemon if this object started it.</summary>
    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= Quit;
        if (AskToQuit() is not { } control)
        {
            return;
        }

        using (control)
        using (var patience = new CancellationTokenSource(_patience))
        {
            try
            {
                await control.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                control.Kill();
            }
        }

        Directory.Delete(_ownFolder!, recursive: true);
    }

    /// <summary>Last resort when the process ends before its disposals have run; there is no waiting then.</summary>
    private void Quit(object? sender, EventArgs e) => AskToQuit()?.Dispose();

    private Process? AskToQuit()
    {
        if (_ownFolder is null || Interlocked.Exchange(ref _stopped, 1) != 0)
        {
            return null;
        }

        try
        {
            var control = StartControl(_folders, []);
            control.StandardInput.WriteLine("quit");
            control.StandardInput.Close();
            return control;
        }
        catch (Win32Exception)
        {
            // The program is missing, so no daemon runs.
            Directory.Delete(_ownFolder, recursive: true);
            return null;
        }
    }

    private static Process StartControl(Dictionary<string, string> folders, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo(Control, arguments) { RedirectStandardInput = true };
        foreach (var (name, value) in folders)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }
}
