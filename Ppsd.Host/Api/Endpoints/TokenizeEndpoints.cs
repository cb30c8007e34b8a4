using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Ppsd.Host.Api.Requests;
using Ppsd.Host.Api.Responses;
using Ppsd.Host.Api.Serving;

namespace Ppsd.Host.Api.Endpoints;

/// <summary><c>/tokenize</c> and <c>/detokenize</c>, as vLLM has them.</summary>
internal static class TokenizeEndpoints
{
    /// <summary>Adds them.</summary>
    public static void Map(IEndpointRouteBuilder routes, ServerContext server)
    {
        routes.MapPost(
            "/tokenize",
            async context =>
            {
                using var body = await ReadAsync(context, server);
                using var place = JsonBody.IsLong(body) ? await server.Gate.EnterAsync(context.RequestAborted) : null;
                var answer = Tokenize(body.RootElement, server.Model, context.RequestAborted);
                await Answers.WriteAsync(context.Response, answer, ApiJson.Plain.TokenizeAnswer);
            }
        );
        routes.MapPost(
            "/detokenize",
            async context =>
            {
                using var body = await ReadAsync(context, server);
                var answer = Detokenize(body.RootElement, server.Model);
                await Answers.WriteAsync(context.Response, answer, ApiJson.Plain.DetokenizeAnswer);
            }
        );
    }

    private static TokenizeAnswer Tokenize(JsonElement body, ServedModel model, CancellationToken cancellation)
    {
        var fields = new RequestFields(body);
        model.Require(fields.Text("model"));
        var wantsTexts = fields.Switch("return_token_strs") ?? false;
        int[] tokens;
        if (fields.Text("prompt") is { } prompt)
        {
            var addsSpecialTokens = fields.Switch("add_special_tokens") ?? true;
            fields.RefuseRest();
            tokens = PromptText.Tokenize(prompt, model, addsSpecialTokens, "prompt", cancellation);
        }
        else if (fields.Find("messages") is not null)
        {
            var messages = ChatMessageReader.Read(fields);
            var rendering = ChatRenderingReader.Read(fields);
            FixedFields.Check(fields, "add_special_tokens", FixedFields.IsFalse);
            FixedFields.Check(fields, "tools", FixedFields.IsEmpty);
            fields.RefuseRest();
            tokens = PromptText.TokenizeChat(messages, rendering, model, cancellation);
        }
        else
        {
            throw ApiException.BadRequest("expected prompt or messages, found neither", "prompt", "missing_field");
        }

        return new TokenizeAnswer(
            tokens.Length,
            model.Context,
            tokens,
            wantsTexts
                ? [.. tokens.Select(id => Encoding.UTF8.GetString(model.Assets.Tokenizer.SpellingBytes(id)))]
                : null
        );
    }

    private static DetokenizeAnswer Detokenize(JsonElement body, ServedModel model)
    {
        var fields = new RequestFields(body);
        model.Require(fields.Text("model"));
        var tokens =
            fields.Find("tokens")
            ?? throw ApiException.BadRequest(
                "tokens: expected an array of token ids, found nothing",
                "tokens",
                "missing_field"
            );
        var skipsSpecials = fields.Switch("skip_special_tokens") ?? false;
        fields.RefuseRest();
        var ids = TokenIds.Read(tokens, "tokens", model);
        return new DetokenizeAnswer(model.Assets.Tokenizer.Decode(ids, keepsSpecials: !skipsSpecials));
    }

    private static Task<JsonDocument> ReadAsync(HttpContext context, ServerContext server) =>
        JsonBody.ReadAsync(context.Request, server.Settings.MaxBodyBytes, context.RequestAborted);
}
