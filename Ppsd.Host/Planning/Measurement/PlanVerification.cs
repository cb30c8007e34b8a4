using Ppsd.Actors.Messages;
using Ppsd.Host.Bench;
using Ppsd.Host.Bench.Decode;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Text;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Planning.Measurement;

/// <summary>Decodes by a plan for a moment: a model of costs promises what only a run can show.</summary>
/// <param name="generation">How to generate; a short run takes fewer tokens.</param>
/// <param name="node">Settings of the process.</param>
internal sealed class PlanVerification(GenerationSettings generation, NodeSettings node, TimeProvider clock)
{
    private const int PromptCount = 4;
    private const int KeyedPromptTokens = 32;

    /// <summary>Seconds that one text of a short run should take.</summary>
    private const double TextSeconds = 0.25;

    private const int FewestTokens = 8;
    private const int MostTokens = 64;

    /// <summary>Measures both modes by the plan.</summary>
    /// <param name="isShort">True for a run that shows which plan is faster; false for texts of full length.</param>
    public async Task<DecodeBenchResult> MeasureAsync(
        PlanCandidate candidate,
        bool isShort,
        CancellationToken cancellation
    )
    {
        var assets = candidate.Assets;
        await using var pipeline = await InProcessPipeline.StartAsync(
            assets,
            candidate.Planned.Stages,
            candidate.Settings,
            node,
            clock
        );
        await using var stand = new BenchStand { Pipeline = pipeline };
        var affordable = (int)Math.Clamp(TextSeconds * candidate.PredictedTokensPerSecond, FewestTokens, MostTokens);
        var settings = generation with
        {
            Drafts = candidate.Planned.ExitHead is null ? DraftSources.None : generation.Drafts,
            MaxTokens = isShort ? Math.Min(affordable, generation.MaxTokens) : generation.MaxTokens,
        };
        return await new DecodeBench(stand, assets, clock).RunAsync(
            new DecodeBenchSettings(Prompts(assets), settings, Repetitions: 3),
            cancellation
        );
    }

    /// <summary>Questions where the model can be asked any: an exit head is only as good as its drafts of real text.</summary>
    private static List<int[]> Prompts(ModelAssets assets)
    {
        if (assets.Synthetic is null)
        {
            try
            {
                return
                [
                    .. BuiltInQuestions
                        .All.Take(PromptCount)
                        .Select(question => assets.EncodeChat([new ChatMessage("user", question)])),
                ];
            }
            catch (TextException)
            {
                // Without a chat template any tokens must do.
            }
        }

        return
        [
            .. Enumerable
                .Range(0, PromptCount)
                .Select(i => KeyedPrompt.Create(i, KeyedPromptTokens, assets.Config.VocabSize)),
        ];
    }
}
