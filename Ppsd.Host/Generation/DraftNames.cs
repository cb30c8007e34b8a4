using Ppsd.Actors.Messages;

namespace Ppsd.Host.Generation;

/// <summary>Draft sources as the command line names them. Pure.</summary>
internal static class DraftNames
{
    /// <summary>What --drafts accepts.</summary>
    public const string Expected = "auto, none, or exit, chain and ngram between commas";

    /// <summary>The sources in words.</summary>
    public static string Of(DraftSources sources) =>
        sources switch
        {
            DraftSources.None => "none",
            DraftSources.ExitHead => "exit head",
            DraftSources.NGrams => "n-grams",
            _ => "exit head, n-grams",
        };

    /// <summary>A source's key in JSON, metrics and reports.</summary>
    public static string KeyOf(DraftSource source) =>
        source switch
        {
            DraftSource.ExitHead => "exit_head",
            DraftSource.NGram => "ngram",
            DraftSource.Echo => "echo",
            _ => throw new ArgumentOutOfRangeException(nameof(source)),
        };

    /// <summary>The names of a list; null when it holds another word, or words that contradict each other.</summary>
    public static DraftChoice? Parse(string list)
    {
        var names = list.Split(',');
        return names switch
        {
            ["auto"] => DraftChoice.Auto,
            ["none"] => new DraftChoice(DraftSources.None, IsChain: false),
            _ when Array.TrueForAll(names, name => name is "exit" or "chain" or "ngram") => new DraftChoice(
                (names.Any(name => name is "exit" or "chain") ? DraftSources.ExitHead : 0)
                    | (names.Contains("ngram") ? DraftSources.NGrams : 0),
                names.Contains("chain")
            ),
            _ => null,
        };
    }
}

/// <summary>What --drafts asks for.</summary>
/// <param name="Sources">The sources; null for all there are.</param>
/// <param name="IsChain">True when the exit head drafts as far ahead as it can; false for one token.</param>
internal sealed record DraftChoice(DraftSources? Sources, bool IsChain)
{
    /// <summary>All sources there are.</summary>
    public static DraftChoice Auto { get; } = new(null, IsChain: true);
}
