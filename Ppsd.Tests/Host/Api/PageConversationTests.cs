using System.Text.Json;
using System.Text.RegularExpressions;
using Ppsd.Host.Api.Serving;
using PuppeteerSharp;

namespace Ppsd.Tests.Host.Api;

/// <summary>The page when things go wrong, in a real headless Chromium.</summary>
[NonParallelizable] // It expects that nobody else holds a session of the shared pipeline.
public sealed class PageConversationTests
{
    private const string Idle = "() => document.body.dataset.running === 'false'";

    private readonly List<string> _errors = [];
    private TestBrowser? _browser;

    [OneTimeSetUp]
    public async Task Launch() => _browser = await TestBrowser.LaunchAsync();

    [OneTimeTearDown]
    public async Task Close() => await (_browser?.DisposeAsync() ?? default);

    [SetUp]
    public void Forget() => _errors.Clear();

    [TearDown]
    public void Check() => Assert.That(_errors, Is.Empty);

    [Test]
    public async Task A_question_that_fails_is_taken_back_into_the_box_and_the_next_one_is_answered()
    {
        await using var page = await OpenAsync();
        await PutAsync(page, "question", string.Join(' ', Enumerable.Repeat("eggs", 4000)));
        await page.ClickAsync("#send");
        await page.WaitForSelectorAsync(".assistant .fault");
        await page.WaitForFunctionAsync(Idle);
        await TestBrowser.SaveAsync(page, "light-too-long");
        Assert.That(
            await TextAsync(page, ".assistant .fault"),
            Is.EqualTo(
                "Question and answer together are longer than the 2,048 tokens that the model can hold. Shorten the question, or ask for fewer tokens."
            )
        );
        Assert.That(await page.EvaluateExpressionAsync<int>("question.value.length"), Is.EqualTo((4000 * 5) - 1));

        await AskAsync(page, "hi");
        await page.WaitForSelectorAsync(".assistant .note b");
    }

    [Test]
    public async Task A_conversation_longer_than_the_context_goes_on_without_its_oldest_turns_and_says_so()
    {
        await using var page = await OpenAsync();
        var long700 = string.Join(' ', Enumerable.Repeat("eggs", 700));
        for (var turn = 1; turn <= 4; turn++)
        {
            await AskAsync(page, long700);
            await page.WaitForFunctionAsync(
                $"() => document.querySelectorAll('.assistant .note:has(b)').length === {turn}"
            );
        }

        await TestBrowser.SaveAsync(page, "light-dropped");
        Assert.That(await CountAsync(page, ".dropped"), Is.EqualTo(2), "two turns of 700 words fit");
        Assert.That(await TextAsync(page, ".dropped"), Does.EndWith("the model no longer sees its oldest turn here."));
        Assert.That(await CountAsync(page, ".assistant .fault"), Is.Zero);
    }

    [Test]
    public async Task Enter_while_an_answer_runs_queues_the_question_and_stop_stops_the_answer()
    {
        await using var page = await OpenAsync();
        await PutAsync(page, "max-tokens", "1500");
        await AskAsync(page, "Tell me about cats.", waits: false);
        await page.WaitForSelectorAsync(".assistant .token");
        await PutAsync(page, "max-tokens", "8");
        await AskAsync(page, "How many legs do 3 cats have?", waits: false);
        await AskAsync(page, "Never mind.", waits: false);
        await page.WaitForFunctionAsync("() => document.querySelectorAll('.user.waiting').length === 2");
        Assert.That(await CountAsync(page, ".assistant"), Is.EqualTo(1), "the answer goes on");
        await TestBrowser.SaveAsync(page, "light-queued");

        await page.EvaluateExpressionAsync("document.querySelectorAll('.remove')[1].click()");
        await page.ClickAsync("#stop");
        await page.WaitForFunctionAsync(Idle);
        Assert.That(await TextAsync(page, ".assistant .note"), Is.EqualTo("stopped"));
        Assert.That(await CountAsync(page, ".assistant"), Is.EqualTo(2));
        Assert.That(
            await CountAsync(page, ".assistant .note:has(b)"),
            Is.EqualTo(1),
            "the queued question was answered"
        );
        await SharedServer.AssertNothingHeldAsync();
    }

    [Test]
    public async Task A_new_chat_forgets_the_old_one_and_shows_the_examples_again()
    {
        await using var page = await OpenAsync();
        await AskAsync(page, "hi");
        await page.WaitForSelectorAsync(".assistant .note b");
        await page.ClickAsync("#new-chat");
        Assert.That(await CountAsync(page, ".message"), Is.Zero);
        Assert.That(await CountAsync(page, ".examples button"), Is.EqualTo(3));
        await page.ClickAsync(".examples button");
        await page.WaitForSelectorAsync(".assistant .note b");
        Assert.That(await CountAsync(page, ".message"), Is.EqualTo(2));
    }

