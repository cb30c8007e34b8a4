using Ppsd.Actors.Messages;
using Ppsd.Host.Api.Requests;

namespace Ppsd.Host.Api.Responses;

/// <summary>What all pieces of an answer begin with.</summary>
/// <param name="Id">Names the answer.</param>
/// <param name="Created">Seconds since 1970.</param>
internal sealed record AnswerHead(string Id, long Created, ServedModel Model)
{
    /// <summary>The head of a new answer.</summary>
    /// <param name="prefix">What its id begins with.</param>
    public static AnswerHead Create(string prefix, ServedModel model, TimeProvider clock) =>
        new(prefix + Guid.NewGuid().ToString("N"), clock.GetUtcNow().ToUnixTimeSeconds(), model);

    /// <summary>OpenAI's word for why a text ended.</summary>
    public static string Name(FinishReason reason) => reason == FinishReason.Length ? "length" : "stop";
}
