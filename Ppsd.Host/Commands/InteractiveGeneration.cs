using Ppsd.Actors.Local;
using Ppsd.Actors.Messages;
using Ppsd.Host.Generation;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Terminal;

namespace Ppsd.Host.Commands;

/// <summary>One text for a person: streamed as it is decoded, then its figures beside a baseline on the same stages.</summary>
internal sealed class InteractiveGeneration(TextGenerator generator, IPipeline pipeline, TimeProvider clock)
{
    /// <summary>Tokens decoded before the text, so that its figures are not those of code being compiled.</summary>
    private const int WarmUpTokens = 16;

    /// <summary>Seconds of one text of the comparison that follows.</summary>
    private const double ComparisonTextSeconds = 0.15;

    /// <summary>Seconds of the whole comparison: enough for compiled code, too short to be waited for.</summary>
    private const double ComparisonSeconds = 1.2;

    /// <summary>Generates and prints.</summary>
    public async Task RunAsync(
        int[] prompt,
        GenerationSettings settings,
        bool showDrafts,
        CancellationToken cancellation
    )
    {
        await generator.RunAsync(prompt, Shortened(settings, WarmUpTokens, settings.Mode), cancellation);

        var before = await PipelineStatus.AskAsync(pipeline.Formed);
        var started = clock.GetTimestamp();
        var streamed = settings with { ShowDrafts = showDrafts };
        var result = await new StreamedText(showDrafts).PrintAsync(
            generator.StreamAsync(prompt, streamed, cancellation)
        );
        var elapsedMs = clock.GetElapsedTime(started).TotalMilliseconds;
        var after = await PipelineStatus.AskAsync(pipeline.Formed);

        var comparison = await CompareAsync(prompt, settings, result, cancellation);
        var busy = after.Zip(before, (later, earlier) => (later.BusyMs - earlier.BusyMs) / elapsedMs).ToList();
        SummaryView.Print(result.Stats, busy, comparison);
    }

    /// <summary>
    /// Decodes the beginning of the text again in both modes, in turn. The best of each counts: while a program is young,
    /// code is still being compiled and competes for the cores.
    /// </summary>
    private async Task<ModeComparison?> CompareAsync(
        int[] prompt,
        GenerationSettings settings,
        TextResult result,
        CancellationToken cancellation
    )
    {
        if (settings.Mode == DecodeMode.Autoregressive || result.TokenIds.Count < 2)
        {
            return null;
        }

        var affordable = (int)(ComparisonTextSeconds * Math.Max(1, result.Stats.TokensPerSecond));
        var tokens = Math.Clamp(affordable, 2, result.TokenIds.Count);
        var best = new ModeComparison(0, 0);
        var started = clock.GetTimestamp();
        do
        {
            var plain = await SpeedAsync(DecodeMode.Autoregressive);
            var ppsd = await SpeedAsync(DecodeMode.Ppsd);
            best = new ModeComparison(Math.Max(best.Autoregressive, plain), Math.Max(best.Ppsd, ppsd));
        } while (clock.GetElapsedTime(started).TotalSeconds < ComparisonSeconds);

        return best;

        async Task<double> SpeedAsync(DecodeMode mode)
        {
            var again = await generator.RunAsync(prompt, Shortened(settings, tokens, mode), cancellation);
            return again.Stats.TokensPerSecond;
        }
    }

    private static GenerationSettings Shortened(GenerationSettings settings, int tokens, DecodeMode mode) =>
        settings with
        {
            Mode = mode,
            MaxTokens = Math.Min(tokens, settings.MaxTokens),
            StopStrings = [],
            ShowDrafts = false,
        };
}
