using System.Net;
using PuppeteerSharp;

namespace Ppsd.Tests.Host.Api;

/// <summary>The web page in a real headless Chromium.</summary>
[NonParallelizable] // It expects that nobody else holds a session of the shared pipeline.
public sealed class PageTests
{
    private const string Question = "Mia saves 6 dollars a week. How much does she have after 7 weeks?";

    private TestBrowser? _browser;

    [OneTimeSetUp]
    public async Task Launch() => _browser = await TestBrowser.LaunchAsync();

    [OneTimeTearDown]
    public async Task Close() => await (_browser?.DisposeAsync() ?? default);

    [TestCase("light")]
    [TestCase("dark")]
    public async Task A_question_typed_in_is_answered_with_drafts_in_colour_beside_four_stages(string scheme)
    {
        var errors = new List<string>();
        await using var page = await _browser!.OpenAsync(SharedServer.Address, errors, scheme);
        await page.WaitForFunctionAsync("() => document.querySelectorAll('.stage').length === 4");
        await page.WaitForSelectorAsync(".state.ready");
        await TestBrowser.SaveAsync(page, $"{scheme}-welcome");

        await page.TypeAsync("#question", Question);
        await page.Keyboard.PressAsync("Enter");
        var draft = await ColourAsync(page, ".assistant .token.draft");
        var verified = await ColourAsync(page, ".assistant .token.verified.fresh");
        var gone = await ColourAsync(page, ".assistant .token.gone");
        await page.WaitForFunctionAsync("() => document.querySelectorAll('.assistant .token.verified').length > 25");
        await TestBrowser.SaveAsync(page, $"{scheme}-drafting");

        await page.SelectAsync("#pace", "0");
        await page.WaitForSelectorAsync(".assistant .note b");
        await page.WaitForFunctionAsync("() => !document.querySelector('.assistant .draft, .assistant .gone')");
        await page.WaitForFunctionAsync("() => document.querySelector('#alpha-now').textContent !== '–'");
        await TestBrowser.SaveAsync(page, $"{scheme}-answered");

        var shown = await TextAsync(page, ".assistant > div");
        var note = await TextAsync(page, ".assistant .note");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(shown, Is.EqualTo(await AnswerAsync()), "drafts that came and went must leave nothing behind");
            Assert.That(new[] { draft, verified, gone }, Is.Unique, "three fates, three colours");
            Assert.That(note, Does.Contain("tokens/s").And.Contain("drafts accepted"));
            Assert.That(errors, Is.Empty);
        }
    }

    [Test]
    public async Task An_answer_can_be_stopped_and_the_next_question_asked()
    {
        var errors = new List<string>();
        await using var page = await _browser!.OpenAsync(SharedServer.Address, errors);
        await page.EvaluateExpressionAsync("document.querySelector('#max-tokens').value = 1500");
        await page.ClickAsync(".examples button");
        await page.WaitForSelectorAsync(".assistant .token.verified");
        await page.ClickAsync("#stop");
        await page.WaitForFunctionAsync("() => document.body.dataset.running === 'false'");
        await SharedServer.AssertNothingHeldAsync();

        await page.EvaluateExpressionAsync("document.querySelector('#max-tokens').value = 8");
        await page.TypeAsync("#question", "And now?");
        await page.ClickAsync("#send");
        await page.WaitForSelectorAsync(".assistant .note b");
        Assert.That(errors, Is.Empty);
    }

    [Test]
    public async Task Drafts_are_a_run_with_others_beside_their_places_until_a_verdict()
    {
        var errors = new List<string>();
        await using var page = await _browser!.OpenAsync(SharedServer.Address, errors);
        var shown = await page.EvaluateFunctionAsync<string[]>(
            """
            async () => {
              const { DraftText, othersText } = await import("/page/drafttext.js");
              const root = document.createElement("div");
              const text = new DraftText(root);
              const seen = () => [...root.childNodes].map((node) => `${node.className}:${node.textContent}`).join(" / ");
              text.add("The cat");
              text.show([" sat", " on"], [[" was", " is"], []]);
              const tree = seen();
              text.show([" sat", " on", " the"], [[" was"], [], ["a"]]);
              const longer = seen();
              text.add(" sat");
              const confirmed = seen();
              text.add(" in");
              return [
                tree,
                longer,
                confirmed,
                seen(),
                othersText(" a", [" b", "c", "\n"]),
                othersText("a", ["b", "c", "d", "e"]),
              ];
            }
            """
        );

        Assert.That(
            shown,
            Is.EqualTo(
                new[]
                {
                    "token verified fresh:The cat / token draft: sat / others:|was|is / token draft: on",
                    "token verified fresh:The cat / token draft: sat / others:|was / token draft: on / token draft: the / others:|a",
                    "token verified fresh:The cat / token verified fresh: sat / token draft: on / token draft: the / others:|a",
                    "token verified fresh:The cat / token verified fresh: sat / token correction fresh: in / token gone: on / token gone: the",
                    "|␣b|c|↵",
                    "|b|c|d|…",
                }
            )
        );
        Assert.That(errors, Is.Empty);
    }

    [Test]
    public async Task Figures_of_drafts_are_those_between_two_looks_by_source_and_tokens_ahead()
    {
        var errors = new List<string>();
        await using var page = await _browser!.OpenAsync(SharedServer.Address, errors);
        var shown = await page.EvaluateFunctionAsync<string>(
            """
            async () => {
              const { perCycle, bySource, fillSources } = await import("/page/drafts.js");
              const past = { cycles: 10, rows: 60, accepted_drafts: 5 };
              const now = { cycles: 14, rows: 90, accepted_drafts: 12 };
              const sources = [
                { source: "exit_head", step: 0, verified_drafts: 8, accepted_drafts: 7 },
                { source: "exit_head", step: 2, verified_drafts: 4, accepted_drafts: 1 },
                { source: "ngram", step: 0, verified_drafts: 0, accepted_drafts: 0 },
              ];
              const table = document.createElement("table");
              table.append(document.createElement("tbody"));
              fillSources(table, sources);
              const lines = [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent).join(" "));
              return JSON.stringify([
                perCycle(now, past),
                perCycle(past, now),
                perCycle({ cycles: 0, rows: 0, accepted_drafts: 0 }, null),
                bySource(sources).map((row) => row.steps),
                lines,
              ]);
            }
            """
        );

        // The second is of a pipeline that has begun anew: what is there since.
        Assert.That(
            shown,
            Is.EqualTo(
                """[{"accepted":1.75,"rows":7.5},{"accepted":0.5,"rows":6},null,[[0.875,null,0.25],[null]],"""
                    + """["accepted, by tokens ahead +1 +2 +3","exit head .88 – .25","n-grams – – –"]]"""
            )
        );
        Assert.That(errors, Is.Empty);
    }

    /// <summary>Waits until there is such an element and reads its colour before it can go again.</summary>
    private static async Task<string> ColourAsync(IPage page, string selector)
    {
        await using var colour = await page.WaitForFunctionAsync(
            "selector => { const e = document.querySelector(selector); return e && getComputedStyle(e).color; }",
            selector
        );
        return await colour.JsonValueAsync<string>();
    }

    private static Task<string> TextAsync(IPage page, string selector) =>
        page.EvaluateFunctionAsync<string>("selector => document.querySelector(selector).textContent", selector);

    /// <summary>The same answer by the API, without drafts.</summary>
    private static async Task<string?> AnswerAsync()
    {
        var (status, body) = await SharedServer.Http.PostAsync(
            "/v1/chat/completions",
            $"{{\"messages\":[{{\"role\":\"user\",\"content\":\"{Question}\"}}],\"max_tokens\":120,\"temperature\":0}}"
        );
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK));
        return body.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString();
    }
}
