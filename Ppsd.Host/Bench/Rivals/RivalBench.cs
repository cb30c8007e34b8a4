using Ppsd.Actors.Client;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Rivals;
using Ppsd.Host.Bench.Replay;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;

namespace Ppsd.Host.Bench.Rivals;

/// <summary>A rival and plain decoding by the same loop on the same device, in turn. Loaded and run on one thread.</summary>
/// <param name="plain">Decodes plainly.</param>
/// <param name="rival">Decodes with drafts.</param>
/// <param name="replay">Receives the texts whose drafts are replayed; null for the heads' own drafts.</param>
internal sealed class RivalBench(BlockDecoder plain, BlockDecoder rival, ModelAssets assets, ReplayedTexts? replay)
{
    private const int WarmUpTokens = 64;
    private const int WarmUpRounds = 2;

    /// <summary>Runs rounds, plain decoding first in each.</summary>
    /// <param name="prompts">Prompts to decode.</param>
    /// <param name="generation">Settings of each generation.</param>
    /// <param name="repetitions">Rounds that count.</param>
    /// <param name="cancellation">Stops the run between two texts.</param>
    public RivalBenchResult Run(
        IReadOnlyList<int[]> prompts,
        GenerationSettings generation,
        int repetitions,
        CancellationToken cancellation
    )
    {
        var shortened = generation with { MaxTokens = Math.Min(WarmUpTokens, generation.MaxTokens) };
        for (var i = 0; i < WarmUpRounds; i++)
        {
            RunRound(plain, [prompts[0]], shortened, cancellation);
            RunRound(rival, [prompts[0]], shortened, cancellation);
        }

        var rounds = new List<RivalRound>();
        for (var i = 0; i < repetitions; i++)
        {
            rounds.Add(
                new RivalRound(
                    RunRound(plain, prompts, generation, cancellation),
                    RunRound(rival, prompts, generation, cancellation)
                )
            );
        }

        return new RivalBenchResult(rounds);
    }

    private RivalTexts RunRound(
        BlockDecoder decoder,
        IReadOnlyList<int[]> prompts,
        GenerationSettings generation,
        CancellationToken cancellation
    )
    {
        var texts = new List<IReadOnlyList<int>>();
        var stats = new List<SessionStats>();
        var draftMsBefore = decoder.DraftMs;
        foreach (var prompt in prompts)
        {
            cancellation.ThrowIfCancellationRequested();
            var tokens = new List<int>();
            foreach (var next in decoder.Decode(TextGenerator.Request(assets, prompt, generation), () => false))
            {
                switch (next)
                {
                    case TokensGenerated generated:
                        tokens.AddRange(generated.Tokens.Select(token => token.Value));
                        break;
                    case GenerationEnded ended:
                        stats.Add(ended.Stats);
                        break;
                    default:
                        break;
                }
            }

            texts.Add(tokens);
            if (decoder == plain)
            {
                replay?.Note(prompt, tokens);
            }
        }

        return new RivalTexts(texts, stats, decoder.DraftMs - draftMsBefore);
    }
}
