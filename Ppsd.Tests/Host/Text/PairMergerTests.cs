using Ppsd.Host.Text.Tokens;

namespace Ppsd.Tests.Host.Text;

public class PairMergerTests
{
    [Test]
    public void Merging_is_the_definition_of_BPE_for_words_of_any_length()
    {
        // Pieces are strings over "ab"; every pair of pieces whose text together is a piece merges, in a random order.
        var random = new Random(11);
        string[] pieces = ["a", "b", .. Words(2), .. Words(3), .. Words(4)];
        var ids = pieces.Index().ToDictionary(piece => piece.Item, piece => piece.Index);
        (string Left, string Right)[] merges =
        [
            .. from left in pieces from right in pieces where ids.ContainsKey(left + right) select (left, right),
        ];
        random.Shuffle(merges);
        merges = merges[..(merges.Length / 2)];
        var table = new PairMergeTable();
        foreach (var (rank, (left, right)) in merges.Index())
        {
            table.Set(ids[left], ids[right], rank, ids[left + right]);
        }

        var ranks = merges.Index().ToDictionary(merge => merge.Item, merge => (double)merge.Index);
        var merger = new PairMerger(table, CancellationToken.None);
        for (var i = 0; i < 200; i++)
        {
            var word = Enumerable.Range(0, random.Next(300)).Select(_ => random.Next(2)).ToArray();
            var expected = NaiveMerging.Merge(
                word.Select(symbol => pieces[symbol]),
                (a, b) => ranks.TryGetValue((a, b), out var rank) ? rank : null
            );
            var merged = new List<int>();
            merger.Merge(word, merged);
            Assert.That(merged, Is.EqualTo(expected.Select(piece => ids[piece])));
        }

        static IEnumerable<string> Words(int length) =>
            Enumerable
                .Range(0, 1 << length)
                .Select(bits =>
                    string.Concat(Enumerable.Range(0, length).Select(i => (bits >> i & 1) == 0 ? 'a' : 'b'))
                );
    }

    // A time that grows with the square of the length would take hours.
    [Test]
    [CancelAfter(60_000)]
    public void A_word_as_long_as_a_book_merges_in_a_moment(CancellationToken tooLong)
    {
        const int eights = 500_000;
        var merged = new List<int>();
        new PairMerger(Doubling(), tooLong).Merge(new int[(8 * eights) + 1], merged);
        Assert.That(merged, Has.Count.EqualTo(eights + 1));
        Assert.That(merged[..eights], Has.All.EqualTo(3));
        Assert.That(merged[^1], Is.Zero, "the leftmost pairs merge first, so the odd one is the last");
    }

    [Test]
    public void A_long_word_is_given_up_when_it_is_cancelled()
    {
        using var cancellation = new CancellationTokenSource();
        var merger = new PairMerger(Doubling(), cancellation.Token);
        cancellation.CancelAfter(TimeSpan.FromMilliseconds(1));
        Assert.That(() => merger.Merge(new int[8_000_000], []), Throws.InstanceOf<OperationCanceledException>());
    }

    // Two of piece n make piece n + 1, up to piece 3.
    private static PairMergeTable Doubling()
    {
        var table = new PairMergeTable();
        for (var piece = 0; piece < 3; piece++)
        {
            table.Set(piece, piece, piece, piece + 1);
        }

        return table;
    }
}
