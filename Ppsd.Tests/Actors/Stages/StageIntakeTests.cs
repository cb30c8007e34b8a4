using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Stages;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Stages;

[Parallelizable(ParallelScope.All)]
public sealed class StageIntakeTests
{
    private static readonly StageDescription _toy = new ToyRuntime(new ToyModel(6), 1, 2).Description;

    private readonly StageIntake _intake = new(new StageIndex(1), _toy);

    [Test]
    public void What_fits_is_taken()
    {
        var prompt = TestBatches.Part(2, 0, isCertain: true, count: 15) with
        {
            FirstHeadRow = 14,
            Settings = MisfitBatches.Settings,
        };
        Assert.That(_intake.Refusal(MisfitBatches.Of(prompt, TestBatches.Part(1, 5))), Is.Null);
    }

    [Test]
    public void What_does_not_fit_is_refused_by_what_was_expected()
    {
        using (Assert.EnterMultipleScope())
        {
            foreach (var (complaint, forward) in MisfitBatches.All)
            {
                Assert.That(_intake.Refusal(forward), Is.EqualTo(complaint));
            }
        }
    }

    [Test]
    public void The_first_stage_takes_no_hidden_states() =>
        Assert.That(
            new StageIntake(new StageIndex(0), _toy).Refusal(MisfitBatches.Of(TestBatches.Part(1, 5))),
            Is.EqualTo("the first stage takes no hidden states")
        );
}
