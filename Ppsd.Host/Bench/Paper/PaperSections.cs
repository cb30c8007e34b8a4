using System.Text.Json.Nodes;

namespace Ppsd.Host.Bench.Paper;

/// <summary>Makes the report's sections from the measured cells. Pure.</summary>
internal sealed class PaperSections(PaperSettings settings, PaperCells cells)
{
    private int Layers => settings.Assets.Config.LayerCount;

    /// <summary>True where the devices count what they take.</summary>
    private bool HasEnergy =>
        cells.Of("replication").Any(cell => !double.IsNaN(cell.Figures.Number("joules_per_token")));

    /// <summary>All of them.</summary>
    public IReadOnlyList<PaperSection> All() =>
        [
            new PaperClaims(settings, cells).Section(),
            Replication(),
            Depth(),
            Heads(),
            StageTimes(),
            new PaperDelays(cells).Section(),
            .. Tasks(),
            Lengths(),
            IdleAndDoomed(),
            NotMeasured(),
        ];

    private PaperSection Replication() =>
        new(
            "1. Replication",
            "tokens/s as measured: rivals and the one device on one thread or card, pipelines with as many as stages, which share this machine. "
                + (
                    settings.IsOnCards
                        ? "Own cards: what a card for each stage would give. Where stages share one, lock-step timed by the costs of the stages, measured one at a time; else as for cores: "
                        : "Free cores: "
                )
                + $"cycles counted in lock-step times the slowest stage's step (its head included) as measured, what a {settings.Device} for each stage would give. "
                + "Speed-ups are of the same rounds; over one device, plain decoding of the whole model there, measured right after."
                + (
                    HasEnergy
                        ? " J: energy of all devices for a token, by their own counters over two seconds or more, with what they take when idle; beside it that of plain decoding."
                        : ""
                ),
            new BenchTable(
                [
                    "method",
                    "devices",
                    "tokens/s",
                    "over one device",
                    "over the same stages",
                    $"tokens/s, {settings.Free}",
                    $"{settings.Free} over one device",
                    $"{settings.Free}, per device",
                    "alpha",
                    "tokens a run",
                    .. HasEnergy ? (string[])["J a token", "plain, same stages", "plain, one device"] : [],
                ],
                [.. cells.Of("replication").Select(cell => ReplicationRow(cell.Name, cell.Figures))]
            )
        );

    private IReadOnlyList<string> ReplicationRow(string name, JsonObject cell)
    {
        var devices = cell.Number("devices");
        var one = cell.Number("one_device_tokens_per_second");
        var free = double.IsNaN(cell.Number("free_cores_tokens_per_second"))
            ? cell.Number("tokens_per_second")
            : cell.Number("free_cores_tokens_per_second");
        return
        [
            name,
            cell.Text("devices", 0),
            cell.Text("tokens_per_second", 0),
            cell.Text("speed_up_one_device", 2),
            cell.Text("speed_up_same_stages", 2),
            PaperFigures.Format(free, 0),
            PaperFigures.Format(free / one, 2),
            PaperFigures.Format(free / one / devices, 2),
            cell.Text("alpha", 3),
            cell.Text("tokens_per_run", 1),
            .. HasEnergy
                ? (string[])
                    [
                        cell.Text("joules_per_token", 3),
                        cell.Text("same_stages_joules_per_token", 3),
                        cell.Text("one_device_joules_per_token", 3),
                    ]
                : [],
        ];
    }

    private PaperSection Depth()
    {
        var depths = cells
            .Of("depth")
            .Select(cell => (E: double.Parse(cell.Name, null), cell.Figures))
            .OrderBy(cell => cell.E)
            .ToList();
        double[] at = [.. depths.Select(cell => cell.E)];
        return new PaperSection(
            "2. Exit depth",
            $"⌈N/E⌉ stages for N = {Layers} layers, a transformer head distilled for each E; depths without a head are left out. Eq. 7 is the paper's bound at the acceptance measured.",
            new BenchTable(
                [
                    "E",
                    "E/N",
                    "stages",
                    "alpha",
                    "over the same stages",
                    "eq. 7",
                    "lock-step",
                    $"{settings.Free} over one device",
                    "per device",
                ],
                [
                    .. depths.Select(cell =>
                        (IReadOnlyList<string>)
                            [
                                PaperFigures.Format(cell.E, 0),
                                PaperFigures.Format(cell.E / Layers, 3),
                                cell.Figures.Text("devices", 0),
                                cell.Figures.Text("alpha", 3),
                                cell.Figures.Text("speed_up_same_stages", 2),
                                cell.Figures.Text("equation_7", 2),
                                cell.Figures.Text("lock_step_speed_up", 2),
                                PaperFigures.Format(PaperClaims.FreeCores(cell.Figures), 2),
                                PaperFigures.Format(
                                    PaperClaims.FreeCores(cell.Figures) / cell.Figures.Number("devices"),
                                    2
                                ),
                            ]
                    ),
                ]
            ),
            depths.Count < 2
                ? null
                : (
                    "paper-depth.png",
                    new BenchPlot(
                        "Acceptance and speed-up by exit depth",
                        "exit layer",
                        "speed-up; acceptance",
                        [
                            new PlotSeries("alpha", at, [.. depths.Select(cell => cell.Figures.Number("alpha"))]),
                            new PlotSeries("eq. 7", at, [.. depths.Select(cell => cell.Figures.Number("equation_7"))]),
                            new PlotSeries(
                                $"{settings.Free} over one device",
                                at,
                                [.. depths.Select(cell => PaperClaims.FreeCores(cell.Figures))]
                            ),
                            new PlotSeries(
                                "measured, same stages",
                                at,
                                [.. depths.Select(cell => cell.Figures.Number("speed_up_same_stages"))]
                            ),
                        ]
                    )
                )
        );
    }

