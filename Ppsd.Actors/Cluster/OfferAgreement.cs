using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Cluster;

/// <summary>
/// Which offered nodes may be stages of one pipeline: those that hold the same model and compute alike, as the text would depend on
/// which of them got which layers. Pure.
/// </summary>
internal static class OfferAgreement
{
    /// <summary>The offer that others are measured by: of those that most others agree with the first; null for none.</summary>
    public static StageOffered? Reference(IReadOnlyList<StageOffered> offers) =>
        offers.MaxBy(candidate => offers.Count(offer => Difference(candidate, offer) is null));

    /// <summary>What an offered node differs in; null when it may be in a pipeline with the reference.</summary>
    /// <returns>A phrase that goes on "the node has".</returns>
    public static string? Difference(StageOffered reference, StageOffered offer)
    {
        if (offer.ModelFingerprint != reference.ModelFingerprint || offer.LayerCount != reference.LayerCount)
        {
            return $"another model: {Name(offer)}, the others {Name(reference)}";
        }

        foreach (var setting in offer.Arithmetic)
        {
            var name = setting[..(setting.IndexOf('=', StringComparison.Ordinal) + 1)];
            var expected = Array.Find(reference.Arithmetic, other => other.StartsWith(name, StringComparison.Ordinal));
            if (expected is not null && expected != setting)
            {
                return $"--{setting.Replace('=', ' ')}, the others --{expected.Replace('=', ' ')}";
            }
        }

        return null;
    }

    private static string Name(StageOffered offer) =>
        $"{offer.ModelFingerprint[..Math.Min(12, offer.ModelFingerprint.Length)]} of {offer.LayerCount} layers";
}
