namespace Ppsd.Host.Bench;

/// <summary>
/// Default questions of benchmarks: small sums in words, of the kind that the bundled model was trained on.
/// </summary>
internal static class BuiltInQuestions
{
    /// <summary>Eight questions.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        "A baker makes 24 rolls in the morning and twice as many in the afternoon. She sells 50 of them. How many rolls are left?",
        "Tom reads 15 pages of his book every day. The book has 180 pages and he has read for 5 days. How many pages has he yet to read?",
        "A bus has 8 rows of 4 seats. At the first stop 13 people get on, at the second 9 more. How many seats are still free?",
        "Mia saves 6 dollars a week. After 7 weeks she buys a ball for 12 dollars. How much money does she have left?",
        "A farmer has 3 fields with 40 apple trees each. Each tree gives 20 apples. How many apples does he pick in all?",
        "Four friends share a bill of 96 dollars equally, and each adds a tip of 3 dollars. How much does each of them pay?",
        "A tank holds 200 liters. It is half full, and 15 liters are added every hour. How many liters are in it after 4 hours?",
        "Anna runs 5 kilometers on each of 4 days and 12 kilometers on Sunday. How many kilometers does she run in the week?",
    ];
}
