using System.Net.Http.Headers;

namespace Ppsd.Tests.Host.Api;

/// <summary>A thousand bodies no client should send: the server survives, leaks nothing and serves the next.</summary>
[NonParallelizable] // It expects that nobody else holds a session of the shared pipeline.
public sealed class MalformedBodyTests
{
    private static readonly string[] _routes = ["/v1/chat/completions", "/v1/completions", "/tokenize", "/detokenize"];

    [Test]
    public async Task A_thousand_malformed_bodies_are_refused_one_by_one_and_leave_nothing_behind()
    {
        const int count = 1000;
        var bodies = new MalformedBodies(seed: 20261125);
        var refused = 0;
        for (var i = 0; i < count; i++)
        {
            var body = bodies.Next();
            var route = _routes[i % _routes.Length];
            using var content = new ByteArrayContent(body);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var response = await SharedServer.Http.PostAsync(new Uri(route, UriKind.Relative), content);
            var status = (int)response.StatusCode;
            if (status != 200)
            {
                refused++;
                Assert.That(
                    status,
                    Is.EqualTo(400),
                    $"body {i} to {route}: {Convert.ToHexString(body.AsSpan(0, Math.Min(body.Length, 300)))}"
                );
                HttpAnswers.AssertError((response.StatusCode, await HttpAnswers.ReadAsync(response)), 400);
            }
        }

        Assert.That(refused, Is.GreaterThan(count * 9 / 10), "too many of the bodies were requests after all");
        await SharedServer.AssertNothingHeldAsync();
        var (next, answer) = await SharedServer.Http.PostAsync(
            "/v1/chat/completions",
            $"{{\"messages\":{HttpAnswers.Question},\"max_tokens\":4}}"
        );
        Assert.That((int)next, Is.EqualTo(200), answer.ToString());
    }
}
