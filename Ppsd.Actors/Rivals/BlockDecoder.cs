using Ppsd.Actors.Client;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Stages;

namespace Ppsd.Actors.Rivals;

/// <summary>
/// Decodes one text after another by drafting a block, then verifying it: what PPSD is compared with. Stages, heads, keys and
/// values, draws and matching are those of the pipeline, so the text is the same; there are no actors, messages or threads
/// between the steps, which is what a single device would do.
/// </summary>
/// <remarks>
/// The pipeline's draft loop would not do for this. It decides each cycle what enters next while verdicts of earlier
/// micro-batches are still out; here nothing overlaps, a draft runs only a part of the model, and the length of a block is
/// what the methods differ in. Runs on the caller's thread, which must be the one that loaded the stages. Owns the stages and the drafter.
/// </remarks>
/// <param name="stages">Cuts of one model, in order; the last has the target head.</param>
/// <param name="drafter">Makes blocks.</param>
/// <param name="clock">Time, for figures only.</param>
internal sealed class BlockDecoder(IReadOnlyList<IStageRuntime> stages, IBlockDrafter drafter, TimeProvider clock)
    : IDisposable
{
    private int _texts;

    /// <summary>The stages.</summary>
    public IReadOnlyList<IStageRuntime> Stages => stages;

    /// <summary>Milliseconds that drafting has taken in all blocks so far.</summary>
    public double DraftMs { get; private set; }

    /// <summary>Decodes a text; tokens come block by block.</summary>
    /// <param name="isStopped">Asked between blocks; true ends the text.</param>
    /// <exception cref="StageCapacityException">A stage has too few free pages for it.</exception>
    public IEnumerable<GenerationEvent> Decode(StartSession request, Func<bool> isStopped)
    {
        var figures = new BlockFigures(clock, request.Prompt.Length);
        drafter.Begin(request);
        var most = Math.Min(drafter.MostDrafts, stages.Min(MostDrafts));
        using var session = new BlockSession(stages, ++_texts, request, most);
        yield return new GenerationStarted();

        var lastRows = 0;
        session.RunPrompt(
            request.Prompt,
            rows =>
            {
                drafter.SeePrompt(session, rows);
                lastRows = rows;
            },
            drafter.ReadsLastHidden
        );
        var token = session.Last.Verify(lastRows - 1)[0];
        if (token == TokenId.None)
        {
            throw new InvalidOperationException("the target's logits are not finite: nothing can be drawn from them");
        }

        drafter.EndPrompt(session, lastRows);
        figures.NoteFirst();
        yield return new TokensGenerated([token]);

        while (true)
        {
            FinishReason? end =
                request.EndTokens.Contains(token) ? FinishReason.Stop
                : figures.Tokens >= request.MaxTokens ? FinishReason.Length
                : isStopped() ? FinishReason.Cancelled
                : null;
            if (end is { } reason)
            {
                yield return new GenerationEnded(reason, figures.Stats(most > 0, stages.Count));
                yield break;
            }

            var left = request.MaxTokens - figures.Tokens;
            var block = drafter.Run(session, token, Math.Min(most, left - 1), clock);
            DraftMs += block.DraftMs;
            var told = UpToEnd(block.Tokens, request.EndTokens);
            figures.Note(block, told.Count);
            token = told[^1];
            yield return new TokensGenerated(told);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        // First what may share a device with the last stage, which frees it.
        (drafter as IDisposable)?.Dispose();
        foreach (var stage in stages)
        {
            stage.Dispose();
        }
    }

    private static int MostDrafts(IStageRuntime stage) =>
        Math.Min(stage.Description.MaxRows, stage.Description.CandidatesPerStep) - 1;

    private static IReadOnlyList<TokenId> UpToEnd(IReadOnlyList<TokenId> tokens, TokenId[] endTokens)
    {
        var end = tokens.TakeWhile(token => !endTokens.Contains(token)).Count();
        return end < tokens.Count ? [.. tokens.Take(end + 1)] : tokens;
    }
}
