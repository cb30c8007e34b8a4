using MessagePack;

namespace Ppsd.Actors.Messages;

/// <summary>What may propose tokens for a session, several together. The text is the same whatever they are.</summary>
[Flags]
public enum DraftSources
{
    /// <summary>Nothing: autoregressive decoding, one token at a time through all stages; exit heads do not run.</summary>
    None = 0,

    /// <summary>The pipeline's exit head, a chain or not: PPSD (arXiv 2509.19368).</summary>
    ExitHead = 1,

    /// <summary>What followed the same tokens earlier in the prompt and the text; needs no exit head.</summary>
    NGrams = 2,
}

/// <summary>What proposed a token.</summary>
public enum DraftSource
{
    /// <summary>A stage's exit head, a chain or not.</summary>
    ExitHead,

    /// <summary>The session's own text: what followed the same tokens before.</summary>
    NGram,

    /// <summary>Drafts of a rejected run, proposed again behind the token that the target chose instead.</summary>
    Echo,
}

/// <summary>What became of one source's drafts, those that entered for one of its steps, that the target judged.</summary>
/// <param name="Step">How many tokens ahead of its origin it proposed them, from 0.</param>
/// <param name="Judged">Drafts in flight whose predecessors were right, siblings one by one.</param>
/// <param name="Accepted">Those that were right too: at most one of siblings.</param>
[MessagePackObject]
public sealed record DraftSourceFigures(
    [property: Key(0)] DraftSource Source,
    [property: Key(1)] int Step,
    [property: Key(2)] int Judged,
    [property: Key(3)] int Accepted
)
{
    /// <summary>Positions of the judged drafts: siblings share one. 0 from nodes of older versions.</summary>
    [Key(4)]
    public int Places { get; init; }

    /// <summary>Share of the drafts that was right.</summary>
    [IgnoreMember]
    public double AcceptanceRate => Judged == 0 ? 0 : (double)Accepted / Judged;

    /// <summary>Share of the positions at which one of the siblings was right.</summary>
    [IgnoreMember]
    public double PlaceAcceptanceRate => Places == 0 ? 0 : (double)Accepted / Places;

    /// <summary>Figures of several sessions added up by source and step, in that order.</summary>
    public static DraftSourceFigures[] Sum(IEnumerable<DraftSourceFigures> figures) =>
        [
            .. figures
                .GroupBy(each => (each.Source, each.Step))
                .OrderBy(group => group.Key)
                .Select(group => new DraftSourceFigures(
                    group.Key.Source,
                    group.Key.Step,
                    group.Sum(each => each.Judged),
                    group.Sum(each => each.Accepted)
                )
                {
                    Places = group.Sum(each => each.Places),
                }),
        ];
}
