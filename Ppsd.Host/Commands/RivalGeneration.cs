using Ppsd.Actors.Rivals;
using Ppsd.Host.Generation;
using Ppsd.Host.Models;
using Ppsd.Host.Rivals;
using Ppsd.Host.Terminal;

namespace Ppsd.Host.Commands;

/// <summary>Texts of a rival, one after another on the caller's thread.</summary>
/// <param name="decoder">Decodes with it; loaded on this thread.</param>
internal sealed class RivalGeneration(RivalSettings rival, BlockDecoder decoder, ModelAssets assets)
{
    private readonly TextGenerator _generator = new((request, _) => RivalText.Start(decoder, request), assets);

    /// <summary>Prints one text as it is decoded, then its figures.</summary>
    public async Task PrintAsync(int[] prompt, GenerationSettings settings, CancellationToken cancellation)
    {
        var text = new StreamedText(showsDrafts: false);
        var result = await text.PrintAsync(_generator.StreamAsync(prompt, settings, cancellation));
        SummaryView.Print(result.Stats, settings, $"{rival.Description}; {RivalText.Describe(decoder)}", []);
    }

    /// <summary>Prints texts, a line each.</summary>
    public async Task PrintAllAsync(
        IEnumerable<int[]> prompts,
        GenerationSettings settings,
        bool json,
        CancellationToken cancellation
    )
    {
        foreach (var prompt in prompts)
        {
            var result = await _generator.RunAsync(prompt, settings, cancellation);
            StandardOutput.WriteLine(json ? GenerationJson.Line(result, settings.Sampling, rival.Name) : result.Text);
        }

        if (settings.IsSeedDrawn && !json)
        {
            Console.Error.WriteLine(SummaryView.Seed(settings));
        }
    }
}
