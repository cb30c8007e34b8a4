using System.Text.Json;
using Ppsd.Actors.Messages;
using Ppsd.Host.Api.Requests;
using Ppsd.Host.Api.Responses;
using Ppsd.Host.Generation;

namespace Ppsd.Host.Api.Formats;

/// <summary>Writes the answers of <c>/v1/completions</c>.</summary>
internal sealed class CompletionFormat(AnswerHead head, TextRequest request) : ITextFormat
{
    private readonly CharacterOffsets[] _offsets =
    [
        .. Enumerable
            .Range(0, request.TextCount)
            .Select(i => new CharacterOffsets(head.Model.Assets.Tokenizer, request.PromptOf(i).Tokens)),
    ];

    private int _generated;

    public byte[] Whole(IReadOnlyList<TextResult> results, RequestMetrics? metrics) =>
        Write(
            Answer([.. results.Select(Choice)]) with
            {
                Usage = new Usage(request.PromptTokens, results.Sum(result => result.TokenIds.Count)),
                Seed = request.Seed,
                Metrics = metrics,
            }
        );

    public void Begin(ServerSentEvents events)
    {
        for (var i = 0; i < request.TextCount; i++)
        {
            if (request.PromptOf(i).Echo is { Length: > 0 } echo)
            {
                Put(events, Answer([new TextChoice(echo, i, null, null)]));
            }
        }
    }

    public void Added(ServerSentEvents events, int index, TextAdded added)
    {
        _generated += added.Tokens.Count;
        var logprobs = Logprobs(index, added.Tokens.Select(token => token.Value), added.Logprobs);
        Put(events, Answer([new TextChoice(added.Text, index, logprobs, null)]));
    }

    public void Drafts(ServerSentEvents events, DraftTextChanged drafts) =>
        Put(events, Answer([]) with { Drafts = drafts.Pieces, OtherDrafts = drafts.OthersOrNull });

    public void Finish(ServerSentEvents events, int index, TextResult result, RequestMetrics? metrics) =>
        Put(
            events,
            Answer([new TextChoice("", index, null, AnswerHead.Name(result.Reason))]) with
            {
                Seed = request.Seed,
                Metrics = metrics,
            }
        );

    public void End(ServerSentEvents events)
    {
        if (request.IncludesUsage)
        {
            Put(events, Answer([]) with { Usage = UsageSoFar() });
        }

        events.PutDone();
    }

    public void Fail(ServerSentEvents events, ApiException error) => events.Put("error", ErrorBody.JsonOf(error));

    private TextChoice Choice(TextResult result, int index) =>
        new(
            request.PromptOf(index).Echo + result.Text,
            index,
            Logprobs(index, result.TokenIds, result.Logprobs),
            AnswerHead.Name(result.Reason)
        );

    private CompletionLogprobs? Logprobs(int index, IEnumerable<int> tokens, IReadOnlyList<TokenLogprobs>? logprobs) =>
        CompletionLogprobs.Of(tokens, logprobs, _offsets[index], head.Model.Assets.Tokenizer);

    private TextCompletion Answer(TextChoice[] choices) =>
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

    private static void Put(ServerSentEvents events, TextCompletion answer) => events.Put(Write(answer));

    private static byte[] Write(TextCompletion answer) =>
        JsonSerializer.SerializeToUtf8Bytes(answer, ApiJson.Plain.TextCompletion);
}
