using System.Text.Json;

namespace Ppsd.Host.Api.Requests;

/// <summary>Reads the body of <c>/v1/completions</c>. Pure but for seeds.</summary>
/// <param name="defaults">Defaults for fields that a request leaves out.</param>
internal sealed class CompletionRequestReader(ServedModel model, RequestDefaults defaults) : ITextRequestReader
{
    private const int MaxLogprobs = 20;
    private const string Expected = "a string, or an array of token ids";

    public TextRequest Read(JsonElement body, CancellationToken cancellation)
    {
        var fields = new RequestFields(body);
        FixedFields.Check(fields);
        var name = model.Require(fields.Text("model"));
        var stream = StreamFields.Read(fields, defaults);
        var asked = fields.Whole("max_tokens", 1, int.MaxValue);
        var prompt =
            fields.Find("prompt")
            ?? throw ApiException.BadRequest($"prompt: expected {Expected}, found nothing", "prompt", "missing_field");
        var settings = SettingsReader.Read(
            fields,
            model,
            defaults,
            maxTokens: 1,
            fields.Whole("logprobs", 0, MaxLogprobs)
        );
        stream.RefuseDraftsUnlessStreaming(settings);
        fields.RefuseRest();
        var tokens = Tokens(prompt, cancellation);
        return new TextRequest
        {
            Model = name,
            Prompt = tokens,
            Settings = settings with
            {
                MaxTokens = SettingsReader.MaxTokens(
                    asked,
                    defaults.CompletionMaxTokens,
                    tokens.Length,
                    model,
                    "max_tokens"
                ),
            },
            Streams = stream.Streams,
            IncludesUsage = stream.IncludesUsage,
            IncludesMetrics = stream.IncludesMetrics,
        };
    }

    /// <summary>One prompt, as OpenAI writes one: text, ids, or an array that holds one of them.</summary>
    private int[] Tokens(JsonElement prompt, CancellationToken cancellation)
    {
        if (prompt.ValueKind == JsonValueKind.String)
        {
            return NotEmpty(
                PromptText.Encode(RequestFields.TextOf(prompt, "prompt", Expected), model, cancellation: cancellation)
            );
        }

        if (prompt.ValueKind != JsonValueKind.Array || prompt.GetArrayLength() == 0)
        {
            throw RequestFields.Mismatch("prompt", Expected, prompt);
        }

        if (prompt[0].ValueKind == JsonValueKind.Number)
        {
            return TokenIds.Read(prompt, "prompt", model);
        }

        if (prompt.GetArrayLength() > 1)
        {
            throw ApiException.BadRequest(
                $"prompt: expected one prompt per request, found {prompt.GetArrayLength()}",
                "prompt",
                "unsupported_value"
            );
        }

        return prompt[0].ValueKind is JsonValueKind.String || IsIds(prompt[0])
            ? Tokens(prompt[0], cancellation)
            : throw RequestFields.Mismatch("prompt[0]", Expected, prompt[0]);
    }

    private static bool IsIds(JsonElement element) =>
        element.ValueKind == JsonValueKind.Array
        && element.GetArrayLength() > 0
        && element[0].ValueKind == JsonValueKind.Number;

    private static int[] NotEmpty(int[] tokens) =>
        tokens.Length > 0
            ? tokens
            : throw ApiException.BadRequest(
                "prompt: expected at least one token, found none",
                "prompt",
                "invalid_value"
            );
}
