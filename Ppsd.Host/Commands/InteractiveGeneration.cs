using Ppsd.Actors.Local;
using Ppsd.Host.Bench;
using Ppsd.Host.Generation;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Terminal;

namespace Ppsd.Host.Commands;

/// <summary>Prints one text as it is decoded, then its figures.</summary>
/// <param name="threadsEach">Threads of each stage, where all compute on this process's CPU and no plan chose them; else null.</param>
internal sealed class InteractiveGeneration(
    TextGenerator generator,
    IPipeline pipeline,
    TimeProvider clock,
    int? threadsEach = null
)
{
    /// <summary>Generates and prints.</summary>
    /// <returns>The text.</returns>
    public async Task<TextResult> RunAsync(
        int[] prompt,
        GenerationSettings settings,
        bool showDrafts,
        CancellationToken cancellation
    )
    {
        var before = await PipelineStatus.AskAsync(pipeline.Formed);
        var started = clock.GetTimestamp();
        var streamed = settings with { ShowDrafts = showDrafts };
        var result = await new StreamedText(showDrafts).PrintAsync(
            generator.StreamAsync(prompt, streamed, cancellation)
        );
        var elapsedMs = clock.GetElapsedTime(started).TotalMilliseconds;
        var after = await PipelineStatus.AskAsync(pipeline.Formed);
        var busy = after.Zip(before, (later, earlier) => (later.BusyMs - earlier.BusyMs) / elapsedMs).ToList();
        var cores = pipeline is JoinedPipeline ? "" : $"; {Environment.ProcessorCount} cores";
        var costs = pipeline.Formed.Stages.Select(stage => stage.Description.RowCosts).ToList();
        SummaryView.Print(
            result.Stats,
            settings,
            BenchSetting.DescribeStages(pipeline.Formed) + cores,
            busy,
            threadsEach is { } threads
                ? OneStageEstimate.FasterThan(result.Stats, costs, threads, Environment.ProcessorCount)
                : null
        );
        return result;
    }
}
