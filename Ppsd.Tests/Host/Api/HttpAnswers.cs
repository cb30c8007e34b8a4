using System.Net;
using System.Text;
using System.Text.Json;

namespace Ppsd.Tests.Host.Api;

/// <summary>Requests as curl sends them, and what came back.</summary>
internal static class HttpAnswers
{
    public const string Question = """[{"role":"user","content":"How many legs do 3 cats have?"}]""";

    public static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    /// <summary>Posts JSON and reads JSON.</summary>
    public static async Task<(HttpStatusCode Status, JsonElement Body)> PostAsync(
        this HttpClient http,
        string route,
        string body
    )
    {
        using var response = await http.PostAsync(new Uri(route, UriKind.Relative), Json(body));
        return (response.StatusCode, await ReadAsync(response));
    }

    /// <summary>Gets JSON.</summary>
    public static async Task<(HttpStatusCode Status, JsonElement Body)> ReadAsync(this HttpClient http, string route)
    {
        using var response = await http.GetAsync(new Uri(route, UriKind.Relative));
        return (response.StatusCode, await ReadAsync(response));
    }

    /// <summary>The events of a stream, each without its prefix.</summary>
    public static async Task<List<string>> StreamAsync(this HttpClient http, string route, string body)
    {
        using var response = await http.PostAsync(new Uri(route, UriKind.Relative), Json(body));
        var text = await response.Content.ReadAsStringAsync();
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK), text);
        Assert.That(response.Content.Headers.ContentType!.MediaType, Is.EqualTo("text/event-stream"));
        return
        [
            .. text.Split('\n')
                .Where(line => line.StartsWith("data: ", StringComparison.Ordinal))
                .Select(line => line["data: ".Length..]),
        ];
    }

    /// <summary>Asserts the OpenAI error object and returns it.</summary>
    public static JsonElement AssertError((HttpStatusCode Status, JsonElement Body) answer, int status)
    {
        Assert.That((int)answer.Status, Is.EqualTo(status), answer.Body.ToString());
        var error = answer.Body.GetProperty("error");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(error.GetProperty("message").GetString(), Is.Not.Empty.And.Not.Contain("\n"));
            Assert.That(error.GetProperty("type").GetString(), Is.Not.Empty);
            Assert.That(error.TryGetProperty("param", out _), Is.True);
            Assert.That(error.TryGetProperty("code", out _), Is.True);
        }

        return error;
    }

    public static async Task<JsonElement> ReadAsync(HttpResponseMessage response)
    {
        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return document.RootElement.Clone();
    }
}
