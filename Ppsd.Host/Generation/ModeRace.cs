using Ppsd.Actors.Messages;

namespace Ppsd.Host.Generation;

/// <summary>
/// Decodes the start of a text again, in turn with drafts, without, and without on one stage with all threads, and takes the
/// best of each: while a program is young, code is still being compiled and competes for the cores.
/// </summary>
/// <param name="pipeline">Generates on the pipeline.</param>
/// <param name="oneStage">Generates on one stage with the whole model; null to leave that out.</param>
internal sealed class ModeRace(
    TextGenerator pipeline,
    int stageCount,
    TextGenerator? oneStage,
    int oneStageThreads,
    TimeProvider clock
)
{
    /// <summary>Seconds of one text.</summary>
    private const double TextSeconds = 0.15;

    /// <summary>Seconds of the whole race: enough for compiled code.</summary>
    private const double RaceSeconds = 2;

    /// <summary>Runs the race.</summary>
    /// <param name="settings">How the text was generated.</param>
    /// <param name="cancellation">Ends the race.</param>
    public async Task<ModeComparison> RunAsync(
        int[] prompt,
        GenerationSettings settings,
        TextResult result,
        CancellationToken cancellation
    )
    {
        var affordable = (int)(TextSeconds * Math.Max(1, result.Stats.TokensPerSecond));
        var shortened = settings with
        {
            MaxTokens = Math.Clamp(affordable, 2, result.TokenIds.Count),
            StopStrings = [],
            ShowDrafts = false,
        };
        var (plain, drafted, alone) = (0.0, 0.0, 0.0);
        var started = clock.GetTimestamp();
        do
        {
            plain = Math.Max(plain, await SpeedAsync(pipeline, DraftSources.None));
            drafted = Math.Max(drafted, await SpeedAsync(pipeline, settings.Drafts));
            if (oneStage is not null)
            {
                alone = Math.Max(alone, await SpeedAsync(oneStage, DraftSources.None));
            }
        } while (clock.GetElapsedTime(started).TotalSeconds < RaceSeconds);

        return new ModeComparison(stageCount, plain, drafted)
        {
            OneStage = oneStage is null ? null : alone,
            OneStageThreads = oneStageThreads,
        };

        async Task<double> SpeedAsync(TextGenerator generator, DraftSources drafts)
        {
            var again = await generator.RunAsync(prompt, shortened with { Drafts = drafts }, cancellation);
            return again.Stats.TokensPerSecond;
        }
    }
}
