using System.Text.Json;
using Ppsd.Actors.Messages;
using Ppsd.Host.Generation;

namespace Ppsd.Host.Api.Responses;

/// <summary>Writes the answers of <c>/v1/completions</c>.</summary>
internal sealed class CompletionFormat(AnswerHead head) : ITextFormat
{
    private int _offset;

    public byte[] Whole(TextResult result, RequestMetrics? metrics) =>
        Write(
            Answer(result.Text, Logprobs(result.TokenIds, result.Logprobs), AnswerHead.Name(result.Reason)) with
            {
                Usage = Usage.Of(result),
                Metrics = metrics,
            }
        );

    public byte[]? First() => null;

    public byte[] Added(TextAdded added) =>
        Write(Answer(added.Text, Logprobs(added.Tokens.Select(token => token.Value), added.Logprobs), null));

    public byte[] Drafts(IReadOnlyList<string> drafts) =>
        Write(Answer("", null, null) with { Choices = [], Drafts = drafts });

    public byte[] Finish(TextResult result, RequestMetrics? metrics) =>
        Write(Answer("", null, AnswerHead.Name(result.Reason)) with { Metrics = metrics });

    public byte[] UsageOf(TextResult result) =>
        Write(Answer("", null, null) with { Choices = [], Usage = Usage.Of(result) });

    private CompletionLogprobs? Logprobs(IEnumerable<int> tokens, IReadOnlyList<TokenLogprobs>? logprobs) =>
        CompletionLogprobs.Of(tokens, logprobs, ref _offset, head.Model.Assets.Tokenizer);

    private TextCompletion Answer(string text, CompletionLogprobs? logprobs, string? reason) =>
        new()
        {
            Id = head.Id,
            Created = head.Created,
            Model = head.Model.Name,
            SystemFingerprint = head.Model.SystemFingerprint,
            Choices = [new TextChoice(text, 0, logprobs, reason)],
        };

    private static byte[] Write(TextCompletion answer) =>
        JsonSerializer.SerializeToUtf8Bytes(answer, ApiJson.Plain.TextCompletion);
}
