using Ppsd.Actors.Client;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Resumes;

/// <summary>
/// What stages that live keep when another dies: the same text, and exactly the rows that they lack are computed again.
/// </summary>
[Parallelizable(ParallelScope.All)]
public sealed class KeptTextTests
{
    private const int Length = 24;
    private const int Stages = 4;
    private const int RowBytes = sizeof(long);

    private static readonly int[] _prompt = [1, 2, 3, 1, 5, 0, 2];

    /// <summary>Rows of a text that nothing disturbs, at every stage: all tokens but the last.</summary>
    private static int Rows => _prompt.Length + Length - 1;

    /// <summary>
    /// One token at a time, and nothing comes of the step in which the stage dies: then it is certain what each stage holds. Those
    /// before it have computed the token itself, those behind it the ones before.
    /// </summary>
    [Test]
    public async Task Survivors_compute_at_most_one_row_again_and_the_new_stage_alone_the_text(
        [Values(0, 1, 2, 3)] int dead
    )
    {
        await using var pipeline = Pipeline(losesSteps: true);
        var expected = Expected(pipeline);
        for (var place = _prompt.Length; place < Rows; place++)
        {
            var before = await pipeline.StatusAsync();
            pipeline.Plan((dead, place));
            var result = await pipeline.Client.RunAsync(Request(DraftSources.None));
            var after = await pipeline.StatusAsync();

            Assert.That(result.Tokens, Is.EqualTo(expected), $"died at {place}");
            for (var stage = 0; stage < Stages; stage++)
            {
                var computed = after[stage].ComputedRows - (stage == dead ? 0 : before[stage].ComputedRows);
                Assert.That(
                    computed,
                    Is.EqualTo(stage < dead ? Rows + 1 : Rows),
                    $"stage {stage + 1}, died at {place}"
                );
            }
        }

        await pipeline.AssertNothingHeldAsync();
    }

    [Test]
    public async Task With_no_memory_for_it_all_compute_the_whole_text_as_before()
    {
        await using var pipeline = Pipeline(losesSteps: true, replayMemory: 0);
        const int Place = 20;
        pipeline.Plan((1, Place));
        var result = await pipeline.Client.RunAsync(Request(DraftSources.None));
        var rows = (await pipeline.StatusAsync()).Select(stage => stage.ComputedRows);

        Assert.That(result.Tokens, Is.EqualTo(Expected(pipeline)));
        Assert.That(rows, Is.EqualTo(new[] { Place + 1 + Rows, Rows, Place + Rows, Place + Rows }));
        await pipeline.AssertNothingHeldAsync();
    }

    [Test]
    public async Task A_text_that_does_not_fit_the_budget_is_computed_whole_where_a_stage_must_be_fed_and_kept_where_none_must()
    {
        const int Place = 20;
        await using var pipeline = Pipeline(losesSteps: true, replayMemory: 12 * RowBytes);
        pipeline.Plan((1, Place));
        Assert.That(
            (await pipeline.Client.RunAsync(Request(DraftSources.None))).Tokens,
            Is.EqualTo(Expected(pipeline))
        );
        var before = (await pipeline.StatusAsync()).Select(stage => stage.ComputedRows).ToList();
        Assert.That(before, Is.EqualTo(new[] { Place + 1 + Rows, Rows, Place + Rows, Place + Rows }));

        // The text itself feeds the first stage.
        pipeline.Plan((0, Place));
        Assert.That(
            (await pipeline.Client.RunAsync(Request(DraftSources.None))).Tokens,
            Is.EqualTo(Expected(pipeline))
        );
        var rows = (await pipeline.StatusAsync()).Select(stage => stage.ComputedRows).ToList();
        Assert.That(rows[0], Is.EqualTo(Rows));
        Assert.That(rows[3] - before[3], Is.EqualTo(Rows), "no row is computed twice");
        await pipeline.AssertNothingHeldAsync();
    }

    [Test]
    public async Task Two_that_die_together_are_fed_through_one_another_or_apart(
        [Values("2 3", "1 2", "2 4", "1 3", "3 4", "1 4")] string dead
    )
    {
        await using var pipeline = Pipeline(losesSteps: true);
        int[] stages = [.. dead.Split(' ').Select(stage => int.Parse(stage) - 1)];
        const int Place = 20;
        pipeline.PlanTogether(Place, stages);
        var result = await pipeline.Client.RunAsync(Request(DraftSources.None));
        var rows = (await pipeline.StatusAsync()).Select(stage => stage.ComputedRows).ToList();

        Assert.That(result.Tokens, Is.EqualTo(Expected(pipeline)));
        Assert.That(pipeline.DeathsLeft, Is.Zero);
        for (var stage = 0; stage < Stages; stage++)
        {
            Assert.That(
                rows[stage],
                Is.EqualTo(!stages.Contains(stage) && stage < stages[0] ? Rows + 1 : Rows),
                $"stage {stage + 1}"
            );
        }

        await pipeline.AssertNothingHeldAsync();
    }

