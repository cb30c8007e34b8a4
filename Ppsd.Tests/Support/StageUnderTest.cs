using System.Diagnostics;
using Ppsd.Host.Pipelines;

namespace Ppsd.Tests.Support;

/// <summary><c>ppsd stage</c> in a process of its own.</summary>
internal sealed class StageUnderTest : IAsyncDisposable
{
    private static readonly string[] _arguments = ["--threads", "1", "--device", "cpu"];

    private readonly Process _process;

    private StageUnderTest(Process process, string address, Task<string> error)
    {
        _process = process;
        Address = address;
        Error = error;
    }

    /// <summary>Where it is reached.</summary>
    public string Address { get; }

    /// <summary>True once it has been killed.</summary>
    public bool IsKilled { get; private set; }

    /// <summary>Its process.</summary>
    public int ProcessId => _process.Id;

    /// <summary>True when it is not there any more, for whatever reason.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>What it has written to standard error, once it has ended.</summary>
    public Task<string> Error { get; }

    /// <summary>Starts one of a pipeline and waits until it can be reached.</summary>
    /// <param name="arguments">Further options.</param>
    /// <param name="stages">Stages of the pipeline.</param>
    /// <param name="networkNamespace">Where its network is; null for this process's.</param>
    public static async Task<StageUnderTest> StartAsync(
        string[] arguments,
        int stages = 4,
        string? networkNamespace = null
    )
    {
        var process = Cli.Start(
            ["stage", "--stages", $"{stages}", .. _arguments, .. arguments, "--leave-at-end-of-input"],
            networkNamespace: networkNamespace
        );
        var error = process.StandardError.ReadToEndAsync();
        string? line;
        while ((line = await process.StandardOutput.ReadLineAsync()) is not null)
        {
            if (line.StartsWith(StageAnnouncement.Prefix, StringComparison.Ordinal))
            {
                _ = process.StandardOutput.ReadToEndAsync();
                return new StageUnderTest(process, line[StageAnnouncement.Prefix.Length..], error);
            }
        }

        throw new AssertionException($"a stage process ended before it announced its address: {await error}");
    }

    /// <summary>Kills it: no goodbye.</summary>
    public void Kill()
    {
        IsKilled = true;
        _process.Kill();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.StandardInput.Close();
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(15));
            try
            {
                await _process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill();
                Assert.Fail("a stage did not leave within 15 s of the end of its input");
            }
        }

        _process.Dispose();
    }
}
