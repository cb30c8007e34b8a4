using System.Text.Json;

namespace Ppsd.Host.Api.Requests;

/// <summary>Reads the body of <c>/v1/completions</c>. Pure but for seeds.</summary>
/// <param name="defaults">Defaults for fields that a request leaves out.</param>
internal sealed class CompletionRequestReader(ServedModel model, RequestDefaults defaults) : ITextRequestReader
{
    private const int MaxLogprobs = 20;
    private const string Expected = "a string, an array of token ids, or an array of them";

    public TextRequest Read(JsonElement body, CancellationToken cancellation)
    {
        var fields = new RequestFields(body);
        FixedFields.Check(fields);
        var name = model.Require(fields.Text("model"));
        var copies = TextCounts.Read(fields);
        var stream = StreamFields.Read(fields, defaults);
        var asked = fields.Whole("max_tokens", 1, int.MaxValue);
        var addsSpecialTokens = fields.Switch("add_special_tokens") ?? true;
        var prompt =
            fields.Find("prompt")
            ?? throw ApiException.BadRequest($"prompt: expected {Expected}, found nothing", "prompt", "missing_field");
        var settings = SettingsReader.Read(fields, model, defaults, fields.Whole("logprobs", 0, MaxLogprobs));
        var echoes = Echoes(fields, settings.TopLogprobs);
        fields.RefuseRest();
        List<RequestedPrompt> prompts = [.. Places(prompt).Select(each => Read(each.Prompt, each.Place))];
        stream.RefuseDraftsUnlessStreaming(settings, prompts.Count * copies);
        return new TextRequest
        {
            Model = name,
            Prompts = prompts,
            TextsPerPrompt = copies,
            Settings = settings with { MaxTokens = prompts[0].MaxTokens, MayShorten = asked is null },
            Streams = stream.Streams,
            IncludesUsage = stream.IncludesUsage,
            ReportsUsage = stream.ReportsUsage,
            IncludesMetrics = stream.IncludesMetrics,
        };

        RequestedPrompt Read(JsonElement one, string place)
        {
            var text = one.ValueKind == JsonValueKind.String ? RequestFields.TextOf(one, place, Expected) : null;
            var tokens = NotEmpty(
                text is null
                    ? TokenIds.Read(one, place, model)
                    : PromptText.Encode(text, model, addsSpecialTokens, place, cancellation),
                place
            );
            return new RequestedPrompt(
                tokens,
                TokenLimit.Of(asked, defaults.CompletionMaxTokens, tokens.Length, model, "max_tokens"),
                echoes ? text ?? model.Assets.Tokenizer.Decode(tokens) : ""
            );
        }
    }

    /// <summary>Log-probabilities of a prompt's tokens are not computed, and an echo with them would promise those.</summary>
    private static bool Echoes(RequestFields fields, int? logprobs)
    {
        var echoes = fields.Switch("echo") ?? false;
        return !echoes || logprobs is null
            ? echoes
            : throw ApiException.BadRequest(
                "echo: expected logprobs to be absent with it: the prompt's tokens have none",
                "echo",
                "unsupported_value"
            );
    }

    /// <summary>The prompts, as OpenAI writes them: a text, ids, or an array of texts or of ids.</summary>
    private static IEnumerable<(JsonElement Prompt, string Place)> Places(JsonElement prompt)
    {
        if (prompt.ValueKind == JsonValueKind.String || IsIds(prompt))
        {
            return [(prompt, "prompt")];
        }

        if (prompt.ValueKind != JsonValueKind.Array || prompt.GetArrayLength() == 0)
        {
            throw RequestFields.Mismatch("prompt", Expected, prompt);
        }

        return prompt
            .EnumerateArray()
            .Select((one, i) => (one, $"prompt[{i}]"))
            .Select(each =>
                each.one.ValueKind == JsonValueKind.String || IsIds(each.one)
                    ? each
                    : throw RequestFields.Mismatch(each.Item2, "a string or an array of token ids", each.one)
            );
    }

    private static bool IsIds(JsonElement element) =>
        element.ValueKind == JsonValueKind.Array
        && element.GetArrayLength() > 0
        && element[0].ValueKind == JsonValueKind.Number;

    private static int[] NotEmpty(int[] tokens, string place) =>
        tokens.Length > 0
            ? tokens
            : throw ApiException.BadRequest(
                $"{place}: expected at least one token, found none",
                place,
                "invalid_value"
            );
}
