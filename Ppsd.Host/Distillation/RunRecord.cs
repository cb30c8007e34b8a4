using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Ppsd.Host.Models;

namespace Ppsd.Host.Distillation;

/// <summary>
/// Settings that a run's results depend on, kept beside its saves, because continuing with other settings would mix two runs.
/// </summary>
internal static class RunRecord
{
    private const string None = "none";

    private static readonly string[] _files = ["--data", "--eval-data"];

    private static readonly JsonSerializerOptions _indented = new() { WriteIndented = true };

    /// <summary>Those settings, by the name of their option.</summary>
    public static Dictionary<string, string> Of(DistillSettings settings, ModelAssets assets, int steps, int length) =>
        new()
        {
            ["--model"] = assets.Fingerprint,
            ["--exit-layer, --head, --layers, --depth"] = string.Join(
                "; ",
                settings.Heads.Select(head => $"{head.Name}, {head.LayerCount} layers, depth {head.Depth}")
            ),
            ["--draft-vocabulary"] = settings.DraftVocabulary == 0 ? None : Text(settings.DraftVocabulary),
            ["--data"] = settings.DataPath is { } data ? HashOf(data) : None,
            ["--eval-data"] = settings.EvaluationPath is { } texts ? HashOf(texts) : None,
            ["--held-out"] = Text(settings.HeldOut),
            ["--self-written"] = Text(settings.SelfWritten),
            ["--steps"] = Text(steps),
            ["--batch-tokens"] = Text(settings.BatchTokens),
            ["--sequence-length"] = Text(length),
            ["--learning-rate"] = settings.LearningRate.ToString("R", CultureInfo.InvariantCulture),
            ["--warmup"] = settings.WarmupSteps is { } warmup ? Text(warmup) : "default",
            ["--weight-decay"] = settings.WeightDecay.ToString("R", CultureInfo.InvariantCulture),
            ["--teacher-top-k"] = settings.TeacherTokens == 0 ? "all" : Text(settings.TeacherTokens),
            ["--loss"] = HeadReport.LossName(settings),
            ["--start"] = settings.Start.ToString(),
            ["--seed"] = Text(settings.Seed),
            ["--rope-frequencies"] = settings.RopeFrequencies.ToString(),
        };

    /// <summary>Writes the record.</summary>
    public static void Write(string path, Dictionary<string, string> record) =>
        File.WriteAllText(path, JsonSerializer.Serialize(record, _indented));

    /// <summary>Refuses to continue with other settings than the run had.</summary>
    /// <exception cref="UserErrorException">There is no run, or a setting differs; the message names the first one that does.</exception>
    public static void RequireSame(string path, Dictionary<string, string> record)
    {
        if (!File.Exists(path))
        {
            throw new UserErrorException($"--resume: expected a run to go on with, found no {path}");
        }

        Dictionary<string, string> kept;
        try
        {
            kept =
                JsonSerializer.Deserialize<Dictionary<string, string>>(File.ReadAllText(path))
                ?? throw new JsonException();
        }
        catch (JsonException e)
        {
            throw new UserErrorException($"--resume: {path}: expected the record of a run, found something else", e);
        }

        foreach (var (name, value) in record)
        {
            var before = kept.GetValueOrDefault(name, None);
            if (before == value)
            {
                continue;
            }

            // The record has the hash of a file, which says nothing to people.
            throw new UserErrorException(
                _files.Contains(name) && before != None && value != None
                    ? $"{name}: expected the file that the run to resume had, found another content: the file has changed since, or is another one"
                    : $"{name}: expected {(_files.Contains(name) && before != None ? "a file" : before)} as the run to resume has, found {(_files.Contains(name) && value != None ? "one" : value)}"
            );
        }
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string HashOf(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }
}
