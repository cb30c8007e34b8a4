using Ppsd.Actors.Local;
using Ppsd.Actors.Messages;
using Ppsd.Host.Bench.Replay;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;

namespace Ppsd.Host.Bench.Sessions;

/// <summary>Decodes the same texts on one pipeline at rising numbers of sessions at a time.</summary>
/// <param name="pipeline">The pipeline to measure.</param>
/// <param name="replay">Receives the texts whose drafts are replayed; null for the heads' own drafts.</param>
internal sealed class SessionsBench(
    IPipeline pipeline,
    ModelAssets assets,
    TimeProvider clock,
    ReplayedTexts? replay = null
)
{
    private const int WarmUpTokens = 64;

    /// <summary>Runs the benchmark.</summary>
    /// <param name="prompts">One for each text.</param>
    /// <param name="settings">Settings of each generation.</param>
    /// <param name="concurrencies">Sessions at a time, a round each.</param>
    /// <param name="repetitions">Rounds of each.</param>
    /// <param name="comparesPlain">True to decode each round without drafts too.</param>
    /// <param name="cancellation">Ends it early.</param>
    public async Task<List<SessionsRound>> RunAsync(
        IReadOnlyList<int[]> prompts,
        GenerationSettings settings,
        IReadOnlyList<int> concurrencies,
        int repetitions,
        bool comparesPlain,
        CancellationToken cancellation
    )
    {
        var plain = settings with { Drafts = DraftSources.None };
        if (replay is not null)
        {
            var recorded = await RunRoundAsync(prompts, plain, concurrencies.Max(), cancellation);
            foreach (var (prompt, text) in prompts.Zip(recorded.Results))
            {
                replay.Note(prompt, text.TokenIds);
            }
        }

        var warmUp = settings with { MaxTokens = Math.Min(WarmUpTokens, settings.MaxTokens) };
        await new WarmUp(clock).RunAsync(async () =>
        {
            foreach (var concurrency in concurrencies)
            {
                await RunRoundAsync(prompts, warmUp, concurrency, cancellation);
            }
        });

        var rounds = new List<SessionsRound>();
        for (var repetition = 0; repetition < repetitions; repetition++)
        {
            foreach (var concurrency in concurrencies)
            {
                var round = await RunRoundAsync(prompts, settings, concurrency, cancellation);
                rounds.Add(
                    round with
                    {
                        Plain = comparesPlain ? await RunRoundAsync(prompts, plain, concurrency, cancellation) : null,
                    }
                );
            }
        }

        return rounds;
    }

    private async Task<SessionsRound> RunRoundAsync(
        IReadOnlyList<int[]> prompts,
        GenerationSettings settings,
        int concurrency,
        CancellationToken cancellation
    )
    {
        var generator = new TextGenerator(pipeline.Client, assets);
        var before = await PipelineStatus.AskAsync(pipeline.Formed);
        var processorBefore = Environment.CpuUsage.TotalTime;
        var started = clock.GetTimestamp();
        var results = new TextResult[prompts.Count];
        await Parallel.ForAsync(
            0,
            prompts.Count,
            new ParallelOptions { MaxDegreeOfParallelism = concurrency, CancellationToken = cancellation },
            async (i, stop) => results[i] = await generator.RunAsync(prompts[i], settings, stop)
        );
        var elapsed = clock.GetElapsedTime(started);
        var processorTime = Environment.CpuUsage.TotalTime - processorBefore;
        var after = await PipelineStatus.AskAsync(pipeline.Formed);
        return new SessionsRound(
            concurrency,
            results,
            [.. after.Zip(before, (later, earlier) => StageWork.Between(earlier, later))],
            elapsed,
            processorTime
        );
    }
}
