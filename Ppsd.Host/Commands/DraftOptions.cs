using System.CommandLine;
using Ppsd.Actors.Messages;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;

namespace Ppsd.Host.Commands;

/// <summary>Options that say what drafts; where texts come by request, what drafts for those that do not say.</summary>
internal sealed class DraftOptions : IOptionGroup
{
    private readonly Option<DraftChoice?> _drafts = OptionFactory.Parsed(
        "--drafts",
        "exit|chain|ngram|auto|none",
        "What drafts, several between commas: the exit head one token ahead, the exit head as a chain, the text's own n-grams; auto is all there are, and the default: each drafts where it pays. The text is the same.",
        DraftNames.Parse,
        DraftNames.Expected
    );

    private readonly Option<int?> _maxWidth = OptionFactory.Number(
        "--max-width",
        "W",
        "Most candidates of a micro-batch: the likeliest W drafts enter, as chains and branches. By default as many as pay where a chain or n-grams draft, else 1.",
        1,
        DraftSettings.MostWidth
    );

    private readonly Option<int?> _chainDepth = OptionFactory.Number(
        "--chain-depth",
        "D",
        "Most tokens that a chain head drafts ahead of a candidate; 4 by default, 1 with --drafts exit.",
        1,
        DraftSettings.MostDepth
    );

    /// <inheritdoc />
    public void AddTo(Command command)
    {
        command.Options.Add(_drafts);
        command.Options.Add(_maxWidth);
        command.Options.Add(_chainDepth);
    }

    /// <summary>The sources as the command line spells them.</summary>
    private string Given(ParseResult parsed) => parsed.GetResult(_drafts)!.Tokens[^1].Value;

    /// <summary>The first of them that is on the command line; null for none.</summary>
    public Option? FirstGiven(ParseResult parsed) =>
        Array.Find<Option>(
            [_drafts, _maxWidth, _chainDepth],
            option => parsed.GetResult(option) is { Implicit: false }
        );

    /// <summary>The options as given, for a child process.</summary>
    public IEnumerable<string> Arguments(ParseResult parsed)
    {
        foreach (var option in (Option[])[_drafts, _maxWidth, _chainDepth])
        {
            if (parsed.GetResult(option) is { Implicit: false, Tokens: [var token, ..] })
            {
                yield return option.Name;
                yield return token.Value;
            }
        }
    }

    /// <summary>The settings they ask for.</summary>
    /// <param name="decode"><c>ppsd</c>, <c>autoregressive</c> or null, where a command has such an option.</param>
    /// <exception cref="UserErrorException">They contradict each other, or the model has no such source.</exception>
    public DraftSettings Settings(ParseResult parsed, ModelAssets assets, string? decode = null)
    {
        var choice = parsed.GetValue(_drafts);
        var isNone = choice?.Sources == DraftSources.None;
        if (decode is not null && choice is not null && decode == "ppsd" == isNone)
        {
            throw new UserErrorException(
                $"--drafts: expected {(isNone ? "a source" : "none")} with --decode {decode}, found {Given(parsed)}"
            );
        }

        var usual = decode switch
        {
            "autoregressive" => new DraftSettings(DraftSources.None),
            "ppsd" => new DraftSettings(DraftSources.ExitHead),
            _ => DraftSettings.Usual(assets),
        };
        RequireRows(parsed);
        try
        {
            return usual.With(choice, parsed.GetValue(_maxWidth), parsed.GetValue(_chainDepth), assets);
        }
        catch (DraftMisfitException e)
        {
            var option =
                e.IsDepth ? _chainDepth.Name
                : choice is null ? "--decode ppsd"
                : $"{_drafts.Name} {Given(parsed)}";
            throw new UserErrorException($"{option}: {e.Message}", e);
        }
    }

    // Where a command starts its stages itself, how many candidates their steps take is known before they are loaded.
    private void RequireRows(ParseResult parsed)
    {
        var option = parsed.CommandResult.Command.Options.FirstOrDefault(option => option.Name == "--step-rows");
        if (
            option is Option<int?> stepRows
            && parsed.GetValue(stepRows) is { } rows
            && parsed.GetValue(_maxWidth) is { } width
            && width > rows
        )
        {
            throw new UserErrorException(
                $"{_maxWidth.Name}: expected at most {rows}, the candidates of a step by {stepRows.Name}, found {width}"
            );
        }
    }
}
