using System.Globalization;
using Akka.Actor;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Snapshots;
using Spectre.Console;
using Spectre.Console.Rendering;
using PlainText = Spectre.Console.Text;

namespace Ppsd.Host.Terminal;

/// <summary>A cluster for people: its pipeline in a line, its stages and its members in tables.</summary>
internal static class ClusterView
{
    private const int BarCells = 10;
    private const int WidthForBars = 100;
    private const string Unknown = "-";

    /// <summary>Columns of the stage table; some are hidden on narrow terminals.</summary>
    private static readonly StageColumn[] _columns =
    [
        new("stage", 0, look => Plain($"{look.Stage.Stage.Number}")),
        new("node", 0, look => Plain(Short(look.Stage.Address))),
        new("layers", 0, look => Plain(Layers(look.Stage.Description))),
        new("device", 88, look => Plain(DeviceName(look.Stage.Description))),
        new("busy", 0, Busy, IsNumber: true),
        new("queue", 0, look => Plain(look.Stage.Status?.QueueLength), IsNumber: true),
        new("sess.", 0, look => Plain(look.Stage.Status?.OpenSessions), IsNumber: true),
        new(
            "pages",
            0,
            look => Plain(look.Stage.Status is { } s ? $"{s.UsedPages}/{look.Stage.Description.PageCount}" : Unknown),
            IsNumber: true
        ),
        new("weights", 118, look => Plain(Mebibytes(look.Stage.Description.WeightBytes)), IsNumber: true),
        new(
            "process",
            108,
            look => Plain(look.Stage.Status is { } s ? Mebibytes(s.HostMemoryBytes) : Unknown),
            IsNumber: true
        ),
        new(
            "link",
            0,
            look => Plain(look.Stage.Status?.LinkRoundTripMs is { } ms ? Invariant($"{ms:0.00} ms") : Unknown),
            IsNumber: true
        ),
    ];

    /// <summary>The whole view.</summary>
    /// <param name="rates">What happened since the look before.</param>
    /// <param name="columns">Columns of the terminal; null for lines without borders, bars and colours.</param>
    /// <param name="showsKeys">True to say how to leave.</param>
    public static IRenderable Whole(ClusterSnapshot snapshot, SnapshotRates rates, int? columns, bool showsKeys = false)
    {
        var rows = new List<IRenderable> { Headline(snapshot), new PlainText(Totals(snapshot, rates)) };
        if (snapshot.Stages.Count > 0)
        {
            rows.Add(Stages(snapshot, rates, columns));
        }

        rows.Add(Members(snapshot, columns));
        if (showsKeys)
        {
            rows.Add(new Markup(Invariant($"[grey]{snapshot.TakenAt.ToLocalTime():HH:mm:ss}   q quits[/]")));
        }

        return new Rows(rows);
    }

    /// <summary>The pipeline's doings in one line.</summary>
    public static string Line(ClusterSnapshot snapshot, SnapshotRates rates)
    {
        var time = Invariant($"{snapshot.TakenAt.ToLocalTime():HH:mm:ss}");
        return snapshot.IsFormed
            ? $"{time}  {Totals(snapshot, rates)}; busy {string.Join(' ', rates.BusyShares.Select(Percent))}"
            : $"{time}  {snapshot.Explanation}";
    }

    private static Markup Headline(ClusterSnapshot snapshot) =>
        new(
            $"[{(snapshot switch { { IsAdmitting: true } => "green", { IsFormed: true } => "yellow", _ => "red" })}]●[/] {Markup.Escape(snapshot.Explanation)}"
        );

    private static string Totals(ClusterSnapshot snapshot, SnapshotRates rates)
    {
        var sessions = snapshot.Sessions;
        return Invariant(
            $"{Number(rates.TokensPerSecond, "N0")} tokens/s, alpha {Number(rates.AcceptanceRate, "0.00")}, {sessions?.Running ?? 0} sessions running, {sessions?.Waiting ?? 0} waiting, {sessions?.Ended ?? 0} ended"
        );
    }

