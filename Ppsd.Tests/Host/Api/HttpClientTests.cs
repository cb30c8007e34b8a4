using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Ppsd.Host;
using Ppsd.Host.Api.Serving;

namespace Ppsd.Tests.Host.Api;

/// <summary>HTTP as clients expect it, beyond GET and POST of plain JSON.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class HttpClientTests
{
    private const string Completions = "/v1/completions";
    private const string Short = """{"prompt":"USER: hi ASSISTANT:","max_tokens":3}""";
    private const string Long = """{"prompt":"USER: hi ASSISTANT:","max_tokens":300,"ignore_eos":true}""";

    [TestCase("/")]
    [TestCase("/health")]
    [TestCase("/health/ready")]
    [TestCase("/version")]
    [TestCase("/metrics")]
    [TestCase("/cluster")]
    [TestCase("/v1/models")]
    [TestCase("/v1/models/gsm-llama")]
    public async Task HEAD_answers_as_GET_without_a_body(string route)
    {
        using var get = await SendAsync(HttpMethod.Get, route);
        using var head = await SendAsync(HttpMethod.Head, route);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(head.StatusCode, Is.EqualTo(get.StatusCode));
            Assert.That(head.Content.Headers.ContentType, Is.EqualTo(get.Content.Headers.ContentType));
            Assert.That(await head.Content.ReadAsByteArrayAsync(), Is.Empty);
        }
    }

    [Test]
    public async Task OPTIONS_names_the_methods_of_a_route_and_HEAD_of_a_POST_route_is_refused()
    {
        using var models = await SendAsync(HttpMethod.Options, "/v1/models");
        using var completions = await SendAsync(HttpMethod.Options, Completions);
        using var head = await SendAsync(HttpMethod.Head, Completions);
        using var nowhere = await SendAsync(HttpMethod.Options, "/nowhere");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(models.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
            Assert.That(models.Content.Headers.Allow, Is.EquivalentTo(["GET", "HEAD", "OPTIONS"]));
            Assert.That(completions.Content.Headers.Allow, Is.EquivalentTo(["POST", "OPTIONS"]));
            Assert.That(head.StatusCode, Is.EqualTo(HttpStatusCode.MethodNotAllowed));
            Assert.That(nowhere.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        }
    }

    [Test]
    public async Task Pages_of_an_origin_that_was_named_get_in_also_where_a_key_is_wanted_and_no_others()
    {
        var settings = new ServerSettings { ApiKey = "sesame", CorsOrigins = CrossOrigin.Parse(["http://a.test/"]) };
        await using var server = await SharedServer.StartAsync(settings);
        using var http = new HttpClient { BaseAddress = server.Address };
        using var preflight = await SendAsync(HttpMethod.Options, Completions, "http://a.test", http);
        using var refused = await SendAsync(HttpMethod.Get, "/v1/models", "http://a.test", http);
        using var stranger = await SendAsync(HttpMethod.Options, Completions, "http://b.test", http);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(preflight.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
            Assert.That(Origin(preflight), Is.EqualTo("http://a.test"));
            Assert.That(
                string.Join(',', preflight.Headers.GetValues("Access-Control-Allow-Headers")),
                Does.Contain("authorization")
            );
            Assert.That(refused.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
            Assert.That(Origin(refused), Is.EqualTo("http://a.test"), "a page must be able to read the error");
            Assert.That(Origin(stranger), Is.Null);
        }

        using var off = await SendAsync(HttpMethod.Get, "/v1/models", "http://a.test");
        Assert.That(Origin(off), Is.Null, "off by default");
    }

    [Test]
    public void Origins_are_lists_of_schemes_and_hosts_or_a_star()
    {
        Assert.That(
            CrossOrigin.Parse(["https://a.test:8443, http://b.test", "*"]),
            Is.EqualTo(["https://a.test:8443", "http://b.test", "*"])
        );
        foreach (var wrong in (string[])["a.test", "https://a.test/page", "ftp://a.test", "https://u@a.test"])
        {
            var error = Assert.Throws<UserErrorException>(() => CrossOrigin.Parse([wrong]));
            Assert.That(error!.Message, Does.StartWith("--cors-origin: expected").And.Contain(wrong));
        }
    }

    [TestCase("gpt-4", Completions, """{"model":"gpt-4","prompt":"x"}""")]
    [TestCase("gpt-4", "/v1/chat/completions", """{"model":"gpt-4","messages":[{"role":"user","content":"x"}]}""")]
    [TestCase("gpt-4", "/v1/responses", """{"model":"gpt-4","input":"x"}""")]
    [TestCase("gpt-4", "/tokenize", """{"model":"gpt-4","prompt":"x"}""")]
    [TestCase("gpt-4", "/detokenize", """{"model":"gpt-4","tokens":[1]}""")]
    public async Task A_model_that_is_not_served_is_not_found(string model, string route, string body)
    {
        var error = HttpAnswers.AssertError(await SharedServer.Http.PostAsync(route, body), 404);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(error.GetProperty("message").GetString(), Does.Contain(model).And.Contain("gsm-llama"));
            Assert.That(error.GetProperty("code").GetString(), Is.EqualTo("model_not_found"));
            Assert.That(error.GetProperty("param").GetString(), Is.EqualTo("model"));
        }
    }

    [Test]
    public async Task A_body_may_begin_with_a_byte_order_mark_and_may_be_compressed()
    {
        var (_, plain) = await SharedServer.Http.PostAsync(Completions, Short);
        var json = Encoding.UTF8.GetBytes(Short);
        var marked = await PostBytesAsync([0xEF, 0xBB, 0xBF, .. json]);
        var compressed = await PostBytesAsync(Gzip(json), "gzip");
        var unchanged = await PostBytesAsync(json, "identity");
        foreach (var (status, answer) in (ReadOnlySpan<(HttpStatusCode, JsonElement)>)[marked, compressed, unchanged])
        {
            Assert.That(status, Is.EqualTo(HttpStatusCode.OK), answer.ToString());
            Assert.That(TextOf(answer), Is.EqualTo(TextOf(plain)));
        }
    }

    [Test]
    public async Task Other_encodings_and_what_is_not_what_it_says_are_refused()
    {
        var json = Encoding.UTF8.GetBytes(Short);
        HttpAnswers.AssertError(await PostBytesAsync(json, "br"), 415);
        HttpAnswers.AssertError(await PostBytesAsync(Gzip(json), "gzip", "gzip"), 415);
        var error = HttpAnswers.AssertError(await PostBytesAsync(json, "gzip"), 400);
        Assert.That(error.GetProperty("message").GetString(), Does.Contain("expected gzip"));
    }

    [Test]
    public async Task The_limit_of_a_compressed_body_is_that_of_its_text()
    {
        await using var server = await SharedServer.StartAsync(new ServerSettings { MaxBodyBytes = 5000 });
        using var http = new HttpClient { BaseAddress = server.Address };
        var body = Gzip(Encoding.UTF8.GetBytes($$"""{"prompt":"{{new string('a', 100_000)}}"}"""));
        Assert.That(body, Has.Length.LessThan(5000));
        HttpAnswers.AssertError(await PostBytesAsync(http, body, "gzip"), 413);
    }

    [TestCase("HTTP/1.1", false)]
    [TestCase("HTTP/1.1", true)]
    [TestCase("HTTP/1.0", false)]
    public async Task A_client_that_closes_its_own_side_gets_its_answer(string version, bool streams)
    {
        var body = streams ? Long.Replace("}", ",\"stream\":true}", StringComparison.Ordinal) : Long;
        using var client = new TcpClient();
        await client.ConnectAsync(SharedServer.Address.Host, SharedServer.Address.Port);
        await using var stream = client.GetStream();
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes(
                $"POST {Completions} {version}\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"
            )
        );
        client.Client.Shutdown(SocketShutdown.Send);

        using var reader = new StreamReader(stream);
        var answer = await reader.ReadToEndAsync();
        var final = answer.Replace("HTTP/1.1 100 Continue\r\n\r\n", "", StringComparison.Ordinal);
        Assert.That(final, Does.StartWith("HTTP/1.1 200 OK\r\n"));
        Assert.That(final, streams ? Does.Contain("data: [DONE]") : Does.Contain("\"completion_tokens\":300"));
    }

    [TestCase("""{"prompt":"a","tool_choice":"\ud800"}""", "tool_choice")]
    [TestCase("""{"prompt":"a","metadata":{"a":["b","\udc00x"]}}""", "metadata.a[1]")]
    [TestCase("""{"prompt":"a","stop":["\ud83d\ude00","\ud83d"]}""", "stop[1]")]
    [TestCase("""{"prompt":["a","\\\ud83d"]}""", "prompt[1]")]
    [TestCase("""{"prompt":"a","metadata":{"\ud83d":1}}""", null)]
    public async Task Half_a_surrogate_pair_is_refused_wherever_it_stands(string body, string? param)
    {
        var error = HttpAnswers.AssertError(await SharedServer.Http.PostAsync(Completions, body), 400);
        Assert.That(error.GetProperty("message").GetString(), Does.Contain("half of a surrogate pair"));
        Assert.That(error.GetProperty("param").GetString(), Is.EqualTo(param));
    }

    private static async Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string route,
        string? origin = null,
        HttpClient? http = null
    )
    {
        using var request = new HttpRequestMessage(method, route);
        if (origin is not null)
        {
            request.Headers.Add("Origin", origin);
        }

        if (origin is not null && method == HttpMethod.Options)
        {
            request.Headers.Add("Access-Control-Request-Method", "POST");
            request.Headers.Add("Access-Control-Request-Headers", "authorization,content-type");
        }

        return await (http ?? SharedServer.Http).SendAsync(request);
    }

    private static Task<(HttpStatusCode Status, JsonElement Body)> PostBytesAsync(
        byte[] body,
        params string[] encodings
    ) => PostBytesAsync(SharedServer.Http, body, encodings);

    private static async Task<(HttpStatusCode Status, JsonElement Body)> PostBytesAsync(
        HttpClient http,
        byte[] body,
        params string[] encodings
    )
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        foreach (var encoding in encodings)
        {
            content.Headers.ContentEncoding.Add(encoding);
        }

        using var response = await http.PostAsync(new Uri(Completions, UriKind.Relative), content);
        return (response.StatusCode, await HttpAnswers.ReadAsync(response));
    }

    private static byte[] Gzip(byte[] bytes)
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Optimal))
        {
            gzip.Write(bytes);
        }

        return target.ToArray();
    }

    private static string? Origin(HttpResponseMessage response) =>
        response.Headers.TryGetValues("Access-Control-Allow-Origin", out var origins) ? origins.Single() : null;

    private static string? TextOf(JsonElement answer) =>
        answer.GetProperty("choices")[0].GetProperty("text").GetString();
}
