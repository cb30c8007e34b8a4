using MessagePack;

namespace Ppsd.Actors.Messages;

/// <summary>What became of one source's drafts over all sessions of a draft stage: <see cref="DraftSourceFigures"/> added up.</summary>
/// <param name="Source">The source.</param>
/// <param name="Step">How many tokens ahead of its origin it proposed them, from 0.</param>
/// <param name="Judged">Drafts in flight whose predecessors were right.</param>
/// <param name="Accepted">Those that were right too.</param>
[MessagePackObject]
public sealed record SourceTotals(
    [property: Key(0)] DraftSource Source,
    [property: Key(1)] int Step,
    [property: Key(2)] long Judged,
    [property: Key(3)] long Accepted
)
{
    /// <summary>Totals with a session's figures, by source and step.</summary>
    public static SourceTotals[] Plus(IReadOnlyList<SourceTotals> totals, IReadOnlyList<DraftSourceFigures> session)
    {
        ArgumentNullException.ThrowIfNull(totals);
        ArgumentNullException.ThrowIfNull(session);
        return
        [
            .. totals
                .Concat(session.Select(each => new SourceTotals(each.Source, each.Step, each.Judged, each.Accepted)))
                .GroupBy(each => (each.Source, each.Step))
                .OrderBy(group => group.Key)
                .Select(group => new SourceTotals(
                    group.Key.Source,
                    group.Key.Step,
                    group.Sum(each => each.Judged),
                    group.Sum(each => each.Accepted)
                )),
        ];
    }
}
