using Ppsd.Host.Distillation;
using Ppsd.Kernels.Distillation.Teacher;

namespace Ppsd.Tests.Host.Distillation;

/// <summary>Which tokens a head is to draft: the answers' most frequent, and those that end a text.</summary>
public sealed class FrequentTokensTests
{
    private static readonly TrainingSequence[] _texts =
    [
        TrainingSequence.Of([9, 9, 9, 9, 9], [4, 4, 4, 7, 7, 5]),
        TrainingSequence.Of([], [6, 7, 4, 3]),
    ];

    [Test]
    public void The_most_frequent_of_the_answers_are_taken_and_prompts_do_not_count()
    {
        var tokens = FrequentTokens.Of(_texts, vocabSize: 10, size: 3, ends: []);

        // 4 comes four times, 7 three times; of 3 and 5, once each, the lower. 6 is predicted from nothing.
        Assert.That(tokens.List.Tokens.ToArray(), Is.EqualTo(new[] { 3, 4, 7 }));
        Assert.That((tokens.Answers, tokens.Listed), Is.EqualTo((9L, 8L)));
        Assert.That(tokens.Describe(10), Is.EqualTo("3 of 10 tokens, 88.9 % of the answers"));
    }

    [Test]
    public void Tokens_that_end_a_text_are_always_in()
    {
        var tokens = FrequentTokens.Of(_texts, vocabSize: 10, size: 3, ends: [2, 8]);

        Assert.That(tokens.List.Tokens.ToArray(), Is.EqualTo(new[] { 2, 4, 8 }));
    }

    [Test]
    public void A_list_longer_than_what_occurs_is_filled_from_the_lowest_ids()
    {
        var tokens = FrequentTokens.Of(_texts, vocabSize: 10, size: 6, ends: [2]);

        Assert.That(tokens.List.Tokens.ToArray(), Is.EqualTo(new[] { 0, 2, 3, 4, 5, 7 }));
    }

    [Test]
    public void As_many_as_the_model_has_are_all()
    {
        var tokens = FrequentTokens.Of(_texts, vocabSize: 10, size: 10, ends: [2]);

        Assert.That(tokens.List.Tokens.ToArray(), Is.EqualTo(Enumerable.Range(0, 10)));
    }
}
