using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Planning;
using Ppsd.Host.Models;
using Ppsd.Host.Pipelines;
using Ppsd.Host.Runtime;
using Ppsd.Tests.Support;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Host.Generation;

/// <summary>The bundled model goes on with a text from any of its tokens in the same bits, whatever its draws depend on.</summary>
public sealed class ResumedModelTests
{
    private const int Length = 20;

    private static readonly SamplingSettings[] _samplings =
    [
        SamplingSettings.Greedy,
        new()
        {
            Temperature = 1,
            TopP = 0.95f,
            Seed = 7,
            PresencePenalty = 0.7f,
            FrequencyPenalty = 0.5f,
            RepetitionPenalty = 1.2f,
            LogitBias = [new TokenBias(new TokenId(20), 1)],
        },
        new() { RepetitionPenalty = 1.3f, FrequencyPenalty = 1 },
    ];

    [Test]
    public async Task A_text_that_goes_on_from_any_of_its_tokens_is_the_same_text()
    {
        var assets = ModelAssets.Open(TestModels.Folder(TestModels.Gsm), TestModels.GsmExitHead, TimeProvider.System);
        await using var pipeline = await InProcessPipeline.StartAsync(
            assets,
            StagePlan.Even(assets.Config.LayerCount, 2),
            new StageSettings { Devices = ["cpu"], Threads = 1 },
            new NodeSettings(),
            TimeProvider.System
        );
        var prompt = assets.Tokenizer.Encode("USER: How many legs do 3 cats have? ASSISTANT:");
        foreach (var sampling in _samplings)
        {
            var request = ToyPipeline.Request(prompt, Length, sampling: sampling) with { TopLogprobs = 2 };
            var whole = await pipeline.Client.RunAsync(request);
            for (var had = 1; had < Length; had++)
            {
                var rest = await pipeline.Client.RunAsync(AfterDeath(request, whole.Tokens[..had]));
                using (Assert.EnterMultipleScope())
                {
                    Assert.That(rest.Tokens, Is.EqualTo(whole.Tokens[had..]), $"from token {had}");
                    Assert.That(Bits(rest), Is.EqualTo(Bits(whole).Skip(Values * had)), $"from token {had}");
                    Assert.That(rest.Reason, Is.EqualTo(whole.Reason));
                }
            }
        }
    }

    private const int Values = 3;

    private static IEnumerable<int> Bits(GenerationResult result) =>
        result.Logprobs.SelectMany(token =>
            new[] { token.Chosen, token.Top[0].Logprob, token.Top[1].Logprob }.Select(BitConverter.SingleToInt32Bits)
        );

    private static StartSession AfterDeath(StartSession request, IReadOnlyList<TokenId> had) =>
        request with
        {
            Generated = [.. had],
        };
}
