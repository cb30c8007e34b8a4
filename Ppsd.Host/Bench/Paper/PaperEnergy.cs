using Ppsd.Actors.Client;
using Ppsd.Actors.Rivals;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;
using Ppsd.Kernels.Catalog;

namespace Ppsd.Host.Bench.Paper;

/// <summary>
/// Joules a token, of cards that count them: all of the cards' energy while the prompts are decoded again and again, the prompts'
/// own and what an idle card takes included.
/// </summary>
internal sealed class PaperEnergy(PaperSettings settings, TimeProvider clock) : IDisposable
{
    /// <summary>The least time of a measurement: a card's counter moves every tenth of a second or so.</summary>
    private static readonly TimeSpan _least = TimeSpan.FromSeconds(2);

    private readonly CardEnergy? _cards = CardEnergy.TryOpen(settings.Stages.Devices);

    /// <summary>Of a pipeline; NaN where a device does not count.</summary>
    public async Task<double> OfAsync(
        InProcessPipeline pipeline,
        ModelAssets assets,
        GenerationSettings generation,
        CancellationToken cancellation
    )
    {
        var generator = new TextGenerator(pipeline.Client, assets);
        return await MeasureAsync(async prompt =>
            (await generator.RunAsync(prompt, generation, cancellation)).TokenIds.Count
        );
    }

    /// <summary>Of a rival, or of plain decoding on one device; NaN where that does not count.</summary>
    public double Of(BlockDecoder decoder, ModelAssets assets, GenerationSettings generation) =>
        MeasureAsync(prompt =>
                Task.FromResult(
                    decoder
                        .Decode(TextGenerator.Request(assets, prompt, generation), () => false)
                        .OfType<TokensGenerated>()
                        .Sum(generated => generated.Tokens.Count)
                )
            )
            .GetAwaiter()
            .GetResult();

    /// <summary>Closes the counters.</summary>
    public void Dispose() => _cards?.Dispose();

    private async Task<double> MeasureAsync(Func<int[], Task<int>> decode)
    {
        if (_cards is null)
        {
            return double.NaN;
        }

        var (before, begun) = (_cards.Joules, clock.GetTimestamp());
        var tokens = 0;
        while (clock.GetElapsedTime(begun) < _least)
        {
            foreach (var prompt in settings.Prompts)
            {
                tokens += await decode(prompt);
            }
        }

        return (_cards.Joules - before) / tokens;
    }
}
