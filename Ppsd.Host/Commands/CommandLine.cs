using System.CommandLine;
using Akka.Configuration;
using Ppsd.Actors.Client;
using Ppsd.Host.Terminal;
using Ppsd.Host.Text.Tokens;
using Ppsd.Kernels.Cache;
using Ppsd.Kernels.Checkpoints.Files;
using Ppsd.Kernels.Devices;

namespace Ppsd.Host.Commands;

/// <summary>
/// The program's commands and its exit codes: 0 done, 1 a generation was refused or broke off, 2 the user's input cannot
/// be used, 130 interrupted. Every error is one line on standard error.
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
        try
        {
            var parsed = root.Parse(EnvironmentTwins.Expand(root, arguments, Environment.GetEnvironmentVariable));
            if (parsed.CommandResult.Command.Subcommands.Count > 0 && parsed.Errors.Count > 0)
            {
                return Complain(MissingCommand(parsed), BadInput);
            }

            if (parsed.Errors.Count > 0)
            {
                return Complain(parsed.Errors[0].Message, BadInput);
            }

            return await parsed.InvokeAsync(
                new InvocationConfiguration
                {
                    EnableDefaultExceptionHandler = false,
                    Output = StandardOutput.Writer,

                    // A server lets requests finish and leaves its cluster politely.
                    ProcessTerminationTimeout = parsed.CommandResult.Command is PpsdCommand { HandlesSignals: true }
                        ? null
                        : TimeSpan.FromSeconds(60),
                }
            );
        }
        catch (Exception e)
            when (e
                    is UserErrorException
                        or CheckpointException
                        or TextException
                        or DeviceException
                        or KvCapacityException
                        or ConfigurationException
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
        };

    private static string MissingCommand(ParseResult parsed)
    {
        var found = parsed.UnmatchedTokens.Count > 0 ? $"'{parsed.UnmatchedTokens[0]}'" : "none";
        var commands = parsed.CommandResult.Command.Subcommands.Select(command => command.Name);
        return $"expected a command ({string.Join(", ", commands)}), found {found}; --help tells more";
    }

    private static int Complain(string message, int exitCode)
    {
        ErrorConsole.Complain(message);
        return exitCode;
    }
}
