using Ppsd.Actors.Ids;
using Ppsd.Actors.Speculation;
using static Ppsd.Tests.Actors.Speculation.ScriptedSession;

namespace Ppsd.Tests.Actors.Speculation;

/// <summary>What followed the same tokens earlier.</summary>
public sealed class NGramIndexTests
{
    [TestCase("1 2 3 4 9 2 3", ExpectedResult = "2: 4 9 2 3", TestName = "What_followed_the_same_two_tokens")]
    [TestCase(
        "1 2 3 4 0 2 3 5 1 2 3",
        ExpectedResult = "3: 4 0 2 3 5",
        TestName = "A_longer_match_goes_before_a_later_one"
    )]
    [TestCase("1 2 3 0 1 2 4 0 1 2", ExpectedResult = "3: 4 0 1 2", TestName = "The_last_of_equal_matches_counts")]
    [TestCase("1 2 3 4", ExpectedResult = "0:", TestName = "Nothing_where_nothing_repeats")]
    [TestCase("7", ExpectedResult = "0:", TestName = "Nothing_in_a_text_of_one_token")]
    [TestCase("5 5 5", ExpectedResult = "2: 5", TestName = "A_token_that_repeats_itself")]
    public string Finds(string text)
    {
        var index = new NGramIndex();
        var tokens = Tokens([.. text.Split(' ').Select(int.Parse)]);
        Array.ForEach(tokens, index.Add);
        var next = new TokenId[5];

        var length = index.Find([.. tokens.Reverse().Take(NGramIndex.Longest)], next, out var count);

        return $"{length}: {string.Join(' ', next.Take(count).Select(token => token.Value))}".Trim();
    }

    [Test]
    public void A_context_may_go_beyond_the_text()
    {
        var index = new NGramIndex();
        Array.ForEach(Tokens(1, 2, 3, 4, 5), index.Add);
        var next = new TokenId[2];

        var length = index.Find(Tokens(3, 2), next, out var count);

        Assert.That((length, count, next), Is.EqualTo((2, 2, Tokens(4, 5))));
    }

    [Test]
    public void It_agrees_with_a_search_through_the_whole_text()
    {
        var random = new Random(5);
        var index = new NGramIndex();
        var text = new List<TokenId>();
        var next = new TokenId[4];
        for (var i = 0; i < 600; i++)
        {
            text.Add(new TokenId(random.Next(4)));
            index.Add(text[^1]);
            var length = index.Find([.. Enumerable.Reverse(text).Take(NGramIndex.Longest)], next, out var count);
            var (expectedLength, at) = Search(text);
            Assert.That(length, Is.EqualTo(expectedLength));
            Assert.That(next[..count], Is.EqualTo(expectedLength == 0 ? [] : text.Skip(at).Take(4)));
        }
    }

    private static (int Length, int Behind) Search(List<TokenId> text)
    {
        for (var length = Math.Min(NGramIndex.Longest, text.Count); length >= NGramIndex.Shortest; length--)
        {
            for (var behind = text.Count - 1; behind >= length; behind--)
            {
                if (text[(behind - length)..behind].SequenceEqual(text[^length..]))
                {
                    return (length, behind);
                }
            }
        }

        return (0, 0);
    }
}
