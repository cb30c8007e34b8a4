using System.CommandLine;
using Ppsd.Host.Rivals;

namespace Ppsd.Host.Commands;

/// <summary>Options of the published methods that PPSD is compared with.</summary>
internal sealed class RivalOptions : IOptionGroup
{
    private readonly Option<string?> _control = OptionFactory.Choice(
        "--control",
        "How eesd ends a block: fixed, by default, drafts as many tokens as pay best at the acceptance measured; thompson draws it.",
        "fixed",
        "thompson"
    );

    private readonly Option<int?> _draftLength = OptionFactory.Number(
        "--draft-length",
        "G",
        "Tokens that layerskip drafts in a block; 4 by default.",
        1,
        31
    );

    private readonly Option<int?> _exitAt = OptionFactory.Number(
        "--exit-at",
        "E",
        "Layers that layerskip drafts with; a quarter of the model by default.",
        1,
        1_000
    );

    private readonly Option<string?> _blockLength = OptionFactory.Choice(
        "--block-length",
        "How del ends a block: behind a token below its threshold, by default and as published; or after as many drafts as it computes.",
        "threshold",
        "computed"
    );

    private readonly Option<string?> _layerHeads = OptionFactory.Text(
        "--layer-heads",
        "DIR|own",
        "Folder of del's norm heads, a folder each; by default the model's folder with -norm-heads behind its name. own takes the model's final norm at every layer."
    );

    private readonly Option<string?> _knnSets = OptionFactory.Text(
        "--knn-sets",
        "FILE",
        "What knn-ssd skips, from ppsd knn-sets; by default the model's folder with -knn-sets.json behind its name."
    );

    /// <summary>Adds them to a command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(_blockLength);
        command.Options.Add(_layerHeads);
        command.Options.Add(_knnSets);
        command.Options.Add(_control);
        command.Options.Add(_draftLength);
        command.Options.Add(_exitAt);
    }

    /// <summary>The rival's settings.</summary>
    /// <param name="method">The rival of --decode; null for none.</param>
    /// <exception cref="UserErrorException">An option belongs to another method.</exception>
    public RivalSettings? Settings(ParseResult parsed, RivalMethod? method)
    {
        Require(_control, RivalMethod.Eesd);
        Require(_draftLength, RivalMethod.LayerSkip);
        Require(_exitAt, RivalMethod.LayerSkip);
        Require(_blockLength, RivalMethod.Del);
        Require(_layerHeads, RivalMethod.Del);
        Require(_knnSets, RivalMethod.KnnSsd);
        return method is not { } rival
            ? null
            : new RivalSettings(rival)
            {
                IsThompson = parsed.GetValue(_control) == "thompson",
                UsesLength = parsed.GetValue(_blockLength) == "computed",
                LayerHeads = parsed.GetValue(_layerHeads),
                SetsFile = parsed.GetValue(_knnSets),
                ExitLayer = parsed.GetValue(_exitAt),
                DraftLength = parsed.GetValue(_draftLength) ?? new RivalSettings(rival).DraftLength,
            };

        void Require(Option option, RivalMethod owner)
        {
            if (method != owner && parsed.GetResult(option) is { Implicit: false })
            {
                throw new UserErrorException(
                    $"{option.Name}: expected --decode {RivalSettings.Names[(int)owner]} with it, found {(method is { } other ? RivalSettings.Names[(int)other] : "another")}"
                );
            }
        }
    }
}
