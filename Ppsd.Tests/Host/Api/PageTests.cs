using System.Net;
using PuppeteerSharp;

namespace Ppsd.Tests.Host.Api;

/// <summary>
/// The web page in a real headless Chromium. Set PPSD_TEST_SCREENSHOTS to a folder to see what it saw.
/// </summary>
public sealed class PageTests
{
    private const string Question = "Mia saves 6 dollars a week. How much does she have after 7 weeks?";

    private static readonly string[] _programs =
    [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ];

    private IBrowser? _browser;

    [OneTimeSetUp]
    public async Task Launch()
    {
        var path = Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator);
        var program = _programs
            .SelectMany(name => path.Select(folder => Path.Combine(folder, name)))
            .FirstOrDefault(File.Exists);
        if (program is null)
        {
            Assert.Ignore($"none of {string.Join(", ", _programs)} is installed; .ci/run installs one");
        }

        _browser = await Puppeteer.LaunchAsync(
            new LaunchOptions
            {
                ExecutablePath = program,
                Headless = true,
                Args =
                [
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-quic",
                    "--no-first-run",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                ],
            }
        );
    }

    [OneTimeTearDown]
    public async Task Close() => await (_browser?.DisposeAsync() ?? default);

    [TestCase("light")]
    [TestCase("dark")]
    public async Task A_question_typed_in_is_answered_with_drafts_in_colour_beside_four_stages(string scheme)
    {
        var errors = new List<string>();
        await using var page = await OpenAsync(scheme, errors);
        await page.WaitForFunctionAsync("() => document.querySelectorAll('.stage').length === 4");
        await page.WaitForSelectorAsync(".state.ready");
        await SaveAsync(page, $"{scheme}-welcome");

        await page.TypeAsync("#question", Question);
        await page.Keyboard.PressAsync("Enter");
        var draft = await ColourAsync(page, ".assistant .token.draft");
        var verified = await ColourAsync(page, ".assistant .token.verified.fresh");
        var gone = await ColourAsync(page, ".assistant .token.gone");
        await page.WaitForFunctionAsync("() => document.querySelectorAll('.assistant .token.verified').length > 25");
        await SaveAsync(page, $"{scheme}-drafting");

        await page.SelectAsync("#pace", "0");
        await page.WaitForSelectorAsync(".assistant .note b");
        await page.WaitForFunctionAsync("() => !document.querySelector('.assistant .draft, .assistant .gone')");
        await page.WaitForFunctionAsync("() => document.querySelector('#alpha-now').textContent !== '–'");
        await SaveAsync(page, $"{scheme}-answered");

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
        await using var page = await OpenAsync("light", errors);
        await page.EvaluateExpressionAsync("document.querySelector('#max-tokens').value = 1500");
        await page.ClickAsync(".examples button");
        await page.WaitForSelectorAsync(".assistant .token.verified");
        await page.ClickAsync("#send");
        await page.WaitForFunctionAsync("() => document.body.dataset.running === 'false'");
        await SharedServer.AssertNothingHeldAsync();

        await page.EvaluateExpressionAsync("document.querySelector('#max-tokens').value = 8");
        await page.TypeAsync("#question", "And now?");
        await page.ClickAsync("#send");
        await page.WaitForSelectorAsync(".assistant .note b");
        Assert.That(errors, Is.Empty);
    }

    private async Task<IPage> OpenAsync(string scheme, List<string> errors)
    {
        var page = await _browser!.NewPageAsync();
        page.PageError += (_, error) => errors.Add(error.Message);
        page.Console += (_, message) =>
        {
            if (message.Message.Type == ConsoleType.Error)
            {
                errors.Add(message.Message.Text);
            }
        };
        await page.SetViewportAsync(new ViewPortOptions { Width = 1360, Height = 880 });
        await page.EmulateMediaFeaturesAsync([
            new MediaFeatureValue { MediaFeature = MediaFeature.PrefersColorScheme, Value = scheme },
        ]);
        var response = await page.GoToAsync(SharedServer.Address.ToString());
        Assert.That(response!.Status, Is.EqualTo(HttpStatusCode.OK));
        return page;
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

    private static async Task SaveAsync(IPage page, string name)
    {
        if (Environment.GetEnvironmentVariable("PPSD_TEST_SCREENSHOTS") is { Length: > 0 } folder)
        {
            Directory.CreateDirectory(folder);
            await page.ScreenshotAsync(Path.Combine(folder, $"{name}.png"));
        }
    }
}
