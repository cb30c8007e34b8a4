using System.CommandLine;

namespace Ppsd.Host.Commands;

/// <summary>
/// A command of this program: a constructor that adds its arguments and options, in the order in which its help lists
/// them, and what it does.
/// </summary>
internal abstract class PpsdCommand : Command
{
    /// <param name="name">The word on the command line.</param>
    /// <param name="description">What it does, for its help.</param>
    protected PpsdCommand(string name, string description, TimeProvider clock)
        : base(name, description)
    {
        Clock = clock;

        // On a thread of its own, so that a signal is heeded while a file or a device keeps the command waiting.
        SetAction((parsed, cancellation) => Task.Run(() => RunAsync(parsed, cancellation), CancellationToken.None));
    }

    /// <summary>
    /// True for a command that decides itself what Ctrl+C and a request to terminate do: its token is never cancelled. For
    /// any other command the first of these signals cancels it.
    /// </summary>
    public virtual bool HandlesSignals => false;

    /// <summary>How long the command may go on after the first signal.</summary>
    public virtual TimeSpan TerminationTimeout => TimeSpan.FromSeconds(10);

    /// <summary>Time.</summary>
    protected TimeProvider Clock { get; }

    /// <summary>Adds options that several commands share.</summary>
    protected void Add(IOptionGroup options) => options.AddTo(this);

    /// <summary>Runs the command.</summary>
    /// <param name="parsed">The command line, without errors.</param>
    /// <param name="cancellation">Cancelled by the first Ctrl+C or request to terminate.</param>
    /// <returns>The exit code, see <see cref="CommandLine"/>.</returns>
    protected abstract Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation);
}
