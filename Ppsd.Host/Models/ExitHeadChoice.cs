using Ppsd.Kernels.Checkpoints.Configuration;

namespace Ppsd.Host.Models;

/// <summary>
/// Chooses among exit heads that were made for one model. The choice depends on the heads alone, so that all nodes of a
/// cluster make the same. Pure.
/// </summary>
internal static class ExitHeadChoice
{
    /// <summary>Kinds, the one that is taken first.</summary>
    private static readonly ExitHeadKind[] Kinds =
    [
        ExitHeadKind.Transformer,
        ExitHeadKind.Chain,
        ExitHeadKind.Mlp,
        ExitHeadKind.Norm,
    ];

    /// <summary>
    /// The heads of the first kind that there is, one for each exit layer: first the one nearest to a quarter of the
    /// model's layers, which is the head that is taken where none is named. Of two equally near ones the shallower comes
    /// first, since it fits pipelines of more stages.
    /// </summary>
    public static IReadOnlyList<ExitHeadConfig> Rank(IReadOnlyList<ExitHeadConfig> heads)
    {
        ArgumentNullException.ThrowIfNull(heads);
        var kind = Kinds.FirstOrDefault(kind => heads.Any(head => head.Kind == kind));
        return
        [
            .. heads
                .Where(head => head.Kind == kind)
                .DistinctBy(head => head.ExitLayer)
                .OrderBy(head => Math.Abs(4 * head.ExitLayer - head.Verifier.LayerCount))
                .ThenBy(head => head.ExitLayer),
        ];
    }
}
