using System.Diagnostics;
using Ppsd.Host.Pipelines;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Commands;

/// <summary>What was told to stop and did ends quietly, with exit code 0.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class StopTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Test]
    [NonParallelizable] // A node that does not hear the other's heartbeats for long says so.
    public async Task Two_nodes_that_are_stopped_together_go_quietly_and_further_signals_change_nothing()
    {
        using var first = Stage();
        var seed = await AddressOfAsync(first);
        using var second = Stage("--seed-node", seed);
        await AddressOfAsync(second);
        await LineAsync(second, "stage ");
        foreach (var signal in new[] { Signals.Terminate, Signals.Terminate, Signals.Interrupt })
        {
            foreach (var node in new[] { first, second })
            {
                if (!node.HasExited)
                {
                    Signals.Send(node.Id, signal);
                }
            }
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await EndAsync(first), Is.EqualTo((0, "")));
            Assert.That(await EndAsync(second), Is.EqualTo((0, "")));
        }
    }

    [Test]
    public async Task A_port_that_another_node_has_ends_a_command_in_one_line()
    {
        using var node = Stage();
        var port = new Uri(await AddressOfAsync(node)).Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var expected =
            $"expected a free one to meet other nodes at, found {port}, which another process has (127.0.0.1)\n";
        (string Option, string[] Command)[] commands =
        [
            ("--cluster-port", ["stage", "--stages", "2", "--cluster-port", port]),
            ("--port", ["cluster", "status", "--join", $"127.0.0.1:{port}", "--port", port]),
            ("--cluster-port", ["serve", "--cluster", "--stages", "2", "--port", "0", "--cluster-port", port]),
        ];
        foreach (var (option, command) in commands)
        {
            var result = await Cli.RunAsync(command);
            Assert.That((result.ExitCode, result.Error), Is.EqualTo((2, $"ppsd: {option}: {expected}")), command[0]);
        }

        Signals.Send(node.Id, Signals.Terminate);
        Assert.That(await EndAsync(node), Is.EqualTo((0, "")));
    }

    private static Process Stage(params IEnumerable<string> arguments) =>
        Cli.Start(["stage", "--model", TestModels.Folder(TestModels.Gsm), "--stages", "2", .. arguments]);

    private static async Task<string> AddressOfAsync(Process node) =>
        (await LineAsync(node, StageAnnouncement.Prefix))[StageAnnouncement.Prefix.Length..];

    private static async Task<string> LineAsync(Process process, string prefix)
    {
        using var patience = new CancellationTokenSource(_patience);
        while (await process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            if (line.StartsWith(prefix, StringComparison.Ordinal))
            {
                return line;
            }
        }

        throw new AssertionException($"ended: {await process.StandardError.ReadToEndAsync(patience.Token)}");
    }

    private static async Task<(int ExitCode, string Error)> EndAsync(Process process)
    {
        using var patience = new CancellationTokenSource(_patience);
        var error = await process.StandardError.ReadToEndAsync(patience.Token);
        await process.WaitForExitAsync(patience.Token);
        return (process.ExitCode, CliResult.WithoutDelays(error));
    }
}