    [Test]
    public async Task The_examples_are_questions_that_the_bundled_model_answers_rightly()
    {
        await using var page = await OpenAsync();
        var examples = await page.EvaluateExpressionAsync<string[]>(
            "[...document.querySelectorAll('.examples button')].map((button) => button.textContent)"
        );
        foreach (var (question, answer) in examples.Zip((int[])[10, 15, 12]))
        {
            var (_, body) = await SharedServer.Http.PostAsync(
                "/v1/chat/completions",
                JsonSerializer.Serialize(
                    new
                    {
                        messages = new[] { new { role = "user", content = question } },
                        max_tokens = 120,
                        temperature = 0,
                    }
                )
            );
            var text = body.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString();
            Assert.That(text, Does.EndWith($"#### {answer}"), question);
        }
    }

    [TestCase("max-tokens", "0", "Max tokens: expected a whole number from 1 to 2,047.")]
    [TestCase("max-tokens", "1.5", "Max tokens: expected a whole number from 1 to 2,047.")]
    [TestCase("max-tokens", "9999", "Max tokens: expected a whole number from 1 to 2,047.")]
    [TestCase("max-tokens", "", "Max tokens: expected a whole number from 1 to 2,047.")]
    [TestCase("temperature", "3", "Temperature: expected a number from 0 to 2.")]
    public async Task A_setting_out_of_range_is_named_before_anything_is_sent(string id, string value, string expected)
    {
        await using var page = await OpenAsync();
        await page.WaitForFunctionAsync("() => document.querySelector('#max-tokens').max !== ''");
        await PutAsync(page, id, value);
        await AskAsync(page, "hi", waits: false);
        Assert.That(await TextAsync(page, "#settings-fault"), Is.EqualTo(expected));
        Assert.That(await CountAsync(page, ".message"), Is.Zero);
        Assert.That(await page.EvaluateExpressionAsync<string>("question.value"), Is.EqualTo("hi"));

        await PutAsync(page, id, "1");
        Assert.That(await TextAsync(page, "#settings-fault"), Is.Empty);
    }

    [Test]
    public async Task A_wrong_key_is_said_to_be_wrong_and_the_right_one_opens_the_page()
    {
        await using var server = await SharedServer.StartAsync(new ServerSettings { ApiKey = "sesame" });
        await using var page = await _browser!.OpenAsync(server.Address, _errors);
        await page.WaitForSelectorAsync("#key-dialog[open]");
        Assert.That(await IsHiddenAsync(page, "#key-refused"), Is.True, "no key has been given yet");
        await GiveKeyAsync(page, "mustard");
        await page.WaitForFunctionAsync("() => !document.querySelector('#key-refused').hidden");
        await page.WaitForSelectorAsync("#key-dialog[open]");
        await TestBrowser.SaveAsync(page, "light-wrong-key");
        await GiveKeyAsync(page, "sesame");
        await page.WaitForSelectorAsync(".state.ready");
    }

    [Test]
    public async Task The_figures_of_a_server_that_is_gone_go_grey_and_a_question_says_what_is_wrong()
    {
        var server = await SharedServer.StartAsync(new ServerSettings());
        await using var page = await _browser!.OpenAsync(server.Address, _errors, "dark");
        await page.WaitForSelectorAsync(".state.ready");
        await server.DisposeAsync();
        await page.WaitForSelectorAsync("#pipeline.stale");
        await AskAsync(page, "hi", waits: false);
        await page.WaitForSelectorAsync(".assistant .fault");
        await TestBrowser.SaveAsync(page, "dark-gone");
        const string Gone = "The server does not answer. It may have been stopped, or the network is down.";
        Assert.That(await TextAsync(page, ".assistant .fault"), Is.EqualTo(Gone));
        Assert.That(await TextAsync(page, "#state"), Is.EqualTo(Gone));
        Assert.That(await page.EvaluateExpressionAsync<string>("question.value"), Is.EqualTo("hi"));
    }

    [Test]
    public async Task A_screen_reader_hears_the_finished_text_and_nothing_before()
    {
        await using var page = await OpenAsync();
        await AskAsync(page, "How many legs do 3 cats have?", waits: false);
        await page.WaitForSelectorAsync(".assistant .token");
        Assert.That(await TextAsync(page, "#announcer"), Is.Empty);
        Assert.That(await CountAsync(page, "[aria-live] .token"), Is.Zero);
        await page.SelectAsync("#pace", "0");
        await page.WaitForSelectorAsync(".assistant .note b");
        await page.WaitForFunctionAsync("() => !document.querySelector('.assistant .gone')");
        Assert.That(await TextAsync(page, "#announcer"), Is.EqualTo(await TextAsync(page, ".assistant .body")));
    }

