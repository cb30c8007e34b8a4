using MessagePack;
using Ppsd.Actors.Ids;

namespace Ppsd.Actors.Messages;

// Between the draft stage and all stages, when a session goes on with a text of an earlier pipeline.

/// <summary>
/// Asks what a stage keeps of a text. Draft stage to every stage; answered by <see cref="KeptFound"/>. Asked again until it is
/// answered; repeat delivery is safe. What is found stays until the session that asked has opened or ended.
/// </summary>
/// <param name="Session">The session that goes on.</param>
/// <param name="Earlier">The session of the earlier pipeline.</param>
/// <param name="Tokens">
/// The text, prompt and generated. Only what is equal to it counts: whatever the ids say, no text goes on with another one's
/// keys and values.
/// </param>
[MessagePackObject]
public sealed record FindKept(
    [property: Key(0)] SessionId Session,
    [property: Key(1)] SessionId Earlier,
    [property: Key(2)] TokenId[] Tokens
) : IWireMessage, IControlMessage;

/// <summary>
/// A stage that lacked tokens of a session has computed some of them again: nothing is stalled. Stage to draft stage, with each
/// replayed part. Repeat delivery is safe.
/// </summary>
[MessagePackObject]
public sealed record TokensReplayed([property: Key(0)] SessionId Session) : IWireMessage, IControlMessage;

/// <summary>What a stage keeps of a text. Stage to draft stage. Repeat delivery is safe.</summary>
/// <param name="Session">The session that goes on.</param>
/// <param name="Length">Verified tokens from the text's first on whose keys and values it holds; 0 for none.</param>
/// <param name="HeadLength">Those of them that its exit head's caches hold; all of them where it has no exit head.</param>
/// <param name="SentRows">Those of them whose hidden states it can send again to the next stage.</param>
/// <param name="ReservedLength">Tokens that the earlier session has reserved memory for.</param>
[MessagePackObject]
public sealed record KeptFound(
    [property: Key(0)] SessionId Session,
    [property: Key(1)] StageIndex Stage,
    [property: Key(2)] int Length,
    [property: Key(3)] int HeadLength,
    [property: Key(4)] int SentRows,
    [property: Key(5)] int ReservedLength
) : IWireMessage, IControlMessage;
