using System.Text.Json;
using Ppsd.Actors.Messages;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;

namespace Ppsd.Host.Api.Requests;

/// <summary>Reads the fields that say how a text is generated; both routes have them. Pure but for seeds.</summary>
internal static class SettingsReader
{
    private const int MaxStops = 4;

    /// <summary>
    /// The settings; fields that the request leaves out come from the model's generation_config.json.
    /// </summary>
    /// <param name="fields">The request's fields.</param>
    /// <param name="defaults">What the server puts in.</param>
    /// <param name="topLogprobs">Alternatives to report with each token; null for no log-probabilities.</param>
    public static GenerationSettings Read(
        RequestFields fields,
        ServedModel model,
        RequestDefaults defaults,
        int? topLogprobs
    )
    {
        var drafts = Drafts(fields, model.Assets, defaults);
        return new GenerationSettings
        {
            Drafts = drafts.Sources,
            MaxWidth = drafts.MaxWidth,
            ChainDepth = drafts.ChainDepth,
            MaxTokens = 1, // until the prompt's length is known
            IgnoreEndTokens = fields.Switch("ignore_eos") ?? false,
            StopStrings = Stops(fields),
            ShowDrafts = fields.Switch("drafts") ?? false,
            Resumes = fields.Switch("resume") ?? true,
            TopLogprobs = topLogprobs,
            Sampling = ModelDefaults.Sampling(
                new TextSettings
                {
                    Temperature = fields.Number("temperature", 0, 100),
                    TopK = TopK(fields),
                    TopP = fields.Number("top_p", 0, 1, excludesMin: true),
                    MinP = fields.Number("min_p", 0, 1),
                    RepetitionPenalty = fields.Number("repetition_penalty", 0, 100, excludesMin: true),
                    PresencePenalty = fields.Number("presence_penalty", -2, 2),
                    FrequencyPenalty = fields.Number("frequency_penalty", -2, 2),
                    Seed = Seed(fields) ?? defaults.NextSeed(),
                },
                model.Assets
            ) with
            {
                LogitBias = LogitBiases.Read(fields, model),
            },
        };
    }

    private static DraftSettings Drafts(RequestFields fields, ModelAssets assets, RequestDefaults defaults)
    {
        const string sources = "draft_sources";
        const string depth = "chain_depth";
        var usual = defaults.Drafts ?? DraftSettings.Usual(assets);
        var choice = fields.Find(sources) switch
        {
            null => null,
            { ValueKind: JsonValueKind.String } value
                when DraftNames.Parse(RequestFields.TextOf(value, sources, "a string")) is { } named => named,
            { } other => throw fields.Expected(sources, DraftNames.Expected, other),
        };
        var maxWidth = fields.Whole("max_width", 1, DraftSettings.MostWidth);
        var chainDepth = fields.Whole(depth, 1, DraftSettings.MostDepth);
        var speculates = fields.Switch("speculation");
        if (speculates == false)
        {
            return new DraftSettings(DraftSources.None);
        }

        try
        {
            return (speculates == true ? usual.OrAll(assets) : usual).With(choice, maxWidth, chainDepth, assets);
        }
        catch (DraftMisfitException e)
        {
            var field = e.IsDepth ? depth : sources;
            throw ApiException.BadRequest($"{field}: {e.Message}", field, "unsupported_value");
        }
    }

    /// <summary>vLLM's -1 means all tokens too.</summary>
    private static int? TopK(RequestFields fields) =>
        fields.Whole("top_k", -1, int.MaxValue) is { } topK ? Math.Max(0, topK) : null;

    private static ulong? Seed(RequestFields fields) =>
        fields.Find("seed") switch
        {
            null => null,
            { } value when RequestFields.WholeOf(value) is >= long.MinValue and <= ulong.MaxValue and var seed => seed
            < 0
                ? unchecked((ulong)(long)seed)
                : (ulong)seed,
            { } other => throw fields.Expected("seed", "a whole number of at most 64 bits", other),
        };

    private static string[] Stops(RequestFields fields)
    {
        const string expected = "a string or an array of up to 4 strings";
        if (fields.Find("stop") is not { } stop)
        {
            return [];
        }

        if (stop.ValueKind == JsonValueKind.String)
        {
            return [NotEmpty(RequestFields.TextOf(stop, "stop", expected))];
        }

        if (stop.ValueKind != JsonValueKind.Array)
        {
            throw fields.Expected("stop", expected, stop);
        }

        return stop.GetArrayLength() <= MaxStops
            ? [.. stop.EnumerateArray().Select(item => NotEmpty(RequestFields.TextOf(item, "stop", expected)))]
            : throw ApiException.BadRequest(
                $"stop: expected {expected}, found {stop.GetArrayLength()}",
                "stop",
                "invalid_value"
            );
    }

    private static string NotEmpty(string stop) =>
        stop.Length > 0
            ? stop
            : throw ApiException.BadRequest("stop: expected text, found an empty string", "stop", "invalid_value");
}
