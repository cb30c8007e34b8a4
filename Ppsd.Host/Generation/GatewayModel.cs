using System.Runtime.CompilerServices;
using System.Text;
using Ppsd.Actors.Client;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Text;
using Ppsd.Host.Models;
using Ppsd.Host.Text;
using Ppsd.Host.Text.Tokens;

namespace Ppsd.Host.Generation;

/// <summary>A model folder behind the text gateway's port: this process tokenizes for clients that have no tokenizer.</summary>
/// <param name="client">Starts generations.</param>
/// <param name="drafts">What drafts for texts that do not say.</param>
internal sealed class GatewayModel(PpsdClient client, ModelAssets assets, DraftSettings drafts) : ITextModel
{
    /// <summary>Characters of a prompt per position of the context beyond which no time is spent on it.</summary>
    private const int MaxCharactersPerPosition = 64;

    private readonly TextGenerator _generator = new(client, assets);

    public string Name => assets.Name;

    public async IAsyncEnumerable<IWireMessage> GenerateAsync(
        StartText request,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        Check(request);
        var settings = request.Settings with { Seed = request.Settings.Seed ?? DrawnSeed.Next() };
        var prompt = Encode(request, cancellation);
        var own = Drafts(settings);
        var generation = new GenerationSettings
        {
            Drafts = own.Sources,
            Sampling = ModelDefaults.Sampling(settings, assets),
            MaxTokens =
                settings.MaxTokens
                ?? ModelDefaults.MaxTokens(assets, Math.Max(1, assets.Config.MaxPositions - prompt.Length)),
            MayShorten = settings.MaxTokens is null,
            IgnoreEndTokens = settings.IgnoresEndTokens,
            MaxWidth = own.MaxWidth,
            ChainDepth = own.ChainDepth,
            StopStrings = settings.StopStrings,
            TopLogprobs = settings.TopLogprobs,
            Resumes = settings.Resumes,
            From = request.From,
        };
        var segments = 0L;
        TextTerms? terms = null;
        await foreach (var next in _generator.StreamAsync(prompt, generation, cancellation))
        {
            switch (next)
            {
                case TextStarted started:
                    terms = started.Terms;
                    break;
                case TextAdded added:
                    yield return new TextEmitted(segments++, added.Text, Logprobs(added), [.. added.Tokens], terms);
                    terms = null;
                    break;
                case TextCompleted { Result: var result }:
                    yield return new TextEnded(result.Reason, result.Stats, segments);
                    break;
                default:
                    break;
            }
        }
    }

    private void Check(StartText request)
    {
        if (request.Settings.Model is { } model && model != Name)
        {
            throw Bad($"model: expected '{Name}', the model served here, found '{model}'");
        }

        if (request.Settings.StopStrings.Contains(""))
        {
            throw Bad("stop: expected text, found an empty string");
        }

        var characters =
            request.Prompt?.Length ?? request.Conversation!.Sum(turn => (long)turn.Role.Length + turn.Content.Length);
        if (characters > (long)MaxCharactersPerPosition * assets.Config.MaxPositions)
        {
            throw Bad(
                $"a prompt of {characters} characters exceeds the model's context of {assets.Config.MaxPositions} tokens"
            );
        }
    }

    private DraftSettings Drafts(TextSettings settings)
    {
        var choice = settings.Drafts is { } names
            ? DraftNames.Parse(names) ?? throw Bad($"drafts: expected {DraftNames.Expected}, found '{names}'")
            : null;
        if (settings.Speculates == false)
        {
            return new DraftSettings(DraftSources.None);
        }

        try
        {
            return (settings.Speculates == true ? drafts.OrAll(assets) : drafts).With(
                choice,
                settings.MaxWidth,
                settings.ChainDepth,
                assets
            );
        }
        catch (DraftMisfitException e)
        {
            throw Bad($"{(e.IsDepth ? "chain_depth" : "drafts")}: {e.Message}");
        }
    }

    private int[] Encode(StartText request, CancellationToken cancellation)
    {
        try
        {
            return request.Prompt is { } prompt
                ? assets.Tokenizer.Encode(prompt, cancellation)
                : assets.EncodeChat(
                    [.. request.Conversation!.Select(turn => new ChatMessage(turn.Role, turn.Content))],
                    cancellation
                );
        }
        catch (TextException e)
        {
            throw Bad(e.Message);
        }
    }

    private TextLogprobs[]? Logprobs(TextAdded added) =>
        added.Logprobs is { } logprobs
            ?
            [
                .. logprobs.Select(
                    (token, i) =>
                        new TextLogprobs(
                            Logprob(added.Tokens[i], token.Chosen),
                            [.. token.Top.Select(other => Logprob(other.Token, other.Logprob))]
                        )
                ),
            ]
            : null;

    private TextLogprob Logprob(TokenId token, float logprob) =>
        new(token, Encoding.UTF8.GetString(assets.Tokenizer.PieceBytes(token.Value)), logprob);

    private static GenerationException Bad(string reason) => new(GenerationFailure.BadRequest, reason);
}
