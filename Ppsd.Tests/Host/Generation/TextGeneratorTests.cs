using Ppsd.Actors.Messages;
using Ppsd.Actors.Planning;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Runtime;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Generation;

/// <summary>Text from a pipeline: streamed, stopped, cancelled.</summary>
public sealed class TextGeneratorTests
{
    private ModelAssets _assets = null!;
    private InProcessPipeline _pipeline = null!;
    private TextGenerator _generator = null!;
    private int[] _prompt = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        _assets = ModelAssets.Open(TestModels.Folder(TestModels.Gsm), TestModels.GsmExitHead, TimeProvider.System);
        _pipeline = await InProcessPipeline.StartAsync(
            _assets,
            StagePlan.Even(_assets.Config.LayerCount, 2),
            new StageSettings { Devices = ["cpu"], Threads = 1 },
            new NodeSettings(),
            TimeProvider.System
        );
        _generator = new TextGenerator(_pipeline.Client, _assets);
        _prompt = _assets.Tokenizer.Encode("USER: How many legs do 3 cats have? ASSISTANT:");
    }

    [OneTimeTearDown]
    public async Task Stop() => await _pipeline.DisposeAsync();

    [Test]
    public async Task What_is_streamed_is_the_text_and_the_text_is_its_tokens()
    {
        var streamed = "";
        TextResult? result = null;
        await foreach (var next in _generator.StreamAsync(_prompt, Settings(60)))
        {
            streamed += next is TextAdded added ? added.Text : "";
            result = next is TextCompleted completed ? completed.Result : result;
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(streamed, Is.EqualTo(result!.Text).And.Not.Empty);
            Assert.That(
                _assets.Tokenizer.Decode([.. _prompt, .. result.TokenIds]),
                Is.EqualTo(_assets.Tokenizer.Decode(_prompt) + result.Text)
            );
        }
    }

    [Test]
    public async Task A_stop_string_ends_the_session_at_every_stage_and_frees_its_pages()
    {
        var result = await _generator.RunAsync(
            _prompt,
            Settings(1500) with
            {
                IgnoreEndTokens = true,
                StopStrings = ["="],
            }
        );

        Assert.That(result.Reason, Is.EqualTo(FinishReason.Stop));
        Assert.That(result.Text, Does.Not.Contain("="));
        Assert.That(result.TokenIds, Has.Count.LessThan(200));
        await AssertNothingHeldAsync();
    }

    [Test]
    public async Task A_reader_that_leaves_cancels_the_session_at_every_stage()
    {
        await foreach (var _ in _generator.StreamAsync(_prompt, Settings(1500) with { IgnoreEndTokens = true }))
        {
            break;
        }

        await AssertNothingHeldAsync();
    }

    [Test]
    public async Task Drafts_are_reported_when_asked_for()
    {
        var drafts = new List<string>();
        await foreach (var next in _generator.StreamAsync(_prompt, Settings(40) with { ShowDrafts = true }))
        {
            if (next is DraftTextChanged changed)
            {
                drafts.Add(changed.Text);
            }
        }

        Assert.That(drafts, Has.Some.Not.Empty);
    }

    /// <summary>Drafts run ahead of the text, but there are no positions beyond the context for them.</summary>
    [Test]
    public async Task A_text_may_fill_the_context_to_its_last_position()
    {
        var length = _assets.Config.MaxPositions;
        int[] prompt = [.. Enumerable.Range(0, length - 20).Select(i => _prompt[i % _prompt.Length])];
        var settings = Settings(20) with { IgnoreEndTokens = true };
        var plain = await _generator.RunAsync(prompt, settings with { Drafts = DraftSources.None });
        var tree = await _generator.RunAsync(prompt, settings with { MaxWidth = 3 });

        Assert.That(tree.TokenIds, Is.EqualTo(plain.TokenIds).And.Count.EqualTo(20));
    }

    /// <summary>Penalties look back over drafts in flight, and log-probabilities come with verdicts: both must not show it.</summary>
    [TestCase(0f)]
    [TestCase(0.8f)]
    public async Task Penalties_and_log_probabilities_are_the_same_with_speculation_on_and_off(float temperature)
    {
        var settings = Settings(60) with
        {
            IgnoreEndTokens = true,
            TopLogprobs = 3,
            Sampling = new SamplingSettings
            {
                Temperature = temperature,
                PresencePenalty = 0.7f,
                FrequencyPenalty = 0.4f,
                Seed = 5,
            },
        };
        var plain = await _generator.RunAsync(_prompt, settings with { Drafts = DraftSources.None });
        var speculative = await _generator.RunAsync(_prompt, settings);
        var tree = await _generator.RunAsync(_prompt, settings with { MaxWidth = 3 });
        var unpenalised = await _generator.RunAsync(
            _prompt,
            settings with
            {
                Sampling = settings.Sampling with { PresencePenalty = 0f, FrequencyPenalty = 0f },
            }
        );

        using (Assert.EnterMultipleScope())
        {
            Assert.That(speculative.Stats.AcceptedDrafts, Is.Positive);
            Assert.That(plain.Logprobs, Has.Count.EqualTo(60));
            foreach (var other in (TextResult[])[speculative, tree])
            {
                Assert.That(other.TokenIds, Is.EqualTo(plain.TokenIds));
                Assert.That(
                    other.Logprobs!.Select(token => token.Chosen),
                    Is.EqualTo(plain.Logprobs!.Select(token => token.Chosen))
                );
                Assert.That(
                    other.Logprobs!.SelectMany(token => token.Top),
                    Is.EqualTo(plain.Logprobs!.SelectMany(token => token.Top))
                );
            }

            Assert.That(unpenalised.TokenIds, Is.Not.EqualTo(plain.TokenIds));
        }
    }

    [Test]
    public async Task Streamed_tokens_and_their_log_probabilities_are_those_of_the_result()
    {
        var tokens = new List<int>();
        var chosen = new List<float>();
        TextResult? result = null;
        await foreach (var next in _generator.StreamAsync(_prompt, Settings(30) with { TopLogprobs = 0 }))
        {
            if (next is TextAdded added)
            {
                tokens.AddRange(added.Tokens.Select(token => token.Value));
                chosen.AddRange(added.Logprobs!.Select(token => token.Chosen));
            }

            result = next is TextCompleted completed ? completed.Result : result;
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(tokens, Is.EqualTo(result!.TokenIds));
            Assert.That(chosen, Is.EqualTo(result.Logprobs!.Select(token => token.Chosen)));
            Assert.That(result.Logprobs!, Has.All.Property("Top").Empty);
            Assert.That(chosen, Has.All.Not.Positive);
        }
    }

    private static GenerationSettings Settings(int maxTokens) =>
        new()
        {
            Drafts = DraftSources.ExitHead,
            Sampling = SamplingSettings.Greedy,
            MaxTokens = maxTokens,
        };

    private async Task AssertNothingHeldAsync()
    {
        for (var attempt = 0; attempt < 500; attempt++)
        {
            var status = await Ppsd.Actors.Local.PipelineStatus.AskAsync(_pipeline.Formed);
            if (status.All(stage => stage is { OpenSessions: 0, UsedPages: 0 }))
            {
                return;
            }

            await Task.Delay(10);
        }

        Assert.Fail("pages are still held");
    }
}
