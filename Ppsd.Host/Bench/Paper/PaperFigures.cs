using System.Text.Json.Nodes;

namespace Ppsd.Host.Bench.Paper;

/// <summary>Figures of cells as text. A figure that a cell lacks is absent. Pure.</summary>
internal static class PaperFigures
{
    /// <summary>A number; NaN where there is none.</summary>
    public static double Number(this JsonObject cell, string name) =>
        cell[name] is JsonValue value && value.TryGetValue<double>(out var number) ? number
        : cell[name] is JsonValue whole && whole.TryGetValue<int>(out var count) ? count
        : double.NaN;

    /// <summary>Numbers; none where there are none.</summary>
    public static IReadOnlyList<double> Numbers(this JsonObject cell, string name) =>
        cell[name] is JsonArray list
            ?
            [
                .. list.Select(value =>
                    value is JsonValue number && number.TryGetValue<double>(out var read) ? read : double.NaN
                ),
            ]
            : [];

    /// <summary>A number with this many decimals.</summary>
    public static string Text(this JsonObject cell, string name, int digits) => Format(cell.Number(name), digits);

    /// <summary>Numbers with this many decimals, separated by commas.</summary>
    public static string Texts(this JsonObject cell, string name, int digits) =>
        string.Join(", ", cell.Numbers(name).Select(value => Format(value, digits)));

    /// <summary>Shares in percent, separated by commas.</summary>
    public static string Shares(this JsonObject cell, string name) =>
        string.Join(", ", cell.Numbers(name).Select(value => Figures.Text($"{value * 100:0}")));

    /// <summary>Text that is the same in every culture.</summary>
    public static string Format(double value, int digits) =>
        digits switch
        {
            0 => Figures.Text($"{value:N0}"),
            1 => Figures.Text($"{value:0.0}"),
            2 => Figures.Text($"{value:0.00}"),
            _ => Figures.Text($"{value:0.000}"),
        };
}
