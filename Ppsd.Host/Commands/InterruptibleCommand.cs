using System.CommandLine;

namespace Ppsd.Host.Commands;

/// <summary>
/// A command that says itself what Ctrl+C and a request to terminate do. The token its action gets is never cancelled;
/// for any other command the first of these signals cancels it.
/// </summary>
internal sealed class InterruptibleCommand(string name, string description) : Command(name, description);
