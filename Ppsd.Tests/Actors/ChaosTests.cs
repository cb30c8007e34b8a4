using FsCheck;
using FsCheck.Fluent;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors;

/// <summary>Random histories: whatever the network does, the text is the same and no page is lost.</summary>
[Parallelizable(ParallelScope.All)]
public sealed class ChaosTests
{
    private static readonly ToyDrafter[] _drafters =
    [
        ToyDrafters.AlwaysRight,
        ToyDrafters.AlwaysWrong,
        ToyDrafters.Alternating,
        ToyDrafters.Late,
        ToyDrafters.RunnerUp,
        ToyDrafters.Mostly,
    ];

    private static readonly DraftSources[] _sources =
    [
        DraftSources.ExitHead,
        DraftSources.ExitHead | DraftSources.NGrams,
        DraftSources.NGrams,
        DraftSources.None,
    ];

    [Test]
    public void Random_delays_and_late_and_repeated_cancels_change_no_token() => Check(loss: 0, histories: 60);

    [Test]
    public void Lost_messages_cost_time_but_no_token() => Check(loss: 0.01, histories: 12);

    /// <summary>A stage that may not send computes nothing, and what waits for it is in flight nowhere.</summary>
    [Test]
    public async Task Credits_that_never_come_back_cost_time_but_no_token()
    {
        await using var pipeline = await ChaosPipeline.StartAsync(
            3,
            ToyDrafters.AlwaysRight,
            seed: 7,
            loss: 0,
            losesCredits: true
        );
        Assert.That(await RunSessionAsync(pipeline, session: 0, width: 4, depth: 1, promptLength: 4, seed: 7));
        await pipeline.AssertNothingHeldAsync();
    }

    private static void Check(double loss, int histories)
    {
        var history =
            from seed in Gen.Choose(1, 1_000_000)
            from drafter in Gen.Choose(0, _drafters.Length - 1)
            from stages in Gen.Choose(1, 5)
            from width in Gen.Choose(1, 16)
            from depth in Gen.Choose(1, 6)
            from promptLength in Gen.Choose(1, 9)
            from sessions in Gen.Choose(1, 7)
            from parallelStages in Gen.Choose(0, 2)
            select (seed, drafter, stages, width, depth, promptLength, sessions, parallelStages);

        Prop.ForAll(
                history.ToArbitrary(),
                h =>
                    RunAsync(
                            _drafters[h.drafter],
                            h.stages,
                            h.width,
                            h.depth,
                            h.promptLength,
                            h.sessions,
                            h.parallelStages,
                            h.seed,
                            loss
                        )
                        .GetAwaiter()
                        .GetResult()
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(histories).WithReplay(20260924, 1));
    }

    private static async Task<bool> RunAsync(
        ToyDrafter drafter,
        int stages,
        int width,
        int depth,
        int promptLength,
        int sessions,
        int parallelStages,
        int seed,
        double loss
    )
    {
        await using var pipeline = await ChaosPipeline.StartAsync(
            stages,
            drafter,
            seed,
            loss,
            parallelStages,
            draftDepth: depth
        );
        var runs = Enumerable
            .Range(0, sessions)
            .Select(session =>
                RunSessionAsync(pipeline, session, width, depth, promptLength + 5 * (session % 3), seed)
            );
        var same = await Task.WhenAll(runs);
        await pipeline.AssertNothingHeldAsync();
        return same.All(equal => equal);
    }

    /// <summary>One session of a mix: modes, settings, widths and lengths differ, and some leave before their text is done.</summary>
    private static async Task<bool> RunSessionAsync(
        ChaosPipeline pipeline,
        int session,
        int width,
        int depth,
        int promptLength,
        int seed
    )
    {
        var random = new Random(seed * 100 + session);
        var prompt = Enumerable.Range(0, promptLength).Select(i => (seed + session + i) % 5).ToArray();
        var sampling = new SamplingSettings { Temperature = session % 2, Seed = (ulong)seed };
        var request = ToyPipeline.Request(
            prompt,
            maxTokens: 40 - 5 * (session % 3),
            drafts: _sources[(seed + session) % _sources.Length],
            sampling: sampling,
            maxWidth: 1 + (width + session) % 16
        ) with
        {
            TopLogprobs = session % 3 == 2 ? null : 1,
            ChainDepth = depth,
        };
        var stopAfter = session % 5 == 4 ? random.Next(1, 20) : int.MaxValue;
        var result = await pipeline.Client.RunAsync(request, stopAfter);
        var expected = pipeline.Model.Generate(request.Prompt, request.MaxTokens, sampling);
        return result.Tokens.SequenceEqual(expected.Take(result.Tokens.Count))
            && (result.Tokens.Count == expected.Count || result.Tokens.Count >= stopAfter)
            && (request.TopLogprobs is null || LogprobsFit(pipeline.Model, prompt, result));
    }

    private static bool LogprobsFit(ToyModel model, int[] prompt, GenerationResult result)
    {
        TokenId[] sequence = [.. prompt.Select(token => new TokenId(token)), .. result.Tokens];
        return result
            .Tokens.Select((token, i) => Math.Log(model.Distribution(sequence[..(prompt.Length + i)])[token.Value]))
            .Zip(result.Logprobs, (expected, actual) => (float)expected == actual.Chosen && actual.Top.Length == 1)
            .All(equal => equal);
    }
}
