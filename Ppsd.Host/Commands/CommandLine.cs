using System.CommandLine;
using Akka.Configuration;
using Ppsd.Actors.Client;
using Ppsd.Actors.Cluster;
using Ppsd.Host.Terminal;
using Ppsd.Host.Text.Tokens;
using Ppsd.Kernels.Cache;
using Ppsd.Kernels.Checkpoints.Files;
using Ppsd.Kernels.Devices;

namespace Ppsd.Host.Commands;

/// <summary>
/// The program's commands and its exit codes: 0 done, 1 a generation was refused or broke off or a result cannot be
/// written, 2 the user's input cannot be used, 130 interrupted. Every error is one line on standard error.
/// </summary>
internal static class CommandLine
{
    private const int BrokeOff = 1;
    private const int BadInput = 2;
    private const int Interrupted = 130;

    /// <summary>Runs a command line.</summary>
    public static async Task<int> RunAsync(string[] arguments, TimeProvider clock)
    {
        var root = CreateRoot(clock);
        var line = new ExpandedLine(arguments, []);
        try
        {
            ArgumentBytes.Check(arguments);
            line = EnvironmentTwins.Expand(root, arguments, Environment.GetEnvironmentVariable);
            var parsed = root.Parse(line.Arguments);
            if (parsed.Action is not { ClearsParseErrors: true } && CommandLineErrors.Find(parsed) is { } error)
            {
                return Complain(error, BadInput);
            }

            return await parsed.InvokeAsync(
                new InvocationConfiguration
                {
                    EnableDefaultExceptionHandler = false,
                    Output = StandardOutput.Writer,
                    ProcessTerminationTimeout = parsed.CommandResult.Command
                        is PpsdCommand { HandlesSignals: false } command
                        ? command.TerminationTimeout
                        : null,
                }
            );
        }
        catch (NodeAddressException e)
        {
            var option = e.Setting == "port" ? NodeOptions.PortOption : NodeOptions.HostnameOption;
            return Complain($"{option}: {e.Reason}", BadInput);
        }
        catch (Exception e)
            when (e
                    is UserErrorException
                        or CheckpointException
                        or TextException
                        or DeviceException
                        or KvCapacityException
                        or ConfigurationException
                        or UnauthorizedAccessException
            )
        {
            return Complain(e.Message, BadInput);
        }
        catch (GenerationException e)
        {
            return Complain(e.Message, e.Failure == GenerationFailure.BadRequest ? BadInput : BrokeOff);
        }
        catch (OperationCanceledException)
        {
            return Complain("interrupted", Interrupted);
        }
        catch (IOException e)
        {
            // Results that cannot be written, above all.
            return Complain(e.Message, BrokeOff);
        }

        int Complain(string message, int exitCode)
        {
            ErrorConsole.Complain(line.Blame(message));
            return exitCode;
        }
    }

    /// <summary>All commands.</summary>
    internal static RootCommand CreateRoot(TimeProvider clock) =>
        new("Decodes language models over a pipeline of stages that draft for each other (PPSD, arXiv 2509.19368).")
        {
            new GenerateCommand(clock),
            new ChatCommand(clock),
            new ServeCommand(clock),
            new StageCommand(clock),
            new InspectCommand(clock),
            new DevicesCommand(clock),
            new PlanCommand(clock),
            BenchCommand.Create(clock),
            ClusterCommand.Create(clock),
            new VerifyCommand(clock),
            new DistillCommand(clock),
            new KnnSetsCommand(clock),
        };
}
