using MessagePack;
using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Messages;

/// <summary>A token and the target's log-probability of it.</summary>
/// <param name="Logprob">Natural logarithm of its probability.</param>
[MessagePackObject]
public readonly record struct TokenLogprob([property: Key(0)] TokenId Token, [property: Key(1)] float Logprob);

/// <summary>
/// The target's log-probabilities of an emitted token: log-softmax of the raw logits, before penalties, temperature and
/// filters, as OpenAI and vLLM report it. The same with speculation on and off: it comes with the verdict.
/// </summary>
/// <param name="Chosen">Log-probability of the emitted token.</param>
/// <param name="Top">The most probable tokens, best first; as many as were asked for. The emitted one may not be among them.</param>
[MessagePackObject]
public sealed record TokenLogprobs([property: Key(0)] float Chosen, [property: Key(1)] TokenLogprob[] Top);
