using System.Net;
using System.Net.Http.Headers;
using Ppsd.Host.Api.Serving;

namespace Ppsd.Tests.Host.Api;

/// <summary>What a server keeps out: too much at once, too long a body, whoever lacks the key; and what lets go.</summary>
[NonParallelizable] // It expects that nobody else holds a session of the shared pipeline.
public sealed class ServerLimitTests
{
    private const string Completions = "/v1/completions";
    private const string Long =
        """{"prompt":"USER: hi ASSISTANT:","max_tokens":1500,"ignore_eos":true,"stream":true}""";
    private const string Short = """{"prompt":"USER: hi ASSISTANT:","max_tokens":2}""";

    [Test]
    public async Task A_request_beyond_the_queue_gets_429_and_those_in_it_are_served()
    {
        await using var server = await SharedServer.StartAsync(new ServerSettings { MaxRunning = 1, MaxQueue = 1 });
        using var http = new HttpClient { BaseAddress = server.Address };
        using var running = await StartStreamAsync(http);
        var waiting = http.PostAsync(Completions, Short);
        await WaitForAsync(http, "ppsd_num_requests_waiting", 1);

        using var refused = await http.PostAsync(new Uri(Completions, UriKind.Relative), HttpAnswers.Json(Short));
        HttpAnswers.AssertError((refused.StatusCode, await HttpAnswers.ReadAsync(refused)), 429);
        Assert.That(refused.Headers.RetryAfter?.Delta, Is.GreaterThan(TimeSpan.Zero));

        running.Dispose();
        Assert.That((await waiting).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_long_text_waits_at_the_gate_before_it_is_tokenized()
    {
        await using var server = await SharedServer.StartAsync(new ServerSettings { MaxRunning = 1, MaxQueue = 0 });
        using var http = new HttpClient { BaseAddress = server.Address };
        using var running = await StartStreamAsync(http);
        var words = string.Concat(Enumerable.Repeat("word ", 16_000));
        foreach (var route in (string[])["/tokenize", Completions])
        {
            HttpAnswers.AssertError(await http.PostAsync(route, $"{{\"prompt\":\"{words}\"}}"), 429);
        }

        Assert.That((await http.PostAsync("/tokenize", """{"prompt":"word"}""")).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_client_that_leaves_ends_its_session_at_every_stage()
    {
        await using var server = await SharedServer.StartAsync(new ServerSettings());

        // By default a response that nobody reads is read for two seconds more, in which the whole text may come.
        using var leaving = new SocketsHttpHandler { ResponseDrainTimeout = TimeSpan.Zero };
        using var http = new HttpClient(leaving) { BaseAddress = server.Address };
        var running = await StartStreamAsync(http);
        running.Dispose();
        await SharedServer.AssertNothingHeldAsync();
        await WaitForAsync(http, "ppsd_request_failure_total", 1);
        await WaitForAsync(http, "ppsd_num_requests_running", 0);

        // Not streamed: the client gives up while the server still computes.
        using var patience = new CancellationTokenSource();
        var answer = http.PostAsync(
            new Uri(Completions, UriKind.Relative),
            HttpAnswers.Json(Long.Replace(",\"stream\":true", "", StringComparison.Ordinal)),
            patience.Token
        );
        await WaitForAsync(http, "ppsd_num_requests_running", 1);
        await patience.CancelAsync();
        await Assert.CatchAsync<OperationCanceledException>(() => answer);
        await SharedServer.AssertNothingHeldAsync();
        await WaitForAsync(http, "ppsd_request_failure_total", 2);
        await WaitForAsync(http, "ppsd_num_requests_running", 0);
    }

    [Test]
    public async Task A_body_over_the_limit_gets_413_whether_its_length_is_told_or_not()
    {
        await using var server = await SharedServer.StartAsync(new ServerSettings { MaxBodyBytes = 2000 });
        using var http = new HttpClient { BaseAddress = server.Address };
        var body = $"{{\"prompt\":\"{new string('a', 3000)}\"}}";
        foreach (var isChunked in (bool[])[false, true])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, Completions)
            {
                Content = HttpAnswers.Json(body),
            };
            request.Headers.TransferEncodingChunked = isChunked;
            using var response = await http.SendAsync(request);
            HttpAnswers.AssertError((response.StatusCode, await HttpAnswers.ReadAsync(response)), 413);
            Assert.That(response.Headers.ConnectionClose, Is.True, "what is not read ends the connection");
        }

        using var misplaced = new HttpRequestMessage(HttpMethod.Post, "/nowhere") { Content = HttpAnswers.Json(body) };
        using var notFound = await http.SendAsync(misplaced);
        HttpAnswers.AssertError((notFound.StatusCode, await HttpAnswers.ReadAsync(notFound)), 404);
        Assert.That(notFound.Headers.ConnectionClose, Is.True);

        Assert.That((await http.PostAsync(Completions, Short)).Status, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Without_the_key_nothing_but_health_and_version_answers()
    {
        await using var server = await SharedServer.StartAsync(new ServerSettings { ApiKey = "sesame" });
        using var http = new HttpClient { BaseAddress = server.Address };
        foreach (var route in (string[])["/v1/models", "/cluster", "/metrics", "/nowhere"])
        {
            HttpAnswers.AssertError(await http.ReadAsync(route), 401);
        }

        HttpAnswers.AssertError(await http.PostAsync(Completions, Short), 401);
        Assert.That((await http.ReadAsync("/health")).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await http.ReadAsync("/version")).Status, Is.EqualTo(HttpStatusCode.OK));

        foreach (
            var (scheme, key, status) in ((string, string, int)[])
                [("Bearer", "sesam", 401), ("Basic", "sesame", 401), ("Bearer", "sesame", 200)]
        )
        {
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(scheme, key);
            Assert.That((int)(await http.ReadAsync("/v1/models")).Status, Is.EqualTo(status), $"{scheme} {key}");
        }
    }

    [Test]
    public async Task A_stopping_server_ends_its_streams_with_an_error_event_and_frees_their_sessions()
    {
        var server = await SharedServer.StartAsync(new ServerSettings());
        using var http = new HttpClient { BaseAddress = server.Address };
        using var running = await StartStreamAsync(http);
        await server.DisposeAsync();

        var rest = await running.Content.ReadAsStringAsync();
        Assert.That(rest, Does.Contain("event: error").And.Contain("the server is stopping").And.Not.Contain("[DONE]"));
        await SharedServer.AssertNothingHeldAsync();
    }

    [Test]
    public async Task A_quiet_stream_is_kept_alive_by_comments()
    {
        var settings = new ServerSettings { MaxRunning = 1, PingInterval = TimeSpan.FromMilliseconds(1) };
        await using var server = await SharedServer.StartAsync(settings);
        using var http = new HttpClient { BaseAddress = server.Address };
        using var response = await http.PostAsync(
            new Uri(Completions, UriKind.Relative),
            HttpAnswers.Json(Long.Replace("1500", "200", StringComparison.Ordinal))
        );
        var text = await response.Content.ReadAsStringAsync();
        Assert.That(text, Does.Contain("\n\n: ping\n\n").Or.StartWith(": ping\n\n"));
        Assert.That(text, Does.EndWith("data: [DONE]\n\n"));
    }

    /// <summary>A long stream that has begun.</summary>
    private static async Task<HttpResponseMessage> StartStreamAsync(HttpClient http)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Completions) { Content = HttpAnswers.Json(Long) };
        var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        return response;
    }

    private static async Task WaitForAsync(HttpClient http, string metric, double expected)
    {
        var found = "";
        for (var attempt = 0; attempt < 6000; attempt++)
        {
            var text = await http.GetStringAsync(new Uri("/metrics", UriKind.Relative));
            found = string.Join(
                '\n',
                text.Split('\n').Where(line => line.StartsWith(metric, StringComparison.Ordinal))
            );
            if (found.EndsWith($" {expected}", StringComparison.Ordinal))
            {
                return;
            }

            await Task.Delay(10);
        }

        Assert.Fail($"{metric}: expected {expected}, found {found}");
    }
}
