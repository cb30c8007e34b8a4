using Ppsd.Actors.Local;
using Ppsd.Actors.Messages;
using Ppsd.Host.Bench.Replay;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;

namespace Ppsd.Host.Bench.Decode;

/// <summary>
/// Autoregressive decoding, PPSD and the whole model on one device, in turn, so that other load on the machine
/// affects all three alike.
/// </summary>
/// <param name="stand">The pipelines to measure.</param>
/// <param name="replay">Receives the texts whose drafts are replayed; null for the heads' own drafts.</param>
internal sealed class DecodeBench(
    BenchStand stand,
    ModelAssets assets,
    TimeProvider clock,
    ReplayedTexts? replay = null
)
{
    private const int WarmUpTokens = 64;
    private const int WarmUpRounds = 3;

    private readonly Dictionary<BenchArm, List<DecodeRound>> _rounds = [];

    /// <summary>Runs the benchmark.</summary>
    public async Task<DecodeBenchResult> RunAsync(DecodeBenchSettings settings, CancellationToken cancellation)
    {
        var arms = Arms(settings);
        var shortened = settings with
        {
            Prompts = [settings.Prompts[0]],
            Generation = settings.Generation with { MaxTokens = Math.Min(WarmUpTokens, settings.Generation.MaxTokens) },
        };
        for (var i = 0; i < WarmUpRounds; i++)
        {
            foreach (var arm in arms.Where(arm => arm != BenchArm.OneDeviceLoaded))
            {
                await RunRoundAsync(shortened, arm, cancellation);
            }
        }

        foreach (var arm in arms)
        {
            _rounds.Add(arm, []);
        }

        for (var repetition = 0; repetition < settings.Repetitions; repetition++)
        {
            foreach (var arm in arms)
            {
                _rounds[arm].Add(await RunRoundAsync(settings, arm, cancellation));
            }
        }

        return new DecodeBenchResult(
            stand.Pipeline.Formed,
            _rounds,
            await PipelineStatus.AskAsync(stand.Pipeline.Formed)
        );
    }

    private List<BenchArm> Arms(DecodeBenchSettings settings)
    {
        List<BenchArm> arms = [BenchArm.Autoregressive];

        // Behind the last stage's own head there is nothing to overlap: only a chain or n-grams draft beyond its verdict.
        var stages = stand.Pipeline.Formed.Stages;
        if (
            settings.Generation.Drafts != DraftSources.None
            && (
                (settings.Generation.Drafts & DraftSources.NGrams) != 0
                || stages.SkipLast(1).Any(stage => stage.Description.HasExitHead)
                || stages.Any(stage => stage.Description is { HasExitHead: true, DraftDepth: > 1 })
            )
        )
        {
            arms.Add(BenchArm.Ppsd);
        }

        if (stand.OneDevice is not null)
        {
            arms.Add(BenchArm.OneDevice);
            if (stand.Load is not null && arms.Contains(BenchArm.Ppsd))
            {
                arms.Add(BenchArm.OneDeviceLoaded);
            }
        }

        return arms;
    }

    private async Task<DecodeRound> RunRoundAsync(
        DecodeBenchSettings settings,
        BenchArm arm,
        CancellationToken cancellation
    )
    {
        if (arm != BenchArm.OneDeviceLoaded)
        {
            return await RunRoundOnceAsync(settings, arm, cancellation);
        }

        // As busy as PPSD kept them in this very round.
        var ppsd = _rounds[BenchArm.Ppsd][^1];
        await stand.Load!.BeBusyAsync(ppsd.Stages.Skip(1).Select(stage => stage.BusyMs / ppsd.ElapsedMs), cancellation);
        try
        {
            return await RunRoundOnceAsync(settings, arm, cancellation);
        }
        finally
        {
            await stand.Load.RestAsync(cancellation);
        }
    }

    private async Task<DecodeRound> RunRoundOnceAsync(
        DecodeBenchSettings settings,
        BenchArm arm,
        CancellationToken cancellation
    )
    {
        var pipeline = arm is BenchArm.OneDevice or BenchArm.OneDeviceLoaded ? stand.OneDevice! : stand.Pipeline;
        var generation = settings.Generation with
        {
            Drafts = arm == BenchArm.Ppsd ? settings.Generation.Drafts : DraftSources.None,
        };
        var generator = new TextGenerator(pipeline.Client, assets);
        var before = await PipelineStatus.AskAsync(pipeline.Formed);
        var started = clock.GetTimestamp();
        var results = new List<TextResult>();
        foreach (var prompt in settings.Prompts)
        {
            results.Add(await generator.RunAsync(prompt, generation, cancellation));
            if (arm == BenchArm.Autoregressive)
            {
                replay?.Note(prompt, results[^1].TokenIds);
            }
        }

        var elapsed = clock.GetElapsedTime(started);
        var after = await PipelineStatus.AskAsync(pipeline.Formed);
        return new DecodeRound(
            [.. results.Select(result => result.Stats)],
            [.. results.Select(result => result.TokenIds)],
            [.. after.Zip(before, (later, earlier) => StageWork.Between(earlier, later))],
            elapsed.TotalMilliseconds
        );
    }
}
