using System.Text.Json.Nodes;
using Ppsd.Actors.Messages;
using Ppsd.Host.Generation;

namespace Ppsd.Host.Bench;

/// <summary>
/// Acceptance by source and step, as a report has it: of drafts, siblings one by one, and of their places. Pure.
/// </summary>
internal static class SourceTable
{
    /// <summary>The table.</summary>
    public static BenchTable Of(IEnumerable<DraftSourceFigures> sources) =>
        new(
            ["source", "step", "judged", "accepted", "rate", "places", "rate of places"],
            [
                .. sources.Select(figures =>
                    (IReadOnlyList<string>)
                        [
                            DraftNames.KeyOf(figures.Source),
                            BenchReport.Invariant($"{figures.Step}"),
                            BenchReport.Invariant($"{figures.Judged}"),
                            BenchReport.Invariant($"{figures.Accepted}"),
                            BenchReport.Invariant($"{figures.AcceptanceRate:0.000}"),
                            BenchReport.Invariant($"{figures.Places}"),
                            BenchReport.Invariant($"{figures.PlaceAcceptanceRate:0.000}"),
                        ]
                ),
            ]
        );

    /// <summary>The same as JSON.</summary>
    public static JsonArray Json(IEnumerable<DraftSourceFigures> sources) =>
        new([
            .. sources.Select(figures => new JsonObject
            {
                ["source"] = DraftNames.KeyOf(figures.Source),
                ["step"] = figures.Step,
                ["judged"] = figures.Judged,
                ["accepted"] = figures.Accepted,
                ["rate"] = Math.Round(figures.AcceptanceRate, 4),
                ["places"] = figures.Places,
                ["place_rate"] = Math.Round(figures.PlaceAcceptanceRate, 4),
            }),
        ]);
}
