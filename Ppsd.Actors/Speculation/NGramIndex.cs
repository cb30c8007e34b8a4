using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Speculation;

/// <summary>
/// Last places where the text's runs of <see cref="Shortest"/> to <see cref="Longest"/> tokens were followed by a
/// token: a draft source that needs no model. Grows by one token at a time, in constant time, and looks up in constant
/// time. Pure; one owner.
/// </summary>
internal sealed class NGramIndex
{
    /// <summary>Fewest tokens that must match.</summary>
    public const int Shortest = 2;

    /// <summary>Most tokens that are compared.</summary>
    public const int Longest = 5;

    private const ulong Prime = 0x9E3779B97F4A7C15;

    private readonly List<TokenId> _text = [];

    /// <summary>For each length and hash of a run, the place after its last occurrence that has a successor.</summary>
    private readonly Dictionary<ulong, int> _behind = [];

    /// <summary>Tokens added.</summary>
    public int Length => _text.Count;

    /// <summary>Adds the text's next token.</summary>
    public void Add(TokenId token)
    {
        // The runs that end before the new token now have a successor.
        var at = _text.Count;
        _text.Add(token);
        var hash = 0UL;
        for (var length = 1; length <= Longest && length <= at; length++)
        {
            hash = Extend(hash, _text[at - length]);
            if (length >= Shortest)
            {
                _behind[Key(hash, length)] = at;
            }
        }
    }

    /// <summary>Copies the text's last tokens, the newest first.</summary>
    /// <returns>Number of tokens copied.</returns>
    public int CopyEnd(Span<TokenId> target)
    {
        var count = Math.Min(target.Length, _text.Count);
        for (var i = 0; i < count; i++)
        {
            target[i] = _text[^(i + 1)];
        }

        return count;
    }

    /// <summary>Finds what followed the longest run at the end of a context when it last occurred.</summary>
    /// <param name="context">Tokens, the newest first; <see cref="Longest"/> of them are compared.</param>
    /// <param name="next">Receives the tokens that followed.</param>
    /// <param name="count">Number of tokens written.</param>
    /// <returns>Tokens that matched; 0 when none did.</returns>
    public int Find(ReadOnlySpan<TokenId> context, Span<TokenId> next, out int count)
    {
        Span<ulong> hashes = stackalloc ulong[Longest + 1];
        var longest = Math.Min(Longest, context.Length);
        for (var length = 1; length <= longest; length++)
        {
            hashes[length] = Extend(hashes[length - 1], context[length - 1]);
        }

        for (var length = longest; length >= Shortest; length--)
        {
            if (_behind.TryGetValue(Key(hashes[length], length), out var at) && Matches(context[..length], at))
            {
                count = Math.Min(next.Length, _text.Count - at);
                for (var i = 0; i < count; i++)
                {
                    next[i] = _text[at + i];
                }

                return length;
            }
        }

        count = 0;
        return 0;
    }

    /// <summary>Hashes may collide, so tokens are compared.</summary>
    private bool Matches(ReadOnlySpan<TokenId> context, int at)
    {
        for (var i = 0; i < context.Length; i++)
        {
            if (_text[at - 1 - i] != context[i])
            {
                return false;
            }
        }

        return true;
    }

    private static ulong Extend(ulong hash, TokenId token) =>
        unchecked((hash ^ ((uint)token.Value + 1UL)) * Prime + (hash >> 29));

    private static ulong Key(ulong hash, int length) => unchecked(hash * 8 + (ulong)length);
}
