using System.Text.Json;

namespace Ppsd.Host.Api.Requests;

/// <summary>Reads the body of <c>/v1/chat/completions</c>. Pure but for seeds.</summary>
/// <param name="defaults">Defaults for fields that a request leaves out.</param>
internal sealed class ChatRequestReader(ServedModel model, RequestDefaults defaults) : ITextRequestReader
{
    private const int MaxTopLogprobs = 20;

    public TextRequest Read(JsonElement body, CancellationToken cancellation)
    {
        var fields = new RequestFields(body);
        FixedFields.Check(fields);
        FixedFields.Check(fields, "echo", FixedFields.IsFalse);
        FixedFields.Check(fields, "add_special_tokens", FixedFields.IsFalse);
        var name = model.Require(fields.Text("model"));
        var copies = TextCounts.Read(fields);
        var logprobs = TopLogprobs(fields);
        var stream = StreamFields.Read(fields, defaults);
        var newer = fields.Whole("max_completion_tokens", 1, int.MaxValue);
        var older = fields.Whole("max_tokens", 1, int.MaxValue);
        var messages = ChatMessageReader.Read(fields);
        var rendering = ChatRenderingReader.Read(fields);

        // Every field is looked at before the conversation is tokenized: that is the expensive part.
        var settings = SettingsReader.Read(fields, model, defaults, logprobs);
        stream.RefuseDraftsUnlessStreaming(settings, copies);
        fields.RefuseRest();
        var prompt = PromptText.EncodeChat(messages, rendering, model, cancellation);
        var limit = TokenLimit.Of(
            newer ?? older,
            defaults.ChatMaxTokens,
            prompt.Length,
            model,
            newer is null ? "max_tokens" : "max_completion_tokens"
        );
        return new TextRequest
        {
            Model = name,
            Prompts = [new RequestedPrompt(prompt, limit)],
            TextsPerPrompt = copies,
            Settings = settings with { MaxTokens = limit, MayShorten = (newer ?? older) is null },
            Streams = stream.Streams,
            IncludesUsage = stream.IncludesUsage,
            ReportsUsage = stream.ReportsUsage,
            IncludesMetrics = stream.IncludesMetrics,
        };
    }

    private static int? TopLogprobs(RequestFields fields)
    {
        var wanted = fields.Switch("logprobs") ?? false;
        var top = fields.Whole("top_logprobs", 0, MaxTopLogprobs);
        return (wanted, top) switch
        {
            (true, _) => top ?? 0,
            (false, null or 0) => null,
            _ => throw ApiException.BadRequest(
                "top_logprobs: expected logprobs to be true with it",
                "top_logprobs",
                "invalid_value"
            ),
        };
    }
}
