using FsCheck;
using FsCheck.Fluent;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Tests.Support;

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

    [Test]
    public void Random_delays_and_late_and_repeated_cancels_change_no_token() => Check(loss: 0, histories: 60);

    [Test]
    public void Lost_messages_cost_time_but_no_token() => Check(loss: 0.01, histories: 12);

    private static void Check(double loss, int histories)
    {
        var history =
            from seed in Gen.Choose(1, 1_000_000)
            from drafter in Gen.Choose(0, _drafters.Length - 1)
            from stages in Gen.Choose(1, 5)
            from width in Gen.Choose(1, 4)
            from promptLength in Gen.Choose(1, 9)
            from sessions in Gen.Choose(1, 3)
            select (seed, drafter, stages, width, promptLength, sessions);

        Prop.ForAll(
                history.ToArbitrary(),
                h =>
                    RunAsync(_drafters[h.drafter], h.stages, h.width, h.promptLength, h.sessions, h.seed, loss)
                        .GetAwaiter()
                        .GetResult()
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(histories).WithReplay(20260924, 1));
    }

    private static async Task<bool> RunAsync(
        ToyDrafter drafter,
        int stages,
        int width,
        int promptLength,
        int sessions,
        int seed,
        double loss
    )
    {
        await using var pipeline = await ChaosPipeline.StartAsync(stages, drafter, seed, loss);
        var prompt = Enumerable.Range(0, promptLength).Select(i => (seed + i) % 5).ToArray();
        var runs = Enumerable
            .Range(0, sessions)
            .Select(async session =>
            {
                var sampling = new SamplingSettings { Temperature = session % 2, Seed = (ulong)seed };
                var expected = pipeline.Model.Generate([.. prompt.Select(t => new TokenId(t))], 40, sampling);
                var result = await pipeline.Client.RunAsync(
                    ToyPipeline.Request(prompt, 40, sampling: sampling, maxWidth: width) with
                    {
                        TopLogprobs = 1,
                    }
                );
                return result.Tokens.SequenceEqual(expected) && LogprobsFit(pipeline.Model, prompt, result);
            });
        var same = await Task.WhenAll(runs);
        await pipeline.AssertNothingHeldAsync();
        return same.All(equal => equal);
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
