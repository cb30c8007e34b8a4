using Ppsd.Actors.Messages;
using Ppsd.Actors.Planning;
using Ppsd.Host;
using Ppsd.Host.Models;
using Ppsd.Host.Planning;
using Ppsd.Host.Planning.Measurement;
using Ppsd.Host.Runtime;
using Ppsd.Tests.Kernels.Checkpoints;

namespace Ppsd.Tests.Host.Planning;

public sealed class PlanFileTests
{
    private static readonly ModelAssets _assets = ModelAssets.Open(new SyntheticModel("toy", 2, 0.125f, 1));

    private static readonly PlanFile _plan = new PlanCandidate(
        _assets,
        new PlannedPipeline(
            StagePlan.FromCounts([2, 3, 3], 8),
            new ExitHeadCosts(2, 0.5),
            new SpeedUpModel
            {
                Alpha = 0.8,
                StageMs = [1, 2, 3.5],
                HeadStage = 0,
                ExitHeadMs = 0.5,
                HandOverMs = 0.1,
            },
            ParallelStages: 3
        ),
        new StageSettings { Devices = ["cpu"], Threads = 1 },
        []
    ).ToFile();

    [Test]
    public void A_plan_survives_its_file()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("plan.json");
        _plan.Write(path);

        var read = PlanFile.Read(path);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(read.Synthetic, Is.EqualTo(_assets.Synthetic));
            Assert.That(read.StageLayers, Is.EqualTo(_plan.StageLayers));
            Assert.That(read.Fingerprint, Is.EqualTo(_assets.Fingerprint));
            Assert.That(read.Prediction.StageMs, Is.EqualTo(_plan.Prediction.StageMs));
            Assert.That(read.Prediction.PpsdTokensPerSecond, Is.EqualTo(1000 / (0.8 * 3.5 + 0.2 * 6.8)).Within(1e-9));
            Assert.That(read.Prediction.MeasuredTokensPerSecond, Is.Null, "it was not measured");
        }
    }

    [Test]
    public void What_rows_cost_survives_the_file()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("plan.json");
        var costs = new PlanCosts
        {
            Stages =
            [
                new RowCosts(StepMs: 3, RowMs: 0.25)
                {
                    HeadMs = 0.5,
                    ChainMs = 0.125,
                    WideRowMs = 0.75,
                    Width = 8,
                },
                new RowCosts(StepMs: 4, RowMs: 0.5),
            ],
            Devices = ["cpu: 1 thread", "cpu: 2 threads"],
            HopMs = 0.1,
            ParallelStages = 2,
        };
        (_plan with { StageLayers = [2, 6], Costs = costs }).Write(path);

        var plan = PlanFile.Read(path);
        var read = plan.Costs!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(plan.CostsOf(2, 6, "cpu: 2 threads"), Is.EqualTo(costs.Stages[1]));
            Assert.That(plan.CostsOf(0, 2, "cpu: 2 threads"), Is.Null, "on another device they were not measured");
            Assert.That(plan.CostsOf(2, 3, "cpu: 2 threads"), Is.Null, "of another cut neither");
            Assert.That(read.Stages, Is.EqualTo(costs.Stages));
            Assert.That((read.HopMs, read.ParallelStages), Is.EqualTo((0.1, 2)));
            Assert.That(_plan.Costs, Is.Null, "nothing was measured");
        }
    }

    [TestCase("", "expected a plan")]
    [TestCase("null", "expected a plan, found null")]
    [TestCase("{}", "expected a plan")]
    [TestCase("[1]", "expected a plan")]
    public void What_is_no_plan_is_refused_with_its_name(string content, string expected)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("plan.json");
        File.WriteAllText(path, content);
        Assert.That(
            () => PlanFile.Read(path),
            Throws.InstanceOf<UserErrorException>().With.Message.Contains(path).And.Message.Contains(expected)
        );
    }

    [Test]
    public void A_plan_of_another_layout_is_refused()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("plan.json");
        (_plan with { Format = 2 }).Write(path);
        Assert.That(
            () => PlanFile.Read(path),
            Throws.InstanceOf<UserErrorException>().With.Message.Contains("format: expected 1, found 2")
        );
    }

    [Test]
    public void A_plan_for_other_weights_is_refused()
    {
        Assert.That(() => _plan.RequireFits(_assets.Fingerprint), Throws.Nothing);
        Assert.That(
            () => _plan.RequireFits(new string('0', 64)),
            Throws.InstanceOf<UserErrorException>().With.Message.Contains(_assets.Fingerprint)
        );
    }

    [Test]
    public void A_plan_that_is_not_there_is_named() =>
        Assert.That(
            () => PlanFile.Read("nowhere.json"),
            Throws.InstanceOf<UserErrorException>().With.Message.Contains("--plan: nowhere.json")
        );
}
