using System.Net.Http.Headers;

namespace Ppsd.Tests.Host.Api;

/// <summary>What one client of the soak test does next, drawn from a seed.</summary>
internal sealed class SoakTraffic(int seed)
{
#pragma warning disable RS0030 // A seeded generator is what the rule against unseeded ones asks for.
    private readonly Random _random = new(seed);
#pragma warning restore RS0030

    private readonly MalformedBodies _malformed = new(seed);

    /// <summary>True for the request whose answer is known.</summary>
    public bool IsSteady() => _random.Next(4) == 0;

    /// <summary>How long the client stays: half of them leave in the middle.</summary>
    public TimeSpan Patience() =>
        _random.Next(2) == 0 ? TimeSpan.FromMilliseconds(_random.Next(1, 1500)) : TimeSpan.FromMinutes(2);

    /// <summary>The next request.</summary>
    public HttpRequestMessage Next()
    {
        var isChat = _random.Next(2) == 0;
        var request = new HttpRequestMessage(HttpMethod.Post, isChat ? "/v1/chat/completions" : "/v1/completions");
        if (_random.Next(8) == 0)
        {
            request.Content = new ByteArrayContent(_malformed.Next());
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            return request;
        }

        var subject = isChat
            ? $"\"messages\":{HttpAnswers.Question}"
            : $"\"prompt\":\"{string.Concat(Enumerable.Repeat("How many legs do 3 cats have? ", _random.Next(1, 40)))}\"";
        var stream = _random.Next(2) == 0 ? "true" : "false";
        var drafts = stream == "true" && _random.Next(3) == 0 ? "true" : "false";
        request.Content = HttpAnswers.Json(
            $"{{{subject},\"max_tokens\":{_random.Next(1, 300)},\"ignore_eos\":true,\"stream\":{stream},\"drafts\":{drafts},"
                + $"\"temperature\":0.{_random.Next(10)},\"speculation\":{(_random.Next(4) > 0 ? "true" : "false")},\"stop\":[\"=\",\"####\"]}}"
        );
        return request;
    }
}