    private PaperSection Heads() =>
        new(
            "3. Heads",
            $"Four stages, exit after {settings.Quarter} layers; kinds without a head are left out. The chain drafts several tokens ahead, eight rows a micro-batch.",
            new BenchTable(
                ["head", "ms a step", "alpha", "over the same stages", $"{settings.Free} over one device"],
                [
                    .. cells
                        .Of("heads")
                        .Select(cell =>
                            (IReadOnlyList<string>)
                                [
                                    cell.Name,
                                    cell.Figures.Text("exit_head_ms", 3),
                                    cell.Figures.Text("alpha", 3),
                                    cell.Figures.Text("speed_up_same_stages", 2),
                                    PaperFigures.Format(PaperClaims.FreeCores(cell.Figures), 2),
                                ]
                        ),
                ]
            )
        );

    private PaperSection StageTimes() =>
        new(
            "4a. Stage times",
            "One candidate behind a text of some length: the layers before an exit, its head, and the rest of the model.",
            new BenchTable(
                ["E", "tokens before", "layers before, ms", "exit head, ms", "layers after, ms", "target head, ms"],
                [
                    .. cells
                        .Of("stages")
                        .Select(cell =>
                            (IReadOnlyList<string>)
                                [
                                    cell.Figures.Text("layers", 0),
                                    cell.Figures.Text("tokens", 0),
                                    cell.Figures.Text("first_ms", 3),
                                    cell.Figures.Text("exit_head_ms", 3),
                                    cell.Figures.Text("rest_ms", 3),
                                    cell.Figures.Text("target_head_ms", 3),
                                ]
                        ),
                ]
            )
        );

    private IEnumerable<PaperSection> Tasks()
    {
        var read = cells.Of("tasks").Select(cell => (Key: cell.Name.Split(' '), cell.Figures)).ToList();
        if (read.Count == 0)
        {
            yield break;
        }

        var columns = read.Select(cell => (Depth: cell.Key[0], Temperature: cell.Key[3])).Distinct().ToList();
        yield return new PaperSection(
            "4c. Acceptance by task, temperature and depth",
            "Lock-step, three prompts a task, acceptance of the exit head's drafts; the columns are exit layer and temperature. What a model was not trained on it repeats, which is easy to draft: quoting shows what a text's own repetition gives.",
            new BenchTable(
                ["task", .. columns.Select(column => $"E = {column.Depth}, {column.Temperature}")],
                [
                    .. read.Select(cell => cell.Key[2])
                        .Distinct()
                        .Select(task =>
                            (IReadOnlyList<string>)
                                [
                                    task,
                                    .. columns.Select(column =>
                                        read.Find(cell =>
                                            cell.Key[0] == column.Depth
                                            && cell.Key[2] == task
                                            && cell.Key[3] == column.Temperature
                                        )
                                            is { Figures: { } figures }
                                            ? figures.Text("alpha", 3)
                                            : Figures.Absent
                                    ),
                                ]
                        ),
                ]
            )
        );
    }

    private PaperSection Lengths() =>
        new(
            "4d. Acceptance by length of the prompt",
            "Lock-step, one to eight questions one behind the other.",
            new BenchTable(
                ["prompt", "tokens", "alpha", "lock-step speed-up"],
                [
                    .. cells
                        .Of("lengths")
                        .Select(cell =>
                            (IReadOnlyList<string>)
                                [
                                    cell.Name,
                                    cell.Figures.Text("prompt_tokens", 0),
                                    cell.Figures.Text("alpha", 3),
                                    cell.Figures.Text("speed_up", 2),
                                ]
                        ),
                ]
            )
        );

    private PaperSection IdleAndDoomed() =>
        new(
            "5. What reviewers asked: idle and doomed work, cost by device, the head apart",
            "Shares in percent, stage by stage. Busy: time on micro-batches over the wall clock, doomed ones included; stages of one machine wait for cores. Doomed: steps that a cancel reached before they were done. Cancelled: drafts in flight that a rejection dropped.",
            new BenchTable(
                [
                    "pipeline",
                    "busy, plain",
                    "busy, drafts",
                    "doomed steps",
                    "cancelled drafts",
                    "stage, ms",
                    "stage together, ms",
                    "exit head, ms",
                    "hop, ms",
                ],
                [
                    .. cells
                        .Of("replication")
                        .Where(cell => cell.Figures["busy"] is not null)
                        .Select(cell =>
                            (IReadOnlyList<string>)
                                [
                                    cell.Name,
                                    cell.Figures.Shares("busy_plain"),
                                    cell.Figures.Shares("busy"),
                                    cell.Figures.Shares("doomed"),
                                    PaperFigures.Format(cell.Figures.Number("cancelled_share") * 100, 0),
                                    cell.Figures.Texts("stage_ms", 3),
                                    cell.Figures.Texts("stage_ms_together", 3),
                                    cell.Figures.Text("exit_head_ms", 3),
                                    cell.Figures.Text("hop_ms", 3),
                                ]
                        ),
                ]
            )
        );

    private PaperSection NotMeasured() =>
        new(
            "Not measured",
            "Tensor parallelism on the same devices and EAGLE-class heads (trees on the last hidden state): neither is built here. "
                + (HasEnergy ? "" : "Energy: these devices do not count what they take. ")
                + "The paper's own models (Vicuna-7B and 13B, LLaMA-2-13B and 70B) and its code, which is not published.",
            new BenchTable([], [])
        );
}
