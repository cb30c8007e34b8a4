using Ppsd.Actors.Messages;
using Ppsd.Actors.Speculation;
using Ppsd.Host.Bench.Replay;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;

namespace Ppsd.Host.Bench.LockStep;

/// <summary>Decodes each prompt without drafts and with them, counting cycles; and again counting time, where costs are given.</summary>
/// <param name="replay">Receives the texts whose drafts are replayed; null for the heads' own drafts.</param>
internal sealed class DraftsBench(LockStepPipeline pipeline, ModelAssets assets, ReplayedTexts? replay)
{
    /// <summary>Runs the benchmark.</summary>
    /// <param name="prompts">What to decode.</param>
    /// <param name="generation">How to decode with drafts.</param>
    /// <param name="concurrency">Texts decoded at a time.</param>
    /// <param name="costs">Costs of the stages that predict tokens per second; null to count cycles only.</param>
    /// <exception cref="UserErrorException">A text was refused or failed.</exception>
    public DraftsBenchResult Run(
        IReadOnlyList<BenchText> prompts,
        GenerationSettings generation,
        int concurrency,
        PipelineCosts? costs,
        CancellationToken cancellation
    )
    {
        var plainly = generation with { Drafts = DraftSources.None, MaxWidth = 1 };
        var drafted = new List<LockStepText>();
        var plain = new List<LockStepText>();
        var (draftedSpan, plainSpan) = (default(LockStepSpan), default(LockStepSpan));
        foreach (var group in prompts.Chunk(concurrency))
        {
            pipeline.Times = null;
            var texts = Decode(group, plainly, cancellation).Texts;
            plain.AddRange(texts);
            foreach (var (prompt, text) in group.Zip(texts))
            {
                replay?.Note(prompt.Prompt, text.TokenIds);
            }

            drafted.AddRange(Decode(group, generation, cancellation).Texts);
            if (costs is not null)
            {
                pipeline.Times = costs;
                plainSpan += Decode(group, plainly, cancellation).Span;
                draftedSpan += Decode(group, generation, cancellation).Span;
            }
        }

        return new DraftsBenchResult(
            pipeline.Formed,
            drafted,
            plain,
            costs is null ? null : new PredictedSpeeds(draftedSpan.TokensPerSecond, plainSpan.TokensPerSecond)
        );
    }

    private (IReadOnlyList<LockStepText> Texts, LockStepSpan Span) Decode(
        IReadOnlyList<BenchText> prompts,
        GenerationSettings how,
        CancellationToken cancellation
    )
    {
        cancellation.ThrowIfCancellationRequested();
        var started = pipeline.Now;
        try
        {
            var texts = pipeline.Decode([
                .. prompts.Select(prompt => TextGenerator.Request(assets, prompt.Prompt, prompt.Settings(how))),
            ]);
            var span = texts is [var alone]
                ? new LockStepSpan(alone.TokenIds.Count - 1, alone.Time)
                : new LockStepSpan(texts.Sum(text => text.TokenIds.Count), pipeline.Now - started);
            return (texts, span);
        }
        catch (InvalidOperationException e)
        {
            throw new UserErrorException(e.Message, e);
        }
    }
}

/// <summary>What a benchmark decodes.</summary>
/// <param name="Prompt">The prompt's tokens.</param>
/// <param name="Length">Tokens of the text that is given for it; null where the model writes it.</param>
internal sealed record BenchText(int[] Prompt, int? Length = null)
{
    /// <summary>How to decode it: a text that is given comes to its end, whatever its tokens are.</summary>
    public GenerationSettings Settings(GenerationSettings usual) =>
        Length is { } length ? usual with { MaxTokens = length, IgnoreEndTokens = true } : usual;
}

/// <summary>Tokens and the time they took: of a text alone those after its first, of several all and their prompts' time.</summary>
internal readonly record struct LockStepSpan(int Tokens, double Ms)
{
    /// <summary>Tokens per second; NaN for no time.</summary>
    public double TokensPerSecond => Ms > 0 ? 1000 * Tokens / Ms : double.NaN;

    public static LockStepSpan operator +(LockStepSpan a, LockStepSpan b) => new(a.Tokens + b.Tokens, a.Ms + b.Ms);
}

/// <summary>Tokens per second that measured costs predict.</summary>
/// <param name="Drafted">With drafts.</param>
/// <param name="Plain">Without.</param>
internal sealed record PredictedSpeeds(double Drafted, double Plain);
