using System.Diagnostics;

namespace Ppsd.Tests.Support;

/// <summary>The built program in a process of its own, as a user runs it.</summary>
internal static class Cli
{
    // What computes for half a minute alone has a fifth of a core on a busy machine.
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(5);

    /// <summary>Runs it to its end.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="environment">Variables it gets beside this process's own.</param>
    /// <param name="input">All of its standard input; null to leave that open.</param>
    public static async Task<CliResult> RunAsync(
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null,
        string? input = null
    )
    {
        using var process = Start(arguments, environment);
        using var patience = new CancellationTokenSource(_patience);
        var output = process.StandardOutput.ReadToEndAsync(patience.Token);
        var error = process.StandardError.ReadToEndAsync(patience.Token);
        if (input is not null)
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }

        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new AssertionException($"ppsd {string.Join(' ', arguments)} did not end within {_patience}");
        }

        return new CliResult(process.ExitCode, await output, await error);
    }

    /// <summary>Starts it with all streams redirected.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="environment">Variables it gets beside this process's own.</param>
    /// <param name="networkNamespace">Where its network is; null for this process's.</param>
    public static Process Start(
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null,
        string? networkNamespace = null
    )
    {
        var start = new ProcessStartInfo
        {
            FileName = networkNamespace is null ? "dotnet" : "ip",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = TestContext.CurrentContext.TestDirectory,
        };
        string[] program = [Path.Combine(TestContext.CurrentContext.TestDirectory, "ppsd.dll"), .. arguments];
        foreach (
            var argument in networkNamespace is null
                ? program
                : ["netns", "exec", networkNamespace, "dotnet", .. program]
        )
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }
}

/// <summary>What a run of the program left.</summary>
internal sealed record CliResult(int ExitCode, string Output, string Error)
{
    // Lines that only a busy machine adds; when they are said is for tests of their own.
    private static readonly string[] _ofDelays =
    [
        "hashing weights: ",
        "heartbeat was delayed",
        "heartbeat interval is growing too large",
        " MB loaded",
    ];

    /// <summary>Standard error but for what only a busy machine adds.</summary>
    public string Error { get; } = WithoutDelays(Error);

    /// <summary>Lines of standard output.</summary>
    public string[] OutputLines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Lines of standard error.</summary>
    public string[] ErrorLines => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>What a process said but for what only a busy machine adds.</summary>
    public static string WithoutDelays(string error) =>
        string.Join(
            '\n',
            error
                .Split('\n')
                .Where(line => !Array.Exists(_ofDelays, delay => line.Contains(delay, StringComparison.Ordinal)))
        );
}
