using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ppsd.Host.Generation;

namespace Ppsd.Host.Bench.Serving;

/// <summary>
/// Requests of JSON lines: <c>prompt</c> becomes a completion, <c>messages</c> and <c>question</c> become chats.
/// </summary>
/// <param name="model">The model to name.</param>
/// <param name="settings">Fields that every request has.</param>
internal sealed class ServeRequestFile(string model, ServeBenchSettings settings)
{
    /// <summary>Requests of a file.</summary>
    /// <exception cref="UserErrorException">A line cannot be read; the message names file and line.</exception>
    public List<ServeRequest> Read(string path) => JsonLines.ReadPrompts(path, Parse);

    /// <summary>A chat of one question.</summary>
    public ServeRequest Ask(string question) => Chat([new JsonObject { ["role"] = "user", ["content"] = question }]);

    private ServeRequest Parse(JsonElement line, string place) =>
        JsonObject.Create(line)! switch
        {
            { } o when o["prompt"] is JsonValue prompt => Request("v1/completions", "prompt", prompt.DeepClone()),
            { } o when o["messages"] is JsonArray messages => Chat((JsonArray)messages.DeepClone()),
            { } o when o["question"] is JsonValue question => Ask(question.ToString()),
            _ => throw new UserErrorException($"{place}: expected an object with 'prompt', 'messages' or 'question'"),
        };

    private ServeRequest Chat(JsonArray messages) => Request("v1/chat/completions", "messages", messages);

    private ServeRequest Request(string route, string field, JsonNode value)
    {
        var body = new JsonObject
        {
            ["model"] = model,
            [field] = value,
            ["max_tokens"] = settings.MaxTokens,
            ["temperature"] = settings.Temperature,
            ["seed"] = settings.Seed,
            ["ignore_eos"] = true,
            ["stream"] = true,
            ["stream_options"] = new JsonObject { ["include_usage"] = true },
        };
        if (settings.IsPpsd)
        {
            body["per_request_metrics"] = true;
            body["speculation"] = settings.Speculation;
        }

        return new ServeRequest(route, Encoding.UTF8.GetBytes(body.ToJsonString()));
    }
}
