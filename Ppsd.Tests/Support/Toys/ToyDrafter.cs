using Ppsd.Actors.Ids;

namespace Ppsd.Tests.Support.Toys;

/// <summary>Proposes the tokens after a sequence, given what the target will say.</summary>
public delegate IReadOnlyList<TokenId> ToyDrafter(IReadOnlyList<TokenId> sequence, TokenId truth, int vocabSize);

public static class ToyDrafters
{
    public static IReadOnlyList<TokenId> AlwaysRight(IReadOnlyList<TokenId> _, TokenId truth, int __) => [truth];

    public static IReadOnlyList<TokenId> AlwaysWrong(IReadOnlyList<TokenId> _, TokenId truth, int vocabSize) =>
        [new TokenId((truth.Value + 1) % vocabSize)];

    public static IReadOnlyList<TokenId> Alternating(IReadOnlyList<TokenId> sequence, TokenId truth, int vocabSize) =>
        sequence.Count % 2 == 0 ? AlwaysRight(sequence, truth, vocabSize) : AlwaysWrong(sequence, truth, vocabSize);

    /// <summary>Says what would have been right one position ago.</summary>
    public static IReadOnlyList<TokenId> Late(IReadOnlyList<TokenId> sequence, TokenId _, int __) => [sequence[^1]];

    /// <summary>Puts the truth second, so that only a tree finds it.</summary>
    public static IReadOnlyList<TokenId> RunnerUp(IReadOnlyList<TokenId> sequence, TokenId truth, int vocabSize) =>
        [.. AlwaysWrong(sequence, truth, vocabSize), truth, new TokenId((truth.Value + 2) % vocabSize)];

    /// <summary>Right in about seven of ten places, decided by the sequence itself.</summary>
    public static IReadOnlyList<TokenId> Mostly(IReadOnlyList<TokenId> sequence, TokenId truth, int vocabSize)
    {
        var sum = 0;
        foreach (var token in sequence)
        {
            sum = unchecked(sum * 31 + token.Value);
        }

        return (uint)sum % 10 < 7
            ? [truth, new TokenId((truth.Value + 1) % vocabSize)]
            : [new TokenId((truth.Value + 1) % vocabSize), truth];
    }
}
