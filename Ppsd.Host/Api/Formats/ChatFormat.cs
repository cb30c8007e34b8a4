using System.Text.Json;
using Ppsd.Host.Api.Requests;
using Ppsd.Host.Api.Responses;
using Ppsd.Host.Generation;

namespace Ppsd.Host.Api.Formats;

/// <summary>Writes the answers of <c>/v1/chat/completions</c>.</summary>
internal sealed class ChatFormat(AnswerHead head, TextRequest request) : ITextFormat
{
    private int _generated;

    public byte[] Whole(IReadOnlyList<TextResult> results, RequestMetrics? metrics) =>
        JsonSerializer.SerializeToUtf8Bytes(
            new ChatCompletion
            {
                Id = head.Id,
                Created = head.Created,
                Model = head.Model.Name,
                SystemFingerprint = head.Model.SystemFingerprint,
                Choices = [.. results.Select(Choice)],
                Usage = new Usage(request.PromptTokens, results.Sum(result => result.TokenIds.Count)),
                Seed = request.Seed,
                Metrics = metrics,
            },
            ApiJson.Plain.ChatCompletion
        );

    public void Begin(ServerSentEvents events)
    {
        for (var i = 0; i < request.TextCount; i++)
        {
            Put(events, Chunk(i, new ChatDelta("assistant", "")));
        }
    }

    public void Added(ServerSentEvents events, int index, TextAdded added)
    {
        _generated += added.Tokens.Count;
        var tokens = added.Tokens.Select(token => token.Value);
        var logprobs = ChatLogprobs.Of(tokens, added.Logprobs, head.Model.Assets.Tokenizer);
        Put(events, Chunk(index, new ChatDelta(Content: added.Text), logprobs));
    }

    public void Drafts(ServerSentEvents events, DraftTextChanged drafts) =>
        Put(events, Chunk([]) with { Drafts = drafts.Pieces, OtherDrafts = drafts.OthersOrNull });

    public void Finish(ServerSentEvents events, int index, TextResult result, RequestMetrics? metrics) =>
        Put(
            events,
            Chunk([new ChatChunkChoice(index, new ChatDelta(), null, AnswerHead.Name(result.Reason))]) with
            {
                Seed = request.Seed,
                Metrics = metrics,
            }
        );

    public void End(ServerSentEvents events)
    {
        if (request.IncludesUsage)
        {
            Put(events, Chunk([]) with { Usage = UsageSoFar() });
        }

        events.PutDone();
    }

    public void Fail(ServerSentEvents events, ApiException error) => events.Put("error", ErrorBody.JsonOf(error));

    private ChatChoice Choice(TextResult result, int index) =>
        new(
            index,
            new ChatAnswer(result.Text),
            ChatLogprobs.Of(result.TokenIds, result.Logprobs, head.Model.Assets.Tokenizer),
            AnswerHead.Name(result.Reason)
        );

    private ChatChunk Chunk(int index, ChatDelta delta, ChatLogprobs? logprobs = null) =>
        Chunk([new ChatChunkChoice(index, delta, logprobs, null)]);

    private ChatChunk Chunk(ChatChunkChoice[] choices) =>
        new()
        {
            Id = head.Id,
            Created = head.Created,
            Model = head.Model.Name,
            SystemFingerprint = head.Model.SystemFingerprint,
            Choices = choices,
            Usage = request.ReportsUsage ? UsageSoFar() : null,
        };

    private Usage UsageSoFar() => new(request.PromptTokens, _generated);

    private static void Put(ServerSentEvents events, ChatChunk chunk) =>
        events.Put(JsonSerializer.SerializeToUtf8Bytes(chunk, ApiJson.Plain.ChatChunk));
}
