using System.Text.Json;
using System.Text.Json.Nodes;

namespace Ppsd.Host.Bench.Paper;

/// <summary>
/// Measurements of a run as JSON lines, a cell each, written as soon as they are there: a run that was broken off goes on with
/// those that are missing.
/// </summary>
internal sealed class PaperCells
{
    private readonly string _path;
    private readonly string _key;
    private readonly Dictionary<string, JsonObject> _cells = [];

    /// <summary>Reads the cells of an earlier run.</summary>
    /// <param name="folder">The run's folder; made if it is not there.</param>
    /// <param name="key">Settings that cells must have been measured with.</param>
    /// <exception cref="UserErrorException">The file cannot be read.</exception>
    public PaperCells(string folder, string key)
    {
        _path = Path.Combine(folder, "cells.jsonl");
        _key = key;
        try
        {
            Directory.CreateDirectory(folder);
            foreach (var line in File.Exists(_path) ? File.ReadAllLines(_path) : [])
            {
                // The last line of a run that was killed may be cut off.
                if (TryRead(line) is { } cell && (string?)cell["settings"] == key)
                {
                    _cells[(string)cell["cell"]!] = cell;
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"--out: {_path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>A cell's figures; null where it was not measured.</summary>
    public JsonObject? this[string cell] => _cells.GetValueOrDefault(cell);

    /// <summary>Cells whose names begin alike, in the order of measurement.</summary>
    public IEnumerable<(string Name, JsonObject Figures)> Of(string experiment) =>
        _cells
            .Where(cell => cell.Key.StartsWith(experiment + "/", StringComparison.Ordinal))
            .Select(cell => (cell.Key[(experiment.Length + 1)..], cell.Value));

    /// <summary>Keeps a cell.</summary>
    public void Add(string name, JsonObject figures)
    {
        figures["cell"] = name;
        figures["settings"] = _key;
        try
        {
            // A line that was cut off has no line end, so one is written first.
            File.AppendAllText(_path, $"{(EndsInTheMiddle() ? "\n" : "")}{Figures.Line(figures)}\n");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"--out: {_path} cannot be written: {e.Message}", e);
        }

        _cells[name] = figures;
    }

    private bool EndsInTheMiddle()
    {
        if (!File.Exists(_path))
        {
            return false;
        }

        using var file = File.OpenRead(_path);
        file.Seek(-Math.Min(1, file.Length), SeekOrigin.End);
        return file.ReadByte() is not ('\n' or -1);
    }

    private static JsonObject? TryRead(string line)
    {
        try
        {
            return JsonNode.Parse(line) is JsonObject cell && cell["cell"] is not null ? cell : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
