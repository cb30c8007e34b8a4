using Ppsd.Actors.Local;
using Ppsd.Actors.Messages;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;

namespace Ppsd.Host.Bench;

/// <summary>
/// Autoregressive decoding and PPSD on the same stages, in turn, so that whatever disturbs the machine disturbs both.
/// </summary>
internal sealed class DecodeBench(IPipeline pipeline, ModelAssets assets, TimeProvider clock)
{
    private const int WarmUpTokens = 64;
    private const int WarmUpRounds = 3;

    /// <summary>Runs the benchmark.</summary>
    public async Task<DecodeBenchResult> RunAsync(DecodeBenchSettings settings, CancellationToken cancellation)
    {
        var generator = new TextGenerator(pipeline.Client, assets);

        // Without a stage after the exit head there is nothing to overlap: PPSD would be the same thing again.
        var drafts = pipeline.Formed.Stages.SkipLast(1).Any(stage => stage.Description.HasExitHead);
        DecodeMode[] modes =
            settings.Generation.Mode == DecodeMode.Ppsd && drafts
                ? [DecodeMode.Autoregressive, DecodeMode.Ppsd]
                : [DecodeMode.Autoregressive];
        await WarmUpAsync(generator, settings, modes, cancellation);

        var rounds = modes.ToDictionary(mode => mode, _ => new List<DecodeRound>());
        for (var repetition = 0; repetition < settings.Repetitions; repetition++)
        {
            foreach (var mode in modes)
            {
                rounds[mode].Add(await RunRoundAsync(generator, settings, mode, cancellation));
            }
        }

        return new DecodeBenchResult(pipeline.Formed, rounds);
    }

    private static async Task WarmUpAsync(
        TextGenerator generator,
        DecodeBenchSettings settings,
        DecodeMode[] modes,
        CancellationToken cancellation
    )
    {
        for (var i = 0; i < WarmUpRounds; i++)
        {
            foreach (var mode in modes)
            {
                var shortened = settings.Generation with
                {
                    Mode = mode,
                    MaxTokens = Math.Min(WarmUpTokens, settings.Generation.MaxTokens),
                };
                await generator.RunAsync(settings.Prompts[0], shortened, cancellation);
            }
        }
    }

    private async Task<DecodeRound> RunRoundAsync(
        TextGenerator generator,
        DecodeBenchSettings settings,
        DecodeMode mode,
        CancellationToken cancellation
    )
    {
        var before = await PipelineStatus.AskAsync(pipeline.Formed);
        var started = clock.GetTimestamp();
        var results = new List<TextResult>();
        foreach (var prompt in settings.Prompts)
        {
            results.Add(await generator.RunAsync(prompt, settings.Generation with { Mode = mode }, cancellation));
        }

        var elapsed = clock.GetElapsedTime(started);
        var after = await PipelineStatus.AskAsync(pipeline.Formed);
        return new DecodeRound(
            [.. results.Select(result => result.Stats)],
            [.. results.Select(result => result.TokenIds)],
            [.. after.Zip(before, (later, earlier) => StageWork.Between(earlier, later))],
            elapsed
        );
    }
}
