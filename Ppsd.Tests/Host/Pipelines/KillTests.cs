using System.Diagnostics;
using Ppsd.Actors.Client;
using Ppsd.Actors.Local;
using Ppsd.Actors.Messages;
using Ppsd.Host.Pipelines;
using Ppsd.Tests.Support;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Host.Pipelines;

/// <summary>Real processes and a real kill: what production does to a cluster.</summary>
[NonParallelizable] // Seconds count from a kill on.
public sealed class KillTests
{
    [Test]
    public async Task A_stage_killed_mid_decode_ends_the_request_clearly_and_a_new_stage_restores_service()
    {
        var stages = new List<StageUnderTest>();
        try
        {
            stages.Add(await StageUnderTest.StartAsync([]));
            for (var i = 1; i < 4; i++)
            {
                stages.Add(await StageUnderTest.StartAsync(["--seed-node", stages[0].Address]));
            }

            await using var joined = await JoinAsync(stages[0].Address);
            var expected = await joined.Client.RunAsync(Request(maxTokens: 24));

            // Mid-decode: the first tokens of a long text have arrived.
            var victim = joined.Formed.Stages[2].Actor.Path.Address.ToString();
            var generation = joined.Client.Start(Request(maxTokens: 1900), resumes: false);
            var started = Stopwatch.GetTimestamp();
            GenerationException? failure = null;
            try
            {
                await foreach (var next in generation.Events())
                {
                    if (
                        next is TokensGenerated
                        && stages.Find(stage => stage.Address == victim) is { IsKilled: false } stage
                    )
                    {
                        stage.Kill();
                        started = Stopwatch.GetTimestamp();
                    }
                }
            }
            catch (GenerationException e)
            {
                failure = e;
            }

            using (Assert.EnterMultipleScope())
            {
                Assert.That(failure, Is.Not.Null, "the request ended as if nothing had happened");
                Assert.That(failure!.Message, Does.Contain("stage 3").And.Contain("gone").And.Not.Contain("\n"));
                Assert.That(Stopwatch.GetElapsedTime(started), Is.LessThan(TimeSpan.FromSeconds(15)));
            }

            stages.Add(await StageUnderTest.StartAsync(["--seed-node", stages[0].Address]));
            await using var rejoined = await JoinAsync(stages[0].Address);
            var again = await rejoined.Client.RunAsync(Request(maxTokens: 24));
            Assert.That(again.Tokens, Is.EqualTo(expected.Tokens));

            // Survivors keep a text's keys and values until a pipeline stands and nobody has asked for them.
            await AssertHoldNothingAsync(rejoined.Formed);
        }
        finally
        {
            await Task.WhenAll(stages.Select(stage => stage.DisposeAsync().AsTask()));
        }
    }

    private static Task<JoinedPipeline> JoinAsync(string seed) =>
        JoinedPipeline.JoinAsync(
            [seed],
            new NodeSettings(),
            TimeSpan.FromSeconds(60),
            _ => { },
            TimeProvider.System,
            CancellationToken.None
        );

    private static StartSession Request(int maxTokens) =>
        ToyPipeline.Request([1, 438, 4035, 489, 4080, 441, 4035], maxTokens, DraftSources.ExitHead);

    private static async Task AssertHoldNothingAsync(PipelineFormed formed)
    {
        for (var attempt = 0; attempt < 200; attempt++)
        {
            var status = await PipelineStatus.AskAsync(formed);
            if (status.All(stage => stage is { OpenSessions: 0, UsedPages: 0 }))
            {
                return;
            }

            await Task.Delay(50);
        }

        Assert.Fail("a stage still holds pages ten seconds after the last request ended");
    }
}
