using System.Text;
using System.Text.Json;
using Ppsd.Actors.Messages;
using Ppsd.Host.Api.Requests;
using Ppsd.Host.Api.Responses;
using Ppsd.Host.Generation;

namespace Ppsd.Host.Api.Formats;

/// <summary>Writes the answers of <c>/v1/responses</c>: one message of one text.</summary>
internal sealed class ResponsesFormat(AnswerHead head, ResponsesRequest request, TimeProvider clock) : ITextFormat
{
    private readonly string _itemId = $"msg_{Guid.NewGuid():N}";
    private readonly StringBuilder _text = new();
    private int _events;
    private ResponseObject? _last;

    public byte[] Whole(IReadOnlyList<TextResult> results, RequestMetrics? metrics) =>
        JsonSerializer.SerializeToUtf8Bytes(Completed(results[0], metrics), ApiJson.Plain.ResponseObject);

    public void Begin(ServerSentEvents events)
    {
        var response = Response("in_progress");
        Put(events, "response.created", next => next with { Response = response });
        Put(events, "response.in_progress", next => next with { Response = response });
        Put(events, "response.output_item.added", next => Placed(next) with { Item = Message("in_progress") });
        Put(events, "response.content_part.added", next => Inside(next) with { Part = new OutputText("", []) });
    }

    public void Added(ServerSentEvents events, int index, TextAdded added)
    {
        _text.Append(added.Text);
        Put(
            events,
            "response.output_text.delta",
            next =>
                Inside(next) with
                {
                    Delta = added.Text,
                    Logprobs = Logprobs(added.Tokens.Select(token => token.Value), added.Logprobs),
                }
        );
    }

    public void Drafts(ServerSentEvents events, DraftTextChanged drafts) =>
        Put(
            events,
            "response.drafts",
            next => Inside(next) with { Drafts = drafts.Pieces, OtherDrafts = drafts.OthersOrNull }
        );

    public void Finish(ServerSentEvents events, int index, TextResult result, RequestMetrics? metrics)
    {
        _last = Completed(result, metrics);
        var message = _last.Output[0];
        var text = message.Content[0];
        Put(
            events,
            "response.output_text.done",
            next => Inside(next) with { Text = text.Text, Logprobs = text.Logprobs }
        );
        Put(events, "response.content_part.done", next => Inside(next) with { Part = text });
        Put(events, "response.output_item.done", next => Placed(next) with { Item = message });
    }

    public void End(ServerSentEvents events) =>
        Put(events, $"response.{_last!.Status}", next => next with { Response = _last });

    /// <summary>As OpenAI's protocol has it, and with the object in which its clients look for errors of any route.</summary>
    public void Fail(ServerSentEvents events, ApiException error)
    {
        var failed = Response("failed") with
        {
            Error = new ResponseError(error.Code ?? error.Type, error.Message),
            Output = _text.Length > 0 ? [Message("incomplete", new OutputText(_text.ToString(), []))] : [],
        };
        Put(events, "response.failed", next => next with { Response = failed });
        Put(
            events,
            "error",
            next =>
                next with
                {
                    Error = ErrorBody.Of(error).Error,
                    Code = error.Code ?? error.Type,
                    Message = error.Message,
                    Param = error.Param,
                }
        );
    }

    private ResponseObject Completed(TextResult result, RequestMetrics? metrics)
    {
        var isCut = result.Reason == FinishReason.Length;
        var status = isCut ? "incomplete" : "completed";
        var text = new OutputText(result.Text, Logprobs(result.TokenIds, result.Logprobs) ?? []);
        return Response(status) with
        {
            CompletedAt = isCut ? null : clock.GetUtcNow().ToUnixTimeSeconds(),
            IncompleteDetails = isCut ? new IncompleteDetails("max_output_tokens") : null,
            Output = [Message(status, text)],
            Usage = new ResponseUsage(request.PromptTokens, result.TokenIds.Count),
            Metrics = metrics,
        };
    }

    private ResponseObject Response(string status) =>
        new()
        {
            Id = head.Id,
            CreatedAt = head.Created,
            Status = status,
            Instructions = request.Instructions,
            MaxOutputTokens = request.MaxOutputTokens,
            Model = head.Model.Name,
            Output = [],
            Reasoning = new ResponseReasoning(request.Effort),
            Temperature = request.Settings.Sampling.Temperature,
            TopLogprobs = request.TopLogprobs,
            TopP = request.Settings.Sampling.TopP,
            Metadata = request.Metadata,
            SystemFingerprint = head.Model.SystemFingerprint,
            Seed = request.Seed,
        };

    private OutputMessage Message(string status, params OutputText[] content) => new(_itemId, status, content);

    private ChatTokenLogprob[]? Logprobs(IEnumerable<int> tokens, IReadOnlyList<TokenLogprobs>? logprobs) =>
        ChatLogprobs.Of(tokens, logprobs, head.Model.Assets.Tokenizer)?.Content;

    private static ResponseEvent Placed(ResponseEvent next) => next with { OutputIndex = 0 };

    private ResponseEvent Inside(ResponseEvent next) => Placed(next) with { ItemId = _itemId, ContentIndex = 0 };

    private void Put(ServerSentEvents events, string type, Func<ResponseEvent, ResponseEvent> complete) =>
        events.Put(
            type,
            JsonSerializer.SerializeToUtf8Bytes(
                complete(new ResponseEvent(type, _events++)),
                ApiJson.Plain.ResponseEvent
            )
        );
}
