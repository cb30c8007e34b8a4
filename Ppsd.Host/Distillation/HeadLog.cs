using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ppsd.Host.Distillation;

/// <summary><c>training.jsonl</c> of a head: a line for each step.</summary>
internal sealed class HeadLog(string path)
{
    private static readonly JsonSerializerOptions _options = new()
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    private readonly List<HeadLogLine> _lines = [];

    /// <summary>All lines.</summary>
    public IReadOnlyList<HeadLogLine> Lines => _lines;

    /// <summary>Reads the lines up to a step and drops later ones, whose steps were not saved.</summary>
    public void Restore(int lastStep)
    {
        if (File.Exists(path))
        {
            _lines.AddRange(
                File.ReadLines(path).Select(Parse).OfType<HeadLogLine>().Where(line => line.Step <= lastStep)
            );
        }

        Rewrite();
    }

    /// <summary>The line; null for one that was half written as the run broke off, whose step was not saved.</summary>
    private static HeadLogLine? Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<HeadLogLine>(line, _options);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Starts anew.</summary>
    public void Clear()
    {
        _lines.Clear();
        Rewrite();
    }

    /// <summary>Adds a line.</summary>
    public void Add(HeadLogLine line)
    {
        _lines.Add(line);
        OutputFolder.Write(path, () => File.AppendAllText(path, JsonSerializer.Serialize(line, _options) + "\n"));
    }

    private void Rewrite() =>
        OutputFolder.Write(
            path,
            () => File.WriteAllLines(path, _lines.Select(line => JsonSerializer.Serialize(line, _options)))
        );
}

/// <summary>Figures of one step.</summary>
internal sealed record HeadLogLine
{
    /// <summary>Step, from 1.</summary>
    public required int Step { get; init; }

    /// <summary>Answer tokens seen, this step's included.</summary>
    public required long AnswerTokens { get; init; }

    /// <summary>Learning rate.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Mean loss of an answer token, in nats, before the update; a chain's first step.</summary>
    public required double Loss { get; init; }

    /// <summary>Share of the batch's answer tokens at which draft and target agree on the most probable token.</summary>
    public required double Acceptance { get; init; }

    /// <summary>Mean of the sum of min(target, draft).</summary>
    public required double Overlap { get; init; }

    /// <summary>Acceptance of each of a chain's steps; absent for other heads.</summary>
    public IReadOnlyList<double>? ChainAcceptance { get; init; }

    /// <summary>All tokens a second, over this step.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>Greedy acceptance on the texts to evaluate on, where the step was followed by an evaluation.</summary>
    public double? EvaluatedGreedy { get; init; }

    /// <summary>Sampled acceptance there.</summary>
    public double? EvaluatedSampled { get; init; }
}
