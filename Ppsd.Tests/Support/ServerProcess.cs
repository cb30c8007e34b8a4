using System.Diagnostics;
using System.Globalization;
using Ppsd.Host.Commands;

namespace Ppsd.Tests.Support;

/// <summary><c>ppsd serve</c> in a process of its own. Disposing stops it as an operator does and expects it to go quietly.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task<string> _error;

    private ServerProcess(Process process, Uri address, string? node)
    {
        _process = process;
        _error = process.StandardError.ReadToEndAsync();
        _ = process.StandardOutput.ReadToEndAsync();
        Node = node;
        Http = new HttpClient { BaseAddress = address };
    }

    /// <summary>Talks to it.</summary>
    public HttpClient Http { get; }

    /// <summary>Its address as a member of a cluster; null when it is none.</summary>
    public string? Node { get; }

    /// <summary>True once it has been killed.</summary>
    public bool IsKilled { get; private set; }

    /// <summary>Its process.</summary>
    public int ProcessId => _process.Id;

    /// <summary>True when it is not there any more, for whatever reason.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>What it has written to standard error, once it has ended.</summary>
    public Task<string> Error => _error;

    /// <summary>Starts it and waits until it listens, at a free port.</summary>
    public static Task<ServerProcess> StartAsync(params IEnumerable<string> arguments) =>
        StartInAsync(networkNamespace: null, arguments);

    /// <summary>The same in a network namespace.</summary>
    public static async Task<ServerProcess> StartInAsync(string? networkNamespace, IEnumerable<string> arguments)
    {
        var process = Cli.Start(["serve", "--port", "0", .. arguments], networkNamespace: networkNamespace);
        string? node = null;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("node at ", StringComparison.Ordinal))
            {
                node = line["node at ".Length..];
            }
            else if (line.StartsWith(ServerAnnouncement.Prefix, StringComparison.Ordinal))
            {
                var address = new Uri(
                    line[ServerAnnouncement.Prefix.Length..].Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal)
                );
                return new ServerProcess(process, address, node);
            }
        }

        throw new AssertionException($"the server did not start: {await process.StandardError.ReadToEndAsync()}");
    }

    /// <summary>Sends SIGTERM and waits.</summary>
    /// <returns>Exit code and what stands on standard error.</returns>
    public async Task<(int ExitCode, string Error)> StopAsync()
    {
        Signals.Send(_process.Id, Signals.Terminate);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
            throw new AssertionException("the server did not stop within 30 s of SIGTERM");
        }

        return (_process.ExitCode, await _error);
    }

    /// <summary>Kills it: no goodbye.</summary>
    public void Kill()
    {
        IsKilled = true;
        _process.Kill();
    }

    /// <summary>Kills one of its child processes: no goodbye.</summary>
    public void KillAChild()
    {
        var parent = $"PPid:\t{_process.Id}";
        var children = Directory
            .EnumerateDirectories("/proc")
            .Where(folder => int.TryParse(Path.GetFileName(folder), out _))
            .Where(folder => StatusOf(folder).Contains(parent))
            .Select(folder => int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture))
            .ToList();
        Assert.That(children, Is.Not.Empty, "the server has no child processes");
        Signals.Send(children[^1], Signals.Kill);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (!_process.HasExited)
        {
            await StopAsync();
        }

        _process.Dispose();
    }

    private static string[] StatusOf(string folder)
    {
        try
        {
            return File.ReadAllLines(Path.Combine(folder, "status"));
        }
        catch (IOException)
        {
            // It has ended meanwhile.
            return [];
        }
    }
}
