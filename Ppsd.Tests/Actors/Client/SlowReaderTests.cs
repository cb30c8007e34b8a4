using Ppsd.Actors.Client;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Client;

/// <summary>A reader of tokens that takes its time: who waits for it, and who does not.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class SlowReaderTests
{
    private const int Tokens = 600;

    /// <summary>A client breaks a stream that exceeds its window, so a text that arrives whole stayed within it.</summary>
    [Test]
    public async Task The_pipeline_is_done_with_a_text_before_its_reader_and_the_rest_waits_within_the_window()
    {
        await using var pipeline = await ToyPipeline.StartAsync(2, ToyDrafters.Mostly);
        var request = ToyPipeline.Request([1, 2], Tokens);
        var received = new List<TokenId>();
        GenerationEnded? end = null;
        await foreach (var next in pipeline.Client.Start(request).Events())
        {
            if (received.Count == 0)
            {
                await UntilAsync(pipeline, sessions => sessions.GeneratedTokens == Tokens);
                await pipeline.AssertNothingHeldAsync();
                Assert.That(
                    await SessionsAsync(pipeline),
                    Has.Property("Running").EqualTo(1),
                    "it is not delivered yet"
                );
            }

            received.AddRange((next as TokensGenerated)?.Tokens ?? []);
            end = next as GenerationEnded;
        }

        using (Assert.EnterMultipleScope())
        {
            Assert.That(received, Is.EqualTo(pipeline.Model.Generate(request.Prompt, Tokens, SamplingSettings.Greedy)));
            Assert.That(end, Has.Property("Reason").EqualTo(FinishReason.Length));
            Assert.That(end!.Stats.GeneratedTokens, Is.EqualTo(Tokens));
        }

        await UntilAsync(pipeline, sessions => sessions.Running == 0);
    }

    [Test]
    public async Task A_reader_that_leaves_takes_what_waits_for_it_along()
    {
        await using var pipeline = await ToyPipeline.StartAsync(2, ToyDrafters.Mostly);
        await foreach (var _ in pipeline.Client.Start(ToyPipeline.Request([1, 2], Tokens)).Events())
        {
            await UntilAsync(pipeline, sessions => sessions.GeneratedTokens == Tokens);
            break;
        }

        await UntilAsync(pipeline, sessions => sessions.Running == 0);
        await pipeline.AssertNothingHeldAsync();
    }

    private static async Task<SessionTotals> SessionsAsync(ToyPipeline pipeline) =>
        (await pipeline.StatusAsync())[0].Sessions!;

    private static async Task UntilAsync(ToyPipeline pipeline, Func<SessionTotals, bool> isReached)
    {
        for (var attempt = 0; attempt < 1000; attempt++)
        {
            if (isReached(await SessionsAsync(pipeline)))
            {
                return;
            }

            await Task.Delay(10);
        }

        Assert.Fail("not reached within ten seconds");
    }
}
