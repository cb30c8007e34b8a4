using MessagePack;
using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Messages;

/// <summary>The target's log-probabilities of one token of a text; see <see cref="TokenLogprobs"/>.</summary>
/// <param name="Chosen">The token of the text.</param>
/// <param name="Top">The most probable tokens, best first; as many as were asked for.</param>
[MessagePackObject]
public sealed record TextLogprobs([property: Key(0)] TextLogprob Chosen, [property: Key(1)] TextLogprob[] Top);

/// <summary>A token, its text and its log-probability.</summary>
/// <param name="Text">Its text; a token may be part of a character, which then shows as U+FFFD.</param>
/// <param name="Logprob">Natural logarithm of its probability.</param>
[MessagePackObject]
public sealed record TextLogprob(
    [property: Key(0)] TokenId Token,
    [property: Key(1)] string Text,
    [property: Key(2)] float Logprob
);
