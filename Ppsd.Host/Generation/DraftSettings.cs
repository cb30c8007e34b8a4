using Ppsd.Actors.Messages;
using Ppsd.Host.Models;
using Ppsd.Kernels.Checkpoints.Configuration;

namespace Ppsd.Host.Generation;

/// <summary>What drafts for a text and how far, wherever it is asked for: command line, HTTP or client app. Pure.</summary>
/// <param name="Sources">What drafts.</param>
/// <param name="MaxWidth">Most candidates of a micro-batch; 0 to leave it to the pipeline.</param>
/// <param name="ChainDepth">Most tokens a chain head drafts ahead; 0 for the usual number.</param>
internal sealed record DraftSettings(DraftSources Sources, int MaxWidth = 0, int ChainDepth = 0)
{
    /// <summary>Largest width that can be asked for.</summary>
    public const int MostWidth = 16;

    /// <summary>Largest depth that can be asked for.</summary>
    public const int MostDepth = 6;

    /// <summary>
    /// What drafts where nobody says: all sources there are. The pipeline uses each only where its measured costs and the
    /// session's acceptance say that it pays.
    /// </summary>
    public static DraftSettings Usual(ModelAssets assets) => new(SourcesOf(assets));

    /// <summary>All sources there are.</summary>
    public static DraftSources SourcesOf(ModelAssets assets) =>
        DraftSources.NGrams | (assets.ExitHead is null ? DraftSources.None : DraftSources.ExitHead);

    /// <summary>These settings, or with all sources there are where they have none: for whoever asks to speculate.</summary>
    public DraftSettings OrAll(ModelAssets assets) =>
        Sources == DraftSources.None ? this with { Sources = SourcesOf(assets) } : this;

    /// <summary>Puts a request's wishes in place of a server's.</summary>
    /// <param name="choice">What it wants to draft with; null to leave that.</param>
    /// <param name="maxWidth">The width it wants; null to leave that.</param>
    /// <param name="chainDepth">The depth it wants; null to leave that.</param>
    /// <exception cref="DraftMisfitException">The model cannot draft so.</exception>
    public DraftSettings With(DraftChoice? choice, int? maxWidth, int? chainDepth, ModelAssets assets)
    {
        var sources = choice is null ? Sources : choice.Sources ?? SourcesOf(assets);
        if ((sources & DraftSources.ExitHead) != 0 && assets.ExitHead is null)
        {
            throw new DraftMisfitException(
                isDepth: false,
                $"no exit head was made for the weights of {assets.Folder}; give one with --exit-head, or decode autoregressively"
            );
        }

        // One token ahead is what the name says, unless a depth is asked for as well.
        var depth =
            chainDepth
            ?? (
                choice is null ? ChainDepth
                : choice.IsChain ? 0
                : 1
            );
        if (chainDepth is not null && (sources & DraftSources.ExitHead) == 0)
        {
            throw new DraftMisfitException(
                isDepth: true,
                $"expected an exit head among the sources, found {DraftNames.Of(sources)}"
            );
        }

        return chainDepth is null or 1 || assets.ExitHead!.Kind == ExitHeadKind.Chain
            ? new DraftSettings(sources, maxWidth ?? MaxWidth, depth)
            : throw new DraftMisfitException(
                isDepth: true,
                $"expected 1, because the exit head is no chain and drafts one token ahead, found {chainDepth}"
            );
    }
}

/// <summary>A model cannot draft as it was asked to. Its message says what was expected, without naming the field.</summary>
/// <param name="isDepth">True when the depth is at fault, false when the sources are.</param>
internal sealed class DraftMisfitException(bool isDepth, string message) : Exception(message)
{
    /// <summary>True when the depth is at fault, false when the sources are.</summary>
    public bool IsDepth { get; } = isDepth;
}
