using System.Net;
using System.Text.Json;
using Ppsd.Host.Api.Serving;

namespace Ppsd.Tests.Host.Api.Texts;

/// <summary>Several texts of one request: each is the text that a request of its own gets.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class SeveralTextsTests
{
    private const string Chat = "/v1/chat/completions";
    private const string Completions = "/v1/completions";
    private const string First = "USER: How many legs do 3 cats have? ASSISTANT:";
    private const string Second = "USER: hi ASSISTANT:";
    private const string Drawn = "\"max_tokens\":12,\"temperature\":1.0,\"seed\":40";

    [Test]
    public async Task Text_j_of_a_prompt_is_that_of_the_seed_plus_j()
    {
        var body = $"{{\"prompt\":[\"{First}\",\"{Second}\"],\"n\":3,\"best_of\":3,{Drawn}}}";
        var answer = await AnswerAsync(Completions, body);
        var choices = answer.GetProperty("choices").EnumerateArray().ToList();
        Assert.That(
            choices.Select(choice => choice.GetProperty("index").GetInt32()),
            Is.EqualTo(Enumerable.Range(0, 6))
        );
        for (var i = 0; i < 6; i++)
        {
            var alone =
                $"{{\"prompt\":\"{(i < 3 ? First : Second)}\",{Drawn.Replace("40", $"{40 + i % 3}", StringComparison.Ordinal)}}}";
            var expected = (await AnswerAsync(Completions, alone)).GetProperty("choices")[0];
            Assert.That(
                choices[i].GetProperty("text").GetString(),
                Is.EqualTo(expected.GetProperty("text").GetString())
            );
        }

        // Each prompt counts once, and every text.
        var usage = answer.GetProperty("usage");
        Assert.That(
            usage.GetProperty("prompt_tokens").GetInt32(),
            Is.EqualTo(await CountAsync(First) + await CountAsync(Second))
        );
        Assert.That(usage.GetProperty("completion_tokens").GetInt32(), Is.EqualTo(72));
        Assert.That(usage.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32(), Is.Zero);
    }

    [Test]
    public async Task A_chat_streams_several_texts_and_the_usage_so_far()
    {
        var fields = $"\"messages\":{HttpAnswers.Question},\"n\":3,{Drawn}";
        var whole = await AnswerAsync(Chat, $"{{{fields}}}");
        var events = await SharedServer.Http.StreamAsync(
            Chat,
            $"{{{fields},\"stream\":true,\"stream_options\":{{\"include_usage\":true,\"continuous_usage_stats\":true}}}}"
        );
        var texts = new string[] { "", "", "" };
        var roles = 0;
        var reasons = 0;
        var counts = new List<int>();
        foreach (var chunk in events.SkipLast(1).Select(json => JsonDocument.Parse(json).RootElement))
        {
            counts.Add(chunk.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
            foreach (var choice in chunk.GetProperty("choices").EnumerateArray())
            {
                var delta = choice.GetProperty("delta");
                roles += delta.TryGetProperty("role", out _) ? 1 : 0;
                reasons += choice.GetProperty("finish_reason").ValueKind == JsonValueKind.String ? 1 : 0;
                texts[choice.GetProperty("index").GetInt32()] += delta.TryGetProperty("content", out var content)
                    ? content.GetString()
                    : "";
            }
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                texts,
                Is.EqualTo(
                    whole
                        .GetProperty("choices")
                        .EnumerateArray()
                        .Select(choice => choice.GetProperty("message").GetProperty("content").GetString())
                )
            );
            Assert.That(texts.Distinct().Count(), Is.EqualTo(3), "their noise differs");
            Assert.That((roles, reasons), Is.EqualTo((3, 3)));
            Assert.That(counts, Is.Ordered.Ascending);
            Assert.That(counts[^1], Is.EqualTo(whole.GetProperty("usage").GetProperty("completion_tokens").GetInt32()));
        }
    }

    [Test]
    public async Task An_echo_is_the_prompt_before_the_text_streamed_or_not()
    {
        var plain = TextOf(
            (await AnswerAsync(Completions, $"{{\"prompt\":\"{First}\",{Drawn}}}")).GetProperty("choices")[0]
        );
        var body = $"{{\"prompt\":[\"{First}\"],\"echo\":true,{Drawn}}}";
        var whole = await AnswerAsync(Completions, body);
        var events = await SharedServer.Http.StreamAsync(
            Completions,
            body.Replace("\"echo\"", "\"stream\":true,\"echo\"", StringComparison.Ordinal)
        );
        var streamed = string.Concat(
            events.SkipLast(1).Select(json => TextOf(JsonDocument.Parse(json).RootElement.GetProperty("choices")[0]))
        );
        Assert.That(TextOf(whole.GetProperty("choices")[0]), Is.EqualTo(First + plain));
        Assert.That(streamed, Is.EqualTo(First + plain));
    }

    [Test]
    [NonParallelizable] // It expects that nobody else holds a session of the shared pipeline.
    public async Task Texts_of_one_request_share_the_places_of_the_server_and_too_many_are_refused()
    {
        await using var server = await SharedServer.StartAsync(new ServerSettings { MaxRunning = 2, MaxQueue = 3 });
        using var http = new HttpClient { BaseAddress = server.Address };
        var (status, answer) = await http.PostAsync(Completions, $"{{\"prompt\":\"{Second}\",\"n\":5,{Drawn}}}");
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
        Assert.That(answer.GetProperty("choices").GetArrayLength(), Is.EqualTo(5));

        var refused = await http.PostAsync(Completions, $"{{\"prompt\":\"{Second}\",\"n\":6,{Drawn}}}");
        var error = HttpAnswers.AssertError(refused, 400);
        Assert.That(error.GetProperty("message").GetString(), Does.Contain("at most 5 texts").And.Contain("found 6"));
        await SharedServer.AssertNothingHeldAsync();
    }

    [Test]
    public async Task A_bias_forbids_and_forces_tokens_with_speculation_on_and_off()
    {
        // Of all tokens that the text has: none of them is likely to be drawn again, and the rest is.
        foreach (var temperature in (string[])["0", "0.8"])
        {
            var fields = $"\"prompt\":\"{First}\",\"max_tokens\":20,\"temperature\":{temperature},\"seed\":3";
            var plain = TextOf((await AnswerAsync(Completions, $"{{{fields}}}")).GetProperty("choices")[0]);
            var ids = (
                await AnswerAsync("/tokenize", $"{{\"prompt\":{JsonSerializer.Serialize(First + plain)}}}")
            ).GetProperty("tokens");
            var biases = ids.EnumerateArray().Select(id => id.GetInt32()).Distinct().Select(id => $"\"{id}\":-100");
            var biased = $"{fields},\"logit_bias\":{{{string.Join(',', biases)}}}";
            var on = TextOf((await AnswerAsync(Completions, $"{{{biased}}}")).GetProperty("choices")[0]);
            var off = TextOf(
                (await AnswerAsync(Completions, $"{{{biased},\"speculation\":false}}")).GetProperty("choices")[0]
            );
            Assert.That(on, Is.EqualTo(off));
            Assert.That(on, Is.Not.EqualTo(plain));

            var forced = await AnswerAsync(Completions, $"{{{fields},\"logit_bias\":{{\"300\":100}},\"logprobs\":0}}");
            var tokens = forced.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("tokens");
            Assert.That(tokens.EnumerateArray().Select(token => token.GetString()).Distinct().Count(), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task A_drawn_token_is_among_the_top_log_probabilities()
    {
        var body =
            $"{{\"messages\":{HttpAnswers.Question},\"logprobs\":true,\"top_logprobs\":1,\"max_tokens\":30,\"temperature\":2,\"seed\":8}}";
        var content = (await AnswerAsync(Chat, body))
            .GetProperty("choices")[0]
            .GetProperty("logprobs")
            .GetProperty("content");
        var extras = 0;
        foreach (var entry in content.EnumerateArray())
        {
            var top = entry.GetProperty("top_logprobs").EnumerateArray().ToList();
            extras += top.Count - 1;
            Assert.That(
                top.Select(other => other.GetProperty("logprob").GetSingle()),
                Does.Contain(entry.GetProperty("logprob").GetSingle())
            );
        }

        Assert.That(extras, Is.Positive, "at this temperature some draws are not the likeliest");
    }

    private static async Task<JsonElement> AnswerAsync(string route, string body)
    {
        var (status, answer) = await SharedServer.Http.PostAsync(route, body);
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
        return answer;
    }

    private static async Task<int> CountAsync(string prompt) =>
        (await AnswerAsync("/tokenize", $"{{\"prompt\":\"{prompt}\"}}")).GetProperty("count").GetInt32();

    private static string TextOf(JsonElement choice) => choice.GetProperty("text").GetString()!;
}
