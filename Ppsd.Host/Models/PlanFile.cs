using System.Text.Json;
using System.Text.Json.Serialization;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Models;

/// <summary>
/// A plan as <c>ppsd plan</c> writes it and <c>stage</c>, <c>generate</c> and <c>bench</c> read it: the cut, the exit head
/// and what they should give. It belongs to one model, down to the weights.
/// </summary>
internal sealed record PlanFile
{
    private const int CurrentFormat = 1;
    private const string UsualOption = "--plan";

    /// <summary>Version of this layout.</summary>
    public required int Format { get; init; } = CurrentFormat;

    /// <summary>The model, for people.</summary>
    public required string Model { get; init; }

    /// <summary>Fingerprint of its weights.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>How its weights are made up; null for a model folder.</summary>
    public SyntheticModel? Synthetic { get; init; }

    /// <summary>Layers of each stage.</summary>
    public required IReadOnlyList<int> StageLayers { get; init; }

    /// <summary>Folder of the exit head; null for a synthetic model, or without one.</summary>
    public string? ExitHead { get; init; }

    /// <summary>What was measured and predicted.</summary>
    public required PlanPrediction Prediction { get; init; }

    /// <summary>What rows, chains and hops cost the plan's stages; null in plans of older versions.</summary>
    public PlanCosts? Costs { get; init; }

    /// <summary>A plan to be written.</summary>
    public static PlanFile For(
        ModelAssets assets,
        IReadOnlyList<int> stageLayers,
        string? exitHeadFolder,
        PlanPrediction prediction,
        PlanCosts? costs = null
    ) =>
        new()
        {
            Format = CurrentFormat,
            Model = assets.Name,
            Fingerprint = assets.Fingerprint,
            Synthetic = assets.Synthetic,
            StageLayers = stageLayers,
            ExitHead = exitHeadFolder,
            Prediction = prediction,
            Costs = costs,
        };

    /// <summary>Reads a plan.</summary>
    /// <param name="option">The option that named the file, for messages.</param>
    /// <exception cref="UserErrorException">The file cannot be read, or is not a plan.</exception>
    public static PlanFile Read(string path, string option = UsualOption)
    {
        var bytes = UserFiles.ReadAllBytes(option, path);
        try
        {
            var plan = JsonSerializer.Deserialize(bytes, PlanJson.Default.PlanFile);
            return plan switch
            {
                null => throw new UserErrorException($"{option}: {path}: expected a plan, found null"),
                { Format: not CurrentFormat } => throw new UserErrorException(
                    $"{option}: {path}: format: expected {CurrentFormat}, found {plan.Format}; plan anew"
                ),
                _ => plan,
            };
        }
        catch (JsonException e)
        {
            throw new UserErrorException($"{option}: {path}: {Fault(e)}", e);
        }
    }

    private static string Fault(JsonException e) =>
        e switch
        {
            { InnerException: JsonException } => $"expected a plan, found text that is not JSON {JsonFile.PlaceOf(e)}",
            { Path: { Length: > 2 } field } => $"{field[2..]}: expected a plan's, found something else",
            _ => "expected a plan, found JSON with fields that are missing or not known",
        };

    /// <summary>
    /// What rows and chains cost a stage, where the plan has it for these layers on that device; null where it does not.
    /// </summary>
    /// <param name="first">First layer, from 0.</param>
    /// <param name="count">Layers.</param>
    /// <param name="device">The device, in words.</param>
    public RowCosts? CostsOf(int first, int count, string device)
    {
        for (var stage = 0; stage < StageLayers.Count && first >= 0; stage++)
        {
            if (first == 0 && count == StageLayers[stage])
            {
                return Costs?.Devices?[stage] == device ? Costs.Stages[stage] : null;
            }

            first -= StageLayers[stage];
        }

        return null;
    }

    /// <summary>Writes the plan.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Write(string path) =>
        UserFiles.WriteAllText("--out", path, JsonSerializer.Serialize(this, PlanJson.Default.PlanFile) + "\n");

    /// <summary>Checks that the plan was made for these weights.</summary>
    /// <param name="option">The option that named the file, for messages.</param>
    /// <exception cref="UserErrorException">It was made for others.</exception>
    public void RequireFits(string fingerprint, string option = UsualOption)
    {
        if (fingerprint != Fingerprint)
        {
            throw new UserErrorException(
                $"{option}: expected a plan for the weights {fingerprint}, found one for {Fingerprint} ({Model})"
            );
        }
    }
}

/// <summary>Measurements a plan is based on and the speed it predicts. Times are of one candidate.</summary>
internal sealed record PlanPrediction
{
    /// <summary>Acceptance rate expected of the exit head; 0 without one.</summary>
    public required double Alpha { get; init; }

    /// <summary>Milliseconds of each stage, target head included, exit head not.</summary>
    public required IReadOnlyList<double> StageMs { get; init; }

    /// <summary>Milliseconds of the exit head.</summary>
    public required double ExitHeadMs { get; init; }

    /// <summary>Milliseconds of a hop.</summary>
    public required double HopMs { get; init; }

    /// <summary>Tokens per second, autoregressive.</summary>
    public required double AutoregressiveTokensPerSecond { get; init; }

    /// <summary>Tokens per second, PPSD; the same without an exit head.</summary>
    public required double PpsdTokensPerSecond { get; init; }

    /// <summary>Tokens per second that a run by the plan gave; null in plans of older versions.</summary>
    public double? MeasuredTokensPerSecond { get; init; }

    /// <summary>Tokens ahead that the cut expects of a chain; null without one.</summary>
    public int? ChainDepth { get; init; }

    /// <summary>Candidates of a micro-batch that it expects then.</summary>
    public int? Width { get; init; }
}

/// <summary>What rows, chains and hops cost the stages of a plan, measured on their devices.</summary>
internal sealed record PlanCosts
{
    /// <summary>Costs of each stage, in order.</summary>
    public required IReadOnlyList<RowCosts> Stages { get; init; }

    /// <summary>Device of each, in words; null in plans of older versions.</summary>
    public IReadOnlyList<string>? Devices { get; init; }

    /// <summary>Milliseconds of a hop between stages, the verdict's way back included.</summary>
    public required double HopMs { get; init; }

    /// <summary>Stages that can work at the same time.</summary>
    public required int ParallelStages { get; init; }

    /// <summary>The costs of a pipeline that holds its exit head in stage 1.</summary>
    public PipelineCosts ToPipeline(bool hasExitHead) => new(Stages, hasExitHead ? 0 : -1, ParallelStages, HopMs);
}

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow
)]
[JsonSerializable(typeof(PlanFile))]
internal sealed partial class PlanJson : JsonSerializerContext;