    [Test]
    public async Task In_slow_motion_the_stages_show_when_the_text_was_computed()
    {
        await using var page = await _browser!.OpenAsync(SharedServer.Address, _errors);
        await page.WaitForSelectorAsync(".state.ready");

        // The answer takes far less than the looks that follow it; four stages that work are those of its own moment. On a busy
        // machine no look may have found all four at work: then another answer is asked for.
        const int Asked = 3;
        for (var i = 1; i <= Asked; i++)
        {
            await page.TypeAsync("#question", "How many legs do 3 cats have?");
            await page.Keyboard.PressAsync("Enter");
            try
            {
                await page.WaitForFunctionAsync(
                    "() => !document.querySelector('#as-of').hidden && document.querySelectorAll('.stage.working').length === 4"
                );
                break;
            }
            catch (WaitTaskTimeoutException) when (i < Asked) { }
        }

        await TestBrowser.SaveAsync(page, "light-as-of");
        await page.SelectAsync("#pace", "0");
        await page.WaitForFunctionAsync(Idle);
        await page.WaitForFunctionAsync("() => document.querySelector('#as-of').hidden");
    }

    [Test]
    public async Task Charts_have_a_scale_with_a_unit()
    {
        await using var page = await OpenAsync();
        await AskAsync(page, "How many legs do 3 cats have?");
        await page.WaitForFunctionAsync(
            "() => ['speed', 'cycle'].every((id) => document.querySelector(`#${id}-now`).textContent !== '–')"
        );
        var tops = await page.EvaluateExpressionAsync<string[]>(
            "[...document.querySelectorAll('.plot span.top')].map((top) => top.textContent)"
        );
        Assert.That(tops[0], Is.EqualTo("1"));
        Assert.That(tops[1], Does.Match(new Regex(@"^[\d.,]+ ms$")));
        Assert.That(tops[2], Does.Match(new Regex(@"^[\d.,]+ tokens/s$")));
    }

    [TestCase("light", 390)]
    [TestCase("dark", 390)]
    [TestCase("light", 320)]
    [TestCase("dark", 800)]
    public async Task A_narrow_window_needs_no_scrolling_sideways(string scheme, int width)
    {
        await using var page = await _browser!.OpenAsync(SharedServer.Address, _errors, scheme, width);
        await page.WaitForSelectorAsync(".state.ready");
        await TestBrowser.SaveAsync(page, $"{scheme}-{width}-welcome");
        await page.SelectAsync("#pace", "0");
        await AskAsync(page, "How many legs do 3 cats have?");
        await page.WaitForSelectorAsync(".assistant .note b");
        await TestBrowser.SaveAsync(page, $"{scheme}-{width}-answered");
        var overflow = await page.EvaluateExpressionAsync<int>("document.documentElement.scrollWidth - innerWidth");
        Assert.That(overflow, Is.LessThanOrEqualTo(0));
    }

    /// <summary>Opens the page at a pace that nobody waits for, with short answers.</summary>
    private async Task<IPage> OpenAsync()
    {
        var page = await _browser!.OpenAsync(SharedServer.Address, _errors);
        await page.WaitForSelectorAsync(".state.ready");
        await PutAsync(page, "max-tokens", "24");
        return page;
    }

    private static async Task AskAsync(IPage page, string question, bool waits = true)
    {
        if (waits)
        {
            await page.SelectAsync("#pace", "0");
        }

        await PutAsync(page, "question", question);
        await page.FocusAsync("#question");
        await page.Keyboard.PressAsync("Enter");
        if (waits)
        {
            await page.WaitForFunctionAsync(Idle);
        }
    }

    private static async Task GiveKeyAsync(IPage page, string key)
    {
        await page.TypeAsync("#key", key);
        await page.Keyboard.PressAsync("Enter");
    }

    private static Task PutAsync(IPage page, string id, string value) =>
        page.EvaluateFunctionAsync(
            "(id, value) => { const input = document.getElementById(id); input.value = value; input.dispatchEvent(new Event('input')); }",
            id,
            value
        );

    private static Task<int> CountAsync(IPage page, string selector) =>
        page.EvaluateFunctionAsync<int>("selector => document.querySelectorAll(selector).length", selector);

    private static Task<bool> IsHiddenAsync(IPage page, string selector) =>
        page.EvaluateFunctionAsync<bool>("selector => document.querySelector(selector).hidden", selector);

    private static Task<string> TextAsync(IPage page, string selector) =>
        page.EvaluateFunctionAsync<string>("selector => document.querySelector(selector).textContent", selector);
}
