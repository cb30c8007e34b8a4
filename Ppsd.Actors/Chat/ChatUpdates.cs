using Microsoft.Extensions.AI;
using Ppsd.Actors.Messages;

namespace Ppsd.Actors.Chat;

/// <summary>Converts a gateway's messages to updates of one response. Pure.</summary>
/// <param name="createdAt">When the response began.</param>
/// <param name="id">Of the response and its one message.</param>
/// <param name="seed">That its tokens are drawn with; null when the gateway chooses.</param>
internal sealed class ChatUpdates(DateTimeOffset createdAt, string id, ulong? seed)
{
    private string? _model;

    /// <summary>The update that a part makes; null for none.</summary>
    public ChatResponseUpdate? Next(IWireMessage part)
    {
        switch (part)
        {
            case TextAccepted accepted:
                _model = accepted.Model;
                return null;
            case TextEmitted { Text.Length: 0, Logprobs: null }:
                return null;
            case TextEmitted emitted:
                var update = Update(part, emitted.Text.Length > 0 ? [new TextContent(emitted.Text)] : []);
                if (emitted.Logprobs is { } logprobs)
                {
                    update.AdditionalProperties = new() { [PpsdChatClient.LogprobsKey] = logprobs };
                }

                return update;
            case TextEnded ended:
                var last = Update(part, [new UsageContent(Usage(ended.Stats))]);
                if (seed is { } drawn)
                {
                    last.AdditionalProperties = new() { [PpsdChatClient.SeedKey] = unchecked((long)drawn) };
                }

                last.FinishReason = ended.Reason switch
                {
                    FinishReason.Stop => ChatFinishReason.Stop,
                    FinishReason.Length => ChatFinishReason.Length,
                    _ => new ChatFinishReason("cancelled"),
                };
                return last;
            default:
                return null;
        }
    }

    private ChatResponseUpdate Update(IWireMessage part, IList<AIContent> contents) =>
        new(ChatRole.Assistant, contents)
        {
            ResponseId = id,
            MessageId = id,
            ModelId = _model,
            CreatedAt = createdAt,
            RawRepresentation = part,
        };

    private static UsageDetails Usage(SessionStats stats) =>
        new()
        {
            InputTokenCount = stats.PromptTokens,
            OutputTokenCount = stats.GeneratedTokens,
            TotalTokenCount = stats.PromptTokens + stats.GeneratedTokens,
            AdditionalCounts = new()
            {
                ["verified_drafts"] = stats.VerifiedDrafts,
                ["accepted_drafts"] = stats.AcceptedDrafts,
                ["cancelled_drafts"] = stats.CancelledDrafts,
                ["rollbacks"] = stats.Rollbacks,
                ["resumes"] = stats.Resumes,
                ["replayed_tokens"] = stats.ReplayedTokens,
            },
        };
}