    private static Table Stages(ClusterSnapshot snapshot, SnapshotRates rates, int? columns)
    {
        var table = Bordered(columns);
        var shown = _columns.Where(column => column.FromWidth <= (columns ?? int.MaxValue)).ToList();
        foreach (var column in shown)
        {
            var added = new TableColumn(column.Heading).NoWrap().Padding(0, 0, 1, 0);
            table.AddColumn(column.IsNumber ? added.RightAligned() : added);
        }

        for (var i = 0; i < snapshot.Stages.Count; i++)
        {
            var look = new StageLook(snapshot.Stages[i], rates.BusyShares[i], columns);
            table.AddRow(shown.Select(column => column.Cell(look)));
        }

        return table;
    }

    private static Table Members(ClusterSnapshot snapshot, int? columns)
    {
        var table = Bordered(columns);
        foreach (var heading in (string[])["member", "roles", "status"])
        {
            table.AddColumn(new TableColumn(heading).NoWrap());
        }

        // The observer is a member too, but is left out.
        foreach (var member in snapshot.Members.Where(member => !member.IsSelf || snapshot.Members.Count == 1))
        {
            var roles = member.Roles.Select(role =>
                member.IsCoordinator && role == "coordinator" ? "coordinator (active)" : role
            );
            table.AddRow(
                new PlainText(Short(member.Address)),
                new PlainText(string.Join(", ", roles)),
                member.IsReachable ? new PlainText(member.Status) : new Markup("[red]unreachable[/]")
            );
        }

        return table;
    }

    private static Table Bordered(int? columns) =>
        new() { Border = columns is null ? TableBorder.None : TableBorder.Simple, BorderStyle = new Style(Color.Grey) };

    private static IRenderable Busy(StageLook look)
    {
        if (look.Stage.Status is null)
        {
            return new Markup("[red]silent[/]");
        }

        if (look.Columns is null or < WidthForBars || look.BusyShare is not { } share)
        {
            return Plain(Percent(look.BusyShare));
        }

        var full = (int)Math.Round(Math.Clamp(share, 0, 1) * BarCells);
        return new Markup(
            $"[green]{new string('█', full)}[/][grey]{new string('░', BarCells - full)}[/] {Percent(share), 5}"
        );
    }

    private static string Layers(StageDescription stage) =>
        $"{stage.FirstLayer + 1}-{stage.FirstLayer + stage.LayerCount}"
        + (stage.HasExitHead ? " +exit" : "")
        + (stage.HasTargetHead ? " +target" : "");

    /// <summary>The name before the words: cpu, cuda:0.</summary>
    private static string DeviceName(StageDescription stage) => stage.Device.Split(": ")[0];

    private static PlainText Plain(string text) => new(text);

    private static PlainText Plain(int? number) => new(number?.ToString(CultureInfo.InvariantCulture) ?? Unknown);

    private static string Percent(double? share) => share is null ? Unknown : Invariant($"{100 * share:0} %");

    private static string Number(double? value, string format) =>
        value?.ToString(format, CultureInfo.InvariantCulture) ?? Unknown;

    private static string Mebibytes(long bytes) => Invariant($"{bytes / 1048576.0:N0} MiB");

    /// <summary>HOST:PORT, as people give addresses.</summary>
    private static string Short(string address) =>
        Address.TryParse(address, out var parsed) && parsed.Host is not null
            ? $"{parsed.Host}:{parsed.Port}"
            : "this process";

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>A stage as a look saw it.</summary>
    private sealed record StageLook(StageSnapshot Stage, double? BusyShare, int? Columns);

    /// <summary>A column, shown on terminals of at least this width.</summary>
    private sealed record StageColumn(
        string Heading,
        int FromWidth,
        Func<StageLook, IRenderable> Cell,
        bool IsNumber = false
    );
}
