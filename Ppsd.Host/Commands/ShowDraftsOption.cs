using System.CommandLine;

namespace Ppsd.Host.Commands;

/// <summary><c>--show-drafts</c>: drafts beside the text they may become, where standard output is a terminal.</summary>
internal sealed class ShowDraftsOption : IOptionGroup
{
    private readonly Option<bool> _option = OptionFactory.Switch(
        "--show-drafts",
        "Shows drafts as they come and vanish: a run, a|b for others in a place, and what was rejected last, struck."
    );

    /// <summary>Adds it to a command.</summary>
    public void AddTo(Command command) => command.Options.Add(_option);

    /// <summary>True when drafts are wanted and there is a terminal to erase them on.</summary>
    public bool Value(ParseResult parsed) => parsed.GetValue(_option) && !Console.IsOutputRedirected;
}
