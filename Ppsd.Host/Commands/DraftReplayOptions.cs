using System.CommandLine;
using Ppsd.Host.Bench.Replay;
using Ppsd.Host.Models;

namespace Ppsd.Host.Commands;

/// <summary>The option of benchmarks that replays drafts at a chosen acceptance.</summary>
internal sealed class DraftReplayOptions : IOptionGroup
{
    private readonly Option<double?> _acceptance = OptionFactory.Number(
        "--draft-acceptance",
        "A",
        "Replays the text's own tokens as drafts at a share A of positions, wrong ones elsewhere; heads compute as always. For synthetic models.",
        0.0,
        1.0
    );

    /// <inheritdoc />
    public void AddTo(Command command) => command.Options.Add(_acceptance);

    /// <summary>Where the benchmark's plain texts are recorded; null where heads draft for themselves.</summary>
    /// <exception cref="UserErrorException">The model is not synthetic.</exception>
    public ReplayedTexts? Read(ParseResult parsed, ModelAssets assets)
    {
        if (parsed.GetValue(_acceptance) is not { } acceptance)
        {
            return null;
        }

        return assets.Synthetic is null
            ? throw new UserErrorException($"--draft-acceptance: expected --synthetic with it, found {assets.Folder}")
            : new ReplayedTexts(acceptance);
    }

    /// <summary>What reports say of it, with a comma behind; empty for nothing.</summary>
    public static string Describe(ReplayedTexts? replay) =>
        replay is null ? "" : FormattableString.Invariant($"drafts replayed at {replay.Acceptance}, ");
}
