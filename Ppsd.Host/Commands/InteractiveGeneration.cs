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
    private const int WarmUpTokens = 32;

    /// <summary>Most tokens of the baseline: enough for a figure, short enough not to be waited for.</summary>
    private const int BaselineTokens = 64;

    /// <summary>Generates and prints.</summary>
    public async Task RunAsync(
        int[] prompt,
        GenerationSettings settings,
        bool showDrafts,
        CancellationToken cancellation
    )
    {
        var showsDrafts = showDrafts && !Console.IsOutputRedirected;
        await generator.RunAsync(prompt, Shortened(settings, WarmUpTokens, settings.Mode), cancellation);

        var before = await PipelineStatus.AskAsync(pipeline.Formed);
        var started = clock.GetTimestamp();
        var result = await PrintAsync(prompt, settings with { ShowDrafts = showsDrafts }, cancellation);
        var elapsedMs = clock.GetElapsedTime(started).TotalMilliseconds;
        var after = await PipelineStatus.AskAsync(pipeline.Formed);

        var baseline = await BaselineAsync(prompt, settings, result, cancellation);
        var busy = after.Zip(before, (later, earlier) => (later.BusyMs - earlier.BusyMs) / elapsedMs).ToList();
        SummaryView.Print(result.Stats, busy, baseline?.Stats.TokensPerSecond);
    }

    private async Task<TextResult> PrintAsync(
        int[] prompt,
        GenerationSettings settings,
        CancellationToken cancellation
    )
    {
        var view = new DraftStreamView(Console.Out, () => settings.ShowDrafts ? Console.WindowWidth : int.MaxValue);
        await foreach (var next in generator.StreamAsync(prompt, settings, cancellation))
        {
            switch (next)
            {
                case TextAdded added:
                    view.Add(added.Text);
                    break;
                case DraftTextChanged drafts:
                    view.ShowDrafts(drafts.Text);
                    break;
                case TextCompleted completed:
                    view.Complete();
                    return completed.Result;
                default:
                    break;
            }
        }

        throw new InvalidOperationException("a generation ended without a result");
    }

    private async Task<TextResult?> BaselineAsync(
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

        var tokens = Math.Min(BaselineTokens, result.TokenIds.Count);
        return await generator.RunAsync(
            prompt,
            Shortened(settings, tokens, DecodeMode.Autoregressive),
            cancellation
        );
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
