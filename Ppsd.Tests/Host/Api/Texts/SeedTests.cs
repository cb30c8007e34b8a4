using System.Text.Json;

namespace Ppsd.Tests.Host.Api.Texts;

/// <summary>A text that was drawn can be drawn again: its answer says the seed.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class SeedTests
{
    private const string Header = "x-ppsd-seed";

    private static readonly string[] _bodies =
    [
        "/v1/completions {\"prompt\":\"USER: How many legs? ASSISTANT:\",\"max_tokens\":12",
        $"/v1/chat/completions {{\"messages\":{HttpAnswers.Question},\"max_tokens\":12",
        $"/v1/responses {{\"input\":{HttpAnswers.Question},\"max_output_tokens\":12",
    ];

    [TestCaseSource(nameof(_bodies))]
    public async Task A_seed_that_was_drawn_gives_the_text_again(string request)
    {
        var drawn = await PostAsync(request, ",\"temperature\":1.5}");
        var again = await PostAsync(request, $",\"temperature\":1.5,\"seed\":{drawn.Header}}}");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(drawn.Body.GetProperty("seed").GetUInt64().ToString(Invariant), Is.EqualTo(drawn.Header));
            Assert.That(again.Header, Is.EqualTo(drawn.Header));
            Assert.That(TextOf(again.Body), Is.EqualTo(TextOf(drawn.Body)));
            Assert.That(ulong.Parse(drawn.Header!, Invariant), Is.LessThan(1UL << 53), "not exact for every reader");
        }
    }

    [TestCaseSource(nameof(_bodies))]
    public async Task Where_nothing_is_drawn_there_is_no_seed(string request)
    {
        var greedy = await PostAsync(request, ",\"temperature\":0,\"seed\":5}");

        Assert.That(greedy.Header, Is.Null);
        Assert.That(greedy.Body.TryGetProperty("seed", out _), Is.False);
    }

    [TestCaseSource(nameof(_bodies))]
    public async Task A_stream_says_the_seed_too(string request)
    {
        var (route, body) = Parts(request);
        var events = await SharedServer.Http.StreamAsync(
            route,
            $"{body},\"temperature\":1,\"seed\":9,\"stream\":true}}"
        );

        Assert.That(events.Where(text => text.Contains("\"seed\":9", StringComparison.Ordinal)), Is.Not.Empty);
    }

    private static IFormatProvider Invariant => System.Globalization.CultureInfo.InvariantCulture;

    private static string TextOf(JsonElement body) =>
        (
            body.TryGetProperty("choices", out var choices)
                ? choices
                : body.GetProperty("output")[0].GetProperty("content")
        )[0]
            .GetRawText();

    private static (string Route, string Body) Parts(string request) =>
        request.Split(' ', 2) is [var route, var body] ? (route, body) : throw new ArgumentException(request);

    private static async Task<(string? Header, JsonElement Body)> PostAsync(string request, string rest)
    {
        var (route, body) = Parts(request);
        using var response = await SharedServer.Http.PostAsync(
            new Uri(route, UriKind.Relative),
            HttpAnswers.Json(body + rest)
        );
        var text = await response.Content.ReadAsStringAsync();
        Assert.That(response.IsSuccessStatusCode, text);
        using var document = JsonDocument.Parse(text);
        return (
            response.Headers.TryGetValues(Header, out var values) ? values.Single() : null,
            document.RootElement.Clone()
        );
    }
}
