using System.CommandLine;

namespace Ppsd.Host.Commands;

/// <summary>Options that belong together and that several commands have.</summary>
internal interface IOptionGroup
{
    /// <summary>Adds them to a command.</summary>
    void AddTo(Command command);
}
