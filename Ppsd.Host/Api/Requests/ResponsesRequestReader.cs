using System.Text.Json;
using Ppsd.Host.Text.ChatTemplates;

namespace Ppsd.Host.Api.Requests;

/// <summary>Reads the body of <c>/v1/responses</c>, as far as it asks for plain text. Pure but for seeds.</summary>
/// <param name="defaults">What the server puts in for what a request leaves open.</param>
internal sealed class ResponsesRequestReader(ServedModel model, RequestDefaults defaults) : ITextRequestReader
{
    private const int MaxTopLogprobs = 20;
    private const string LogprobsIncluded = "message.output_text.logprobs";

    // There is nothing of what the others name, so nothing is left out.
    private static readonly string[] _includable =
    [
        LogprobsIncluded,
        "reasoning.encrypted_content",
        "file_search_call.results",
        "web_search_call.results",
        "web_search_call.action.sources",
        "message.input_image.image_url",
        "computer_call_output.output.image_url",
        "code_interpreter_call.outputs",
    ];

    public TextRequest Read(JsonElement body, CancellationToken cancellation)
    {
        var fields = new RequestFields(body);

        // No response is kept, so that nothing is lost by asking for it or not.
        FixedFields.Check(fields, ignored: "store");
        FixedFields.Check(fields, "background", FixedFields.IsFalse);
        FixedFields.Check(fields, "truncation", value => FixedFields.IsText(value, "disabled"));
        fields.Find("max_tool_calls");
        RefuseKept(fields);
        var name = model.Require(fields.Text("model"));
        var stream = StreamFields.Read(fields, defaults);
        var instructions = fields.Text("instructions");
        var asked = fields.Whole("max_output_tokens", 1, int.MaxValue);
        var top = fields.Whole("top_logprobs", 0, MaxTopLogprobs);
        var wantsLogprobs = Includes(fields, LogprobsIncluded) || top > 0;
        var effort = Effort(fields);
        RefuseFormats(fields);
        var messages = ResponsesInput.Read(fields, instructions);
        var settings = SettingsReader.Read(fields, model, defaults, wantsLogprobs ? top ?? 0 : null);
        stream.RefuseDraftsUnlessStreaming(settings, textCount: 1);
        var metadata = fields.Find("metadata")?.Clone();
        fields.RefuseRest();
        var rendering = effort is { } given
            ? ChatRendering.Default with
            {
                Variables = new Dictionary<string, JsonElement> { ["reasoning_effort"] = given },
            }
            : ChatRendering.Default;
        var prompt = PromptText.EncodeChat(messages, rendering, model, cancellation);
        var limit = TokenLimit.Of(asked, defaults.ChatMaxTokens, prompt.Length, model, "max_output_tokens");
        return new ResponsesRequest
        {
            Model = name,
            Prompts = [new RequestedPrompt(prompt, limit)],
            Settings = settings with { MaxTokens = limit, MayShorten = asked is null },
            Streams = stream.Streams,
            IncludesUsage = true,
            IncludesMetrics = stream.IncludesMetrics,
            Instructions = instructions,
            MaxOutputTokens = asked,
            TopLogprobs = top ?? 0,
            Metadata = metadata,
            Effort = effort,
        };
    }

    /// <summary>What stands for a conversation that a server keeps: this one keeps none.</summary>
    private static void RefuseKept(RequestFields fields)
    {
        foreach (var name in (ReadOnlySpan<string>)["previous_response_id", "conversation", "prompt"])
        {
            if (fields.Find(name) is not null)
            {
                throw ApiException.BadRequest(
                    $"{name}: conversations and prompts are not kept; send the whole conversation as input",
                    name,
                    "unsupported_value"
                );
            }
        }
    }

    private static bool Includes(RequestFields fields, string wanted)
    {
        const string field = "include";
        if (fields.Find(field) is not { } include)
        {
            return false;
        }

        if (include.ValueKind != JsonValueKind.Array)
        {
            throw fields.Expected(field, "an array of strings", include);
        }

        foreach (var (i, item) in include.EnumerateArray().Index())
        {
            if (!Array.Exists(_includable, known => FixedFields.IsText(item, known)))
            {
                throw RequestFields.Mismatch($"{field}[{i}]", LogprobsIncluded, item);
            }
        }

        return include.EnumerateArray().Any(item => FixedFields.IsText(item, wanted));
    }

    private static JsonElement? Effort(RequestFields fields)
    {
        if (fields.Object("reasoning") is not { } reasoning)
        {
            return null;
        }

        var effort = ChatRenderingReader.ReadEffort(reasoning, "effort");
        foreach (var name in (ReadOnlySpan<string>)["summary", "generate_summary"])
        {
            // Where there is no reasoning apart from the text there is nothing to sum up.
            FixedFields.Check(reasoning, name, value => FixedFields.IsText(value, "auto"));
        }

        reasoning.RefuseRest();
        return effort;
    }

    private static void RefuseFormats(RequestFields fields)
    {
        if (fields.Object("text") is { } text)
        {
            FixedFields.Check(text, "format", FixedFields.IsPlainText);
            FixedFields.Check(text, "verbosity", value => FixedFields.IsText(value, "medium"));
            text.RefuseRest();
        }
    }
}