    [Test]
    public async Task With_drafts_of_all_sources_the_text_stays_the_same_too(
        [Values(0, 1, 2, 3)] int dead,
        [Values(0, 0.9f)] float temperature,
        [Values(1, 4)] int depth
    )
    {
        var sampling = new SamplingSettings { Temperature = temperature, Seed = 3 };
        await using var pipeline = Pipeline(depth: depth);
        var request = Request(DraftSources.ExitHead | DraftSources.NGrams, sampling, width: depth == 1 ? 1 : 8) with
        {
            TopLogprobs = 1,
        };
        var whole = await pipeline.Client.RunAsync(request);
        for (var place = 0; place < Rows; place += 2)
        {
            pipeline.Plan((dead, place));
            var result = await pipeline.Client.RunAsync(request);
            using (Assert.EnterMultipleScope())
            {
                Assert.That(result.Tokens, Is.EqualTo(whole.Tokens), $"died at {place}");
                Assert.That(
                    result.Logprobs.Select(token => token.Chosen),
                    Is.EqualTo(whole.Logprobs.Select(token => token.Chosen))
                );
            }
        }

        Assert.That(whole.Tokens, Is.EqualTo(pipeline.Model.Generate(request.Prompt, Length, sampling)));
        await pipeline.AssertNothingHeldAsync();
    }

    /// <summary>With as many sessions, heads sleep and wake; what they lack must not be forgotten on the way.</summary>
    [Test]
    public async Task Several_texts_are_kept_through_several_deaths()
    {
        await using var pipeline = Pipeline(depth: 4, maxResumes: 10, checksHead: true);
        pipeline.Plan((1, 12), (0, 16), (3, 20), (2, 26), (1, 30));
        var texts = Enumerable
            .Range(0, 6)
            .Select(async i =>
            {
                var sampling = new SamplingSettings { Temperature = i % 2, Seed = (ulong)i };
                int[] prompt = [.. _prompt, i % 6];
                var request = ToyPipeline.Request(
                    prompt,
                    40,
                    DraftSources.ExitHead | DraftSources.NGrams,
                    sampling,
                    maxWidth: 1 + i
                );
                return (
                    (await pipeline.Client.RunAsync(request)).Tokens,
                    pipeline.Model.Generate(request.Prompt, 40, sampling)
                );
            });

        foreach (var (tokens, expected) in await Task.WhenAll(texts))
        {
            Assert.That(tokens, Is.EqualTo(expected));
        }

        Assert.That(pipeline.DeathsLeft, Is.Zero);
        await pipeline.AssertNothingHeldAsync();
    }

    [Test]
    public async Task What_is_kept_of_a_text_that_nobody_goes_on_with_is_freed()
    {
        await using var pipeline = Pipeline(patience: TimeSpan.FromMilliseconds(50));
        pipeline.Plan((2, 15));
        var generation = pipeline.Client.Start(Request(DraftSources.None), resumes: false);
        await Assert.ThrowsAsync<GenerationException>(async () =>
        {
            await foreach (var _ in generation.Events()) { }
        });

        await pipeline.AssertNothingHeldAsync();
    }

    /// <summary>Whether the question or the end of the wait comes first is chance.</summary>
    [Test]
    public async Task A_text_that_asks_when_nothing_is_kept_any_more_is_computed_whole()
    {
        await using var pipeline = Pipeline(patience: TimeSpan.FromMilliseconds(1), losesSteps: true);
        for (var place = 10; place < 20; place++)
        {
            pipeline.Plan((2, place));
            var result = await pipeline.Client.RunAsync(Request(DraftSources.None));
            Assert.That(result.Tokens, Is.EqualTo(Expected(pipeline)));
        }

        await pipeline.AssertNothingHeldAsync();
    }

    private static MortalPipeline Pipeline(
        int depth = 1,
        int maxResumes = 3,
        long replayMemory = 1 << 20,
        bool losesSteps = false,
        bool checksHead = false,
        TimeSpan? patience = null
    ) =>
        new(
            Stages,
            ToyDrafters.Mostly,
            depth,
            maxResumes,
            new PipelineOptions { ReplayMemory = replayMemory, ReplayPatience = patience ?? TimeSpan.FromSeconds(60) },
            losesSteps,
            checksHead
        );

    private static StartSession Request(DraftSources drafts, SamplingSettings? sampling = null, int width = 1) =>
        ToyPipeline.Request(_prompt, Length, drafts, sampling ?? SamplingSettings.Greedy, width);

    private static List<TokenId> Expected(MortalPipeline pipeline) =>
        pipeline.Model.Generate([.. _prompt.Select(id => new TokenId(id))], Length, SamplingSettings.Greedy);
}
