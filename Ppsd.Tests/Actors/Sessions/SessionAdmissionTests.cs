using Akka.Actor;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Options;
using Ppsd.Actors.Sessions;
using Ppsd.Tests.Support.Toys;

namespace Ppsd.Tests.Actors.Sessions;

/// <summary>How wide a session may be that does not say it.</summary>
public sealed class SessionAdmissionTests
{
    private const DraftSources Both = DraftSources.ExitHead | DraftSources.NGrams;

    [TestCase(
        DraftSources.ExitHead,
        1,
        0.01,
        ExpectedResult = 1,
        TestName = "One_row_where_only_the_next_token_is_proposed"
    )]
    [TestCase(DraftSources.ExitHead, 4, 0.01, ExpectedResult = 8, TestName = "All_rows_where_a_chain_drafts")]
    [TestCase(DraftSources.NGrams, 1, 0.01, ExpectedResult = 8, TestName = "All_rows_where_n_grams_draft")]
    [TestCase(Both, 4, 0.2, ExpectedResult = 4, TestName = "Four_rows_where_rows_are_neither_cheap_nor_dear")]
    [TestCase(Both, 4, 0.8, ExpectedResult = 1, TestName = "One_row_where_rows_are_dear")]
    [TestCase(DraftSources.None, 4, 0.01, ExpectedResult = 1, TestName = "One_row_without_drafts")]
    public int Chooses(DraftSources drafts, int draftDepth, double rowMs) =>
        Admission(draftDepth, rowMs).SettingsFor(ToyPipeline.Request([1], 8, drafts, maxWidth: 0)).MaxWidth;

    [Test]
    public void A_width_that_is_asked_for_is_kept() =>
        Assert.That(
            Admission(draftDepth: 4, rowMs: 0.8).SettingsFor(ToyPipeline.Request([1], 8, Both, maxWidth: 3)).MaxWidth,
            Is.EqualTo(3)
        );

    [Test]
    public void The_longest_text_leaves_room_for_the_rows_that_n_grams_draft() =>
        Assert.That(
            Admission(draftDepth: 1, rowMs: 0.01).MaxTextLength,
            Is.LessThan(Admission(draftDepth: 1, rowMs: 0.8).MaxTextLength)
        );

    /// <summary>HTTP, a terminal and a refusal name one length.</summary>
    [Test]
    public void The_longest_text_is_served_and_one_token_more_is_refused_with_its_length()
    {
        var admission = Admission(draftDepth: 1, rowMs: 0.01);
        var longest = admission.MaxTextLength;
        string? Refusal(int prompt, int tokens) =>
            admission.Refusal(ToyPipeline.Request([.. Enumerable.Repeat(1, prompt)], tokens, Both, maxWidth: 0));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(Refusal(3, longest - 3), Is.Null);
            Assert.That(
                Refusal(3, longest - 2),
                Is.EqualTo(
                    $"a prompt of 3 tokens and {longest - 2} to generate exceed the {longest} tokens that the pipeline's KV cache holds for one text"
                )
            );
            Assert.That(
                Refusal(longest, 1),
                Is.EqualTo(
                    $"a prompt of {longest} tokens leaves no room to generate in the {longest} tokens that the pipeline's KV cache holds for one text"
                )
            );
        }
    }

    private static SessionAdmission Admission(int draftDepth, double rowMs) =>
        new(
            new PipelineFormed(
                new PipelineEpoch(1),
                [
                    .. Enumerable
                        .Range(0, 2)
                        .Select(stage =>
                            new ToyRuntime(
                                new ToyModel(9),
                                stage,
                                2,
                                stage == 0 ? ToyDrafters.AlwaysRight : null,
                                draftDepth: draftDepth
                            ).Description with
                            {
                                RowCosts = new RowCosts(StepMs: 1, rowMs),
                            }
                        )
                        .Select(description => new PipelineStage(ActorRefs.Nobody, description)),
                ],
                ""
            ),
            new PipelineOptions()
        );
}
