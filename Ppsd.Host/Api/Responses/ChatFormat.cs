using System.Text.Json;
using Ppsd.Host.Generation;

namespace Ppsd.Host.Api.Responses;

/// <summary>Writes the answers of <c>/v1/chat/completions</c>.</summary>
internal sealed class ChatFormat(AnswerHead head) : ITextFormat
{
    public byte[] Whole(TextResult result, RequestMetrics? metrics) =>
        JsonSerializer.SerializeToUtf8Bytes(
            new ChatCompletion
            {
                Id = head.Id,
                Created = head.Created,
                Model = head.Model.Name,
                SystemFingerprint = head.Model.SystemFingerprint,
                Choices =
                [
                    new ChatChoice(
                        0,
                        new ChatAnswer(result.Text),
                        ChatLogprobs.Of(result.TokenIds, result.Logprobs, head.Model.Assets.Tokenizer),
                        AnswerHead.Name(result.Reason)
                    ),
                ],
                Usage = Usage.Of(result),
                Metrics = metrics,
            },
            ApiJson.Plain.ChatCompletion
        );

    public byte[] First() => Piece(new ChatDelta("assistant", ""));

    public byte[] Added(TextAdded added) =>
        Piece(
            new ChatDelta(Content: added.Text),
            ChatLogprobs.Of(added.Tokens.Select(token => token.Value), added.Logprobs, head.Model.Assets.Tokenizer)
        );

    public byte[] Drafts(IReadOnlyList<string> drafts) => Write(Chunk([]) with { Drafts = drafts });

    public byte[] Finish(TextResult result, RequestMetrics? metrics) =>
        Write(
            Chunk([new ChatChunkChoice(0, new ChatDelta(), null, AnswerHead.Name(result.Reason))]) with
            {
                Metrics = metrics,
            }
        );

    public byte[] UsageOf(TextResult result) => Write(Chunk([]) with { Usage = Usage.Of(result) });

    private byte[] Piece(ChatDelta delta, ChatLogprobs? logprobs = null) =>
        Write(Chunk([new ChatChunkChoice(0, delta, logprobs, null)]));

    private ChatChunk Chunk(ChatChunkChoice[] choices) =>
        new()
        {
            Id = head.Id,
            Created = head.Created,
            Model = head.Model.Name,
            SystemFingerprint = head.Model.SystemFingerprint,
            Choices = choices,
        };

    private static byte[] Write(ChatChunk chunk) => JsonSerializer.SerializeToUtf8Bytes(chunk, ApiJson.Plain.ChatChunk);
}
