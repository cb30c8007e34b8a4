using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Actors.Planning;
using Ppsd.Host.Models;
using Ppsd.Host.Runtime;
using Ppsd.Tests.Support;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Host.Generation;

/// <summary>
/// The bundled model on stages that die: those that live go on with the keys and values they have, in the same bits, and compute
/// the prompt no second time.
/// </summary>
public sealed class KeptModelTests
{
    private const int Stages = 3;
    private const int Length = 40;

    /// <summary>Generated tokens before the one at which a stage dies.</summary>
    private const int Before = 20;

    private static readonly SamplingSettings[] _samplings =
    [
        SamplingSettings.Greedy,
        new()
        {
            Temperature = 1,
            TopP = 0.95f,
            Seed = 7,
            PresencePenalty = 0.7f,
            FrequencyPenalty = 0.5f,
            RepetitionPenalty = 1.2f,
        },
    ];

    [Test]
    public async Task With_any_head_texts_go_on_in_the_same_bits(
        [Values("gsm-llama-exit4", "gsm-llama-exit4-chain", "gsm-llama-exit8")] string head
    )
    {
        var folder = Path.Combine(Path.GetDirectoryName(TestModels.Folder(TestModels.Gsm))!, head);
        var assets = ModelAssets.Open(TestModels.Folder(TestModels.Gsm), folder, TimeProvider.System);
        await using var pipeline = Pipeline(assets, new PipelineOptions().ReplayMemory);
        foreach (var sampling in _samplings)
        {
            var request = Request(assets, sampling);
            var whole = await pipeline.Client.RunAsync(request);
            for (var dead = 0; dead < Stages; dead++)
            {
                // Rows of drafts count too, so it is no certain token at which the stage dies.
                var before = await RowsAsync(pipeline);
                pipeline.Plan((dead, (int)before[dead] + request.Prompt.Length + 2 * Before));
                AssertSame(await pipeline.Client.RunAsync(request), whole, $"stage {dead + 1} died");
                Assert.That(pipeline.DeathsLeft, Is.Zero);
            }
        }

        await pipeline.AssertNothingHeldAsync();
    }

    /// <summary>Without drafts, and where nothing comes of the step in which a stage dies, rows can be counted.</summary>
    [Test]
    public async Task Survivors_compute_at_most_one_row_again_and_the_new_stage_alone_the_prompt([Values] bool keeps)
    {
        var assets = ModelAssets.Open(TestModels.Folder(TestModels.Gsm), TestModels.GsmExitHead, TimeProvider.System);
        await using var pipeline = Pipeline(assets, keeps ? new PipelineOptions().ReplayMemory : 0, losesSteps: true);
        foreach (var sampling in _samplings)
        {
            var request = Request(assets, sampling) with { Drafts = DraftSources.None };
            var rows = request.Prompt.Length + Length - 1;
            var place = request.Prompt.Length + Before;
            var whole = await pipeline.Client.RunAsync(request);
            for (var dead = 0; dead < Stages; dead++)
            {
                var before = await RowsAsync(pipeline);
                pipeline.Plan((dead, (int)before[dead] + place + 1));
                var result = await pipeline.Client.RunAsync(request);
                var after = await RowsAsync(pipeline);
                AssertSame(result, whole, $"stage {dead + 1} died");
                for (var stage = 0; stage < Stages; stage++)
                {
                    // Those before the dead one had the row of that token already, those behind it had not.
                    var again = keeps ? (stage < dead ? 1 : 0) : (stage < dead ? place + 1 : place);
                    Assert.That(
                        after[stage] - (stage == dead ? 0 : before[stage]),
                        Is.EqualTo(stage == dead ? rows : rows + again),
                        $"stage {stage + 1}, stage {dead + 1} died"
                    );
                }
            }
        }

        await pipeline.AssertNothingHeldAsync();
    }

    private static void AssertSame(GenerationResult result, GenerationResult whole, string what)
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Tokens, Is.EqualTo(whole.Tokens), what);
            Assert.That(Bits(result), Is.EqualTo(Bits(whole)), what);
            Assert.That(result.Stats.Resumes, Is.EqualTo(1), what);
        }
    }

    private static StartSession Request(ModelAssets assets, SamplingSettings sampling)
    {
        var question = string.Concat(Enumerable.Repeat("USER: How many legs do 3 cats have? ASSISTANT: 12. ", 20));
        var prompt = assets.Tokenizer.Encode(question + "USER: How many legs do 5 cats have? ASSISTANT:");
        return ToyPipeline.Request(
            prompt,
            Length,
            DraftSources.ExitHead | DraftSources.NGrams,
            sampling,
            maxWidth: 4
        ) with
        {
            TopLogprobs = 2,
        };
    }

    private static MortalPipeline Pipeline(ModelAssets assets, long replayMemory, bool losesSteps = false)
    {
        var plan = StagePlan.Even(assets.Config.LayerCount, Stages);
        var factory = new StageRuntimeFactory(assets, new StageSettings { Devices = ["cpu"], Threads = 1 });
        return new MortalPipeline(
            Stages,
            (stage, onRows) => new MortalRuntime(factory.Load(plan.Stages[stage], stage: 0), onRows),
            maxResumes: 3,
            new PipelineOptions { ReplayMemory = replayMemory },
            losesSteps
        );
    }

    private static async Task<long[]> RowsAsync(MortalPipeline pipeline) =>
        [.. (await pipeline.StatusAsync()).Select(stage => stage.ComputedRows)];

    private static IEnumerable<int> Bits(GenerationResult result) =>
        result.Logprobs.SelectMany(token =>
            new[] { token.Chosen, token.Top[0].Logprob, token.Top[1].Logprob }.Select(BitConverter.SingleToInt32Bits)
        );
}
