using System.ClientModel;
using System.Net;
using System.Text.Json;
using OpenAI.Responses;

namespace Ppsd.Tests.Host.Api.Texts;

#pragma warning disable OPENAI001 // The package marks its client of this route as experimental.

/// <summary><c>/v1/responses</c>: plain text, whole and streamed, by OpenAI's package and by hand.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ResponsesTests
{
    private const string Route = "/v1/responses";
    private const string Question = "How many legs do 3 cats have?";

    [Test]
    public async Task A_response_is_the_text_that_a_chat_gives()
    {
        var chat = await AnswerAsync(
            "/v1/chat/completions",
            $"{{\"messages\":[{{\"role\":\"system\",\"content\":\"Be brief.\"}},{{\"role\":\"user\",\"content\":\"{Question}\"}}],\"max_tokens\":12}}"
        );
        var response = await AnswerAsync(
            Route,
            $"{{\"input\":\"{Question}\",\"instructions\":\"Be brief.\",\"max_output_tokens\":12,\"metadata\":{{\"a\":\"b\"}},\"store\":true}}"
        );
        var usage = response.GetProperty("usage");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                TextOf(response),
                Is.EqualTo(chat.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString())
            );
            Assert.That(response.GetProperty("status").GetString(), Is.EqualTo("incomplete"));
            Assert.That(
                response.GetProperty("incomplete_details").GetProperty("reason").GetString(),
                Is.EqualTo("max_output_tokens")
            );
            Assert.That(response.GetProperty("error").ValueKind, Is.EqualTo(JsonValueKind.Null));
            Assert.That(response.GetProperty("metadata").GetProperty("a").GetString(), Is.EqualTo("b"));
            Assert.That(response.GetProperty("store").GetBoolean(), Is.False, "nothing is kept");
            Assert.That(usage.GetProperty("output_tokens").GetInt32(), Is.EqualTo(12));
            Assert.That(
                usage.GetProperty("input_tokens").GetInt32(),
                Is.EqualTo(chat.GetProperty("usage").GetProperty("prompt_tokens").GetInt32())
            );
        }
    }

    [Test]
    public async Task A_stream_tells_the_response_from_its_creation_to_its_completion()
    {
        var whole = await AnswerAsync(Route, $"{{\"input\":\"{Question}\"}}");
        var events = await SharedServer.Http.StreamAsync(Route, $"{{\"input\":\"{Question}\",\"stream\":true}}");
        var parts = events.ConvertAll(json => JsonDocument.Parse(json).RootElement);
        var types = parts.ConvertAll(part => part.GetProperty("type").GetString());
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                types.Distinct(),
                Is.EqualTo([
                    "response.created",
                    "response.in_progress",
                    "response.output_item.added",
                    "response.content_part.added",
                    "response.output_text.delta",
                    "response.output_text.done",
                    "response.content_part.done",
                    "response.output_item.done",
                    "response.completed",
                ])
            );
            Assert.That(
                parts.Select(part => part.GetProperty("sequence_number").GetInt32()),
                Is.EqualTo(Enumerable.Range(0, parts.Count))
            );
            Assert.That(
                string.Concat(parts.Where(part => part.TryGetProperty("delta", out _)).Select(Delta)),
                Is.EqualTo(TextOf(whole))
            );
            Assert.That(TextOf(parts[^1].GetProperty("response")), Is.EqualTo(TextOf(whole)));
        }

        static string? Delta(JsonElement part) => part.GetProperty("delta").GetString();
    }

    [Test]
    public async Task OpenAIs_package_reads_it_and_its_output_is_an_input()
    {
        var client = new ResponsesClient(
            new ApiKeyCredential("none"),
            new ResponsesClientOptions { Endpoint = new Uri(SharedServer.Address, "v1") }
        );
        ResponseResult response = await client.CreateResponseAsync("gsm-llama", Question);
        var text = response.GetOutputText();
        Assert.That(text, Is.Not.Empty);
        Assert.That(response.Status, Is.EqualTo(ResponseStatus.Completed));

        List<ResponseItem> conversation =
        [
            ResponseItem.CreateUserMessageItem(Question),
            .. response.OutputItems,
            ResponseItem.CreateUserMessageItem("And 4?"),
        ];
        var streamed = "";
        var isComplete = false;
        await foreach (var update in await client.CreateResponseStreamingAsync("gsm-llama", conversation))
        {
            streamed += (update as StreamingResponseOutputTextDeltaUpdate)?.Delta;
            isComplete |= update is StreamingResponseCompletedUpdate;
        }

        Assert.That(streamed, Is.Not.Empty);
        Assert.That(isComplete, Is.True);
    }

    [Test]
    public async Task Log_probabilities_come_when_they_are_included()
    {
        var response = await AnswerAsync(
            Route,
            $"{{\"input\":\"{Question}\",\"max_output_tokens\":5,\"top_logprobs\":2,\"include\":[\"message.output_text.logprobs\"]}}"
        );
        var logprobs = response.GetProperty("output")[0].GetProperty("content")[0].GetProperty("logprobs");
        Assert.That(logprobs.GetArrayLength(), Is.EqualTo(5));
        Assert.That(logprobs[0].GetProperty("top_logprobs").GetArrayLength(), Is.EqualTo(2));
    }

    [TestCase("{}", "input")]
    [TestCase("""{"input":[]}""", "input")]
    [TestCase("""{"input":7}""", "input")]
    [TestCase("""{"input":[{"type":"function_call_output","call_id":"a","output":"b"}]}""", "input[0].type")]
    [TestCase("""{"input":[{"role":"robot","content":"a"}]}""", "input[0].role")]
    [TestCase(
        """{"input":[{"role":"user","content":[{"type":"input_image","image_url":"a"}]}]}""",
        "input[0].content[0].type"
    )]
    [TestCase("""{"input":"a","previous_response_id":"resp_1"}""", "previous_response_id")]
    [TestCase("""{"input":"a","conversation":"c"}""", "conversation")]
    [TestCase("""{"input":"a","background":true}""", "background")]
    [TestCase("""{"input":"a","truncation":"auto"}""", "truncation")]
    [TestCase("""{"input":"a","text":{"format":{"type":"json_object"}}}""", "text.format")]
    [TestCase("""{"input":"a","tools":[{"type":"web_search"}]}""", "tools")]
    [TestCase("""{"input":"a","include":["everything"]}""", "include[0]")]
    [TestCase("""{"input":"a","reasoning":{"effort":"heroic"}}""", "reasoning.effort")]
    [TestCase("""{"input":"a","max_output_tokens":4000}""", "max_output_tokens")]
    [TestCase("""{"input":"a","n":2}""", "n")]
    public async Task What_it_does_not_do_is_refused_by_name(string body, string param)
    {
        var error = HttpAnswers.AssertError(await SharedServer.Http.PostAsync(Route, body), 400);
        Assert.That(error.GetProperty("param").GetString(), Is.EqualTo(param));
    }

    [Test]
    public async Task A_response_of_the_past_is_not_found() =>
        HttpAnswers.AssertError(await SharedServer.Http.ReadAsync("/v1/responses/resp_1"), 404);

    private static async Task<JsonElement> AnswerAsync(string route, string body)
    {
        var (status, answer) = await SharedServer.Http.PostAsync(route, body);
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
        return answer;
    }

    private static string? TextOf(JsonElement response) =>
        response.GetProperty("output")[0].GetProperty("content")[0].GetProperty("text").GetString();
}
