using System.Text.Json.Nodes;

namespace Ppsd.Host.Bench.Paper;

/// <summary>The paper's claims beside what the cells show. Pure.</summary>
internal sealed class PaperClaims(PaperSettings settings, PaperCells cells)
{
    /// <summary>Speed-up over plain decoding on one device if each stage had a core of its own.</summary>
    public static double FreeCores(JsonObject cell) =>
        cell.Number("free_cores_tokens_per_second") / cell.Number("one_device_tokens_per_second");

    /// <summary>The table.</summary>
    public PaperSection Section() =>
        new(
            "Claim of the paper | here",
            "The verdicts are worked out from the tables below.",
            new BenchTable(["claim of the paper", "here", "holds"], [.. Rows()])
        );

    private IEnumerable<IReadOnlyList<string>> Rows()
    {
        var four = cells["replication/ppsd 4 stages"];
        if (four is not null)
        {
            var free = FreeCores(four);
            yield return
            [
                "2.01 to 3.81 times plain decoding",
                Figures.Text(
                    $"E = N/4, 4 stages: {four.Number("speed_up_same_stages"):0.00} over the same stages, {four.Number("speed_up_one_device"):0.00} over one device as measured on {Here}; {free:0.00} over one device with a {settings.Device} for each stage"
                ),
                Verdict(free >= 2.01, four.Number("speed_up_same_stages") >= 2.01),
            ];
        }

        if (cells["replication/ppsd 2 stages"] is { } two)
        {
            yield return
            [
                "about 1.95 times with 2 workers (Vicuna-7B, GSM8K, E = N/4)",
                Figures.Text(
                    $"{two.Number("speed_up_same_stages"):0.00} over the same stages, {FreeCores(two):0.00} over one device with {settings.Free}: the second worker holds three quarters of the layers, so a cycle cannot be shorter than those"
                ),
                FreeCores(two) >= 1.9 ? "yes" : "no",
            ];
        }

        var rivals = cells.Of("replication").Where(cell => cell.Figures.Number("devices") == 1).ToList();
        if (four is not null && rivals.Count > 0)
        {
            var best = rivals.MaxBy(cell => cell.Figures.Number("speed_up_one_device"));
            var (ours, theirs) = (FreeCores(four), best.Figures.Number("speed_up_one_device"));
            yield return
            [
                "faster than EESD, DEL and KNN-SSD",
                Figures.Text(
                    $"{ours:0.00} on 4 devices ({settings.Free}) against {theirs:0.00} on one by {best.Name}, the best of {rivals.Count}; per device {ours / 4:0.00} against {theirs:0.00}"
                ),
                ours > theirs ? "in speed; not per device" : "no",
            ];
        }

        var depths = cells.Of("depth").Select(cell => (E: double.Parse(cell.Name, null), cell.Figures)).ToList();
        if (depths.Count > 1)
        {
            var measured = depths.MaxBy(cell => FreeCores(cell.Figures)).E;
            var byEquation = depths.MaxBy(cell => cell.Figures.Number("equation_7")).E;
            yield return
            [
                "the best exit is N/4",
                Figures.Text(
                    $"{settings.Free} peak at E = {measured:0}, eq. 7 at E = {byEquation:0} of {settings.Assets.Config.LayerCount}, among {string.Join(", ", depths.Select(cell => cell.E).Order())}"
                ),
                measured == settings.Quarter ? "yes" : "no",
            ];
        }

        if (cells["heads/norm"] is { } norm && cells["heads/transformer"] is { } transformer)
        {
            yield return
            [
                "a norm head is quicker and accepted less than a transformer head",
                Figures.Text(
                    $"{norm.Number("exit_head_ms"):0.000} against {transformer.Number("exit_head_ms"):0.000} ms, alpha {norm.Number("alpha"):0.000} against {transformer.Number("alpha"):0.000}; {settings.Free} {FreeCores(norm):0.00} against {FreeCores(transformer):0.00}"
                ),
                norm.Number("exit_head_ms") < transformer.Number("exit_head_ms")
                && norm.Number("alpha") < transformer.Number("alpha")
                    ? "yes"
                    : "no",
            ];
        }

        if (four is not null)
        {
            var slowest = four.Numbers("stage_ms").DefaultIfEmpty(double.NaN).Max();
            var head = HeadAlone() ?? four.Number("exit_head_ms");
            var first = four.Numbers("stage_ms").FirstOrDefault(double.NaN) + head;
            yield return
            [
                "stages of equal layers take equal time, and the head is free",
                Figures.Text(
                    $"stages {four.Texts("stage_ms", 3)} ms, the head {head:0.000}: stage 1 with its head takes {first:0.000}, the slowest without one {slowest:0.000}"
                ),
                first <= slowest * 1.05 ? "yes" : "no: the first stage wants fewer layers, which ppsd plan gives it",
            ];
            yield return
            [
                "hand-over between workers is negligible",
                Figures.Text(
                    $"in one process {four.Number("hop_ms"):0.000} ms a hop, {100 * four.Number("hop_ms") / slowest:0} % of a stage; {Delayed()}"
                ),
                four.Number("hop_ms") < 0.1 * slowest ? "in one process" : "no",
            ];
            yield return
            [
                "rejected drafts cost nothing",
                Figures.Text(
                    $"no time on devices of their own, but work: {100 * four.Number("cancelled_share"):0} % of drafts are cancelled in flight, and devices are busy {four.Shares("busy")} % of the time against {four.Shares("busy_plain")} without drafts{Energy(four)}"
                ),
                four.Number("joules_per_token") < four.Number("same_stages_joules_per_token")
                    ? "in time; in energy they cost less than faster decoding saves"
                    : "in time, not in energy",
            ];
        }

        yield return
        [
            "quality is kept",
            "every text of every cell is compared with plain decoding, token by token",
            new PaperReport(settings, cells).Differing.Count == 0 ? "yes, bit for bit" : "NO",
        ];
    }

    private string Here =>
        settings.IsOnCards
            ? string.Join(", ", settings.Stages.Devices)
            : Figures.Text($"{Environment.ProcessorCount} cores");

    /// <summary>Milliseconds of the head while no other stage takes its card; null where no card is shared.</summary>
    private double? HeadAlone() =>
        settings.IsOnCards
        && cells[$"stages/{settings.Quarter} layers 64 tokens"]?.Number("exit_head_ms") is { } ms
        && !double.IsNaN(ms)
            ? ms
            : null;

    private static string Energy(JsonObject cell) =>
        double.IsNaN(cell.Number("joules_per_token"))
            ? ""
            : Figures.Text(
                $"; {cell.Number("joules_per_token"):0.000} J a token against {cell.Number("same_stages_joules_per_token"):0.000}"
            );

    private string Delayed() =>
        cells["delays/ppsd 50 ms"] is { } slow
            ? Figures.Text(
                $"with 50 ms one way on every link {slow.Number("same_stages_tokens_per_second"):0.0} tokens/s plainly and {slow.Number("tokens_per_second"):0.0} with one draft a cycle"
            )
            : "slow links were not measured in this run";

    private string Verdict(bool free, bool measured) =>
        measured ? "yes"
        : free ? $"with a {settings.Device} for each stage; not on this machine"
        : "no";
}
