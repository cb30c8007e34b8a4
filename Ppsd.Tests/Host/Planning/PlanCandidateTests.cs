using Ppsd.Actors.Messages;
using Ppsd.Actors.Planning;
using Ppsd.Host.Bench;
using Ppsd.Host.Bench.Decode;
using Ppsd.Host.Models;
using Ppsd.Host.Planning;
using Ppsd.Host.Planning.Measurement;
using Ppsd.Host.Runtime;
using Ppsd.Tests.Support;

namespace Ppsd.Tests.Host.Planning;

/// <summary>What runs by plans have shown decides, with drafts or without.</summary>
public sealed class PlanCandidateTests
{
    private const int Tokens = 101;

    [Test]
    public void A_plan_is_worth_what_the_faster_mode_gave()
    {
        var (drafted, slowed) = (Measured([4, 4], plain: 90, drafted: 160), Measured([4, 4], plain: 226, drafted: 96));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(drafted.IsPlain, Is.False);
            Assert.That(drafted.MeasuredTokensPerSecond, Is.EqualTo(160).Within(1e-6));
            Assert.That(slowed.IsPlain, Is.True);
            Assert.That(slowed.MeasuredTokensPerSecond, Is.EqualTo(226).Within(1e-6));
            Assert.That(slowed.DraftedTokensPerSecond, Is.EqualTo(96).Within(1e-6));
        }
    }

    [Test]
    public void Where_drafts_are_slower_the_report_says_so_in_a_line()
    {
        var (drafted, slowed) = (Measured([4, 4], plain: 90, drafted: 160), Measured([4, 4], plain: 226, drafted: 96));
        var alone = Measured([8], plain: 300, drafted: null);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(new PlanReport(drafted, [drafted], 16).Remark(), Is.Null);
            Assert.That(new PlanReport(alone, [alone], 16).Remark(), Is.Null, "there is no exit head");
            Assert.That(
                new PlanReport(slowed, [slowed], 16).Remark(),
                Is.EqualTo(
                    "plain is faster here for a single text: 226.0 tokens/s, with drafts 96.0 at most; --drafts none decodes so"
                )
            );
            Assert.That(
                new PlanReport(alone, [alone, drafted], 16).Remark(),
                Does.Contain(": 300.0 tokens/s, with drafts 160.0 at most; ")
            );
        }
    }

    private static PlanCandidate Measured(int[] layers, double plain, double? drafted)
    {
        var rounds = new Dictionary<BenchArm, List<DecodeRound>> { [BenchArm.Autoregressive] = [Round(plain)] };
        if (drafted is { } speed)
        {
            rounds[BenchArm.Ppsd] = [Round(speed)];
        }

        return new PlanCandidate(
            ModelAssets.Open(new SyntheticModel("toy", 2, 0.125f, 1)),
            new PlannedPipeline(
                StagePlan.FromCounts(layers, 8),
                drafted is null ? null : new ExitHeadCosts(2, 0.5),
                new SpeedUpModel
                {
                    Alpha = 0.8,
                    StageMs = [.. layers.Select(count => (double)count)],
                    HeadStage = 0,
                    ExitHeadMs = 0.5,
                    HandOverMs = 0.1,
                },
                layers.Length
            ),
            new StageSettings { Devices = ["cpu"], Threads = 1 },
            []
        )
        {
            Measured = new DecodeBenchResult(null!, rounds, []),
        };
    }

    private static DecodeRound Round(double tokensPerSecond) =>
        new([MadeStats.Of(Tokens, tokensPerSecond, DraftSources.None, stageCount: 1)], [], [], 1);
}
