using System.Runtime.CompilerServices;
using System.Text;
using Ppsd.Actors.Client;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Host.Models;
using Ppsd.Host.Text;

namespace Ppsd.Host.Generation;

/// <summary>Turns prompts into texts on a pipeline: tokens in, tokens out, and the text of both.</summary>
/// <param name="client">Starts generations.</param>
/// <param name="assets">The model.</param>
internal sealed class TextGenerator(PpsdClient client, ModelAssets assets)
{
    /// <summary>Generates a text and reports it as it grows.</summary>
    /// <param name="prompt">The prompt's tokens.</param>
    /// <param name="settings">How to generate.</param>
    /// <param name="cancellation">Ends the generation at every stage.</param>
    /// <exception cref="GenerationException">It was refused or broke off.</exception>
    public async IAsyncEnumerable<TextEvent> StreamAsync(
        int[] prompt,
        GenerationSettings settings,
        [EnumeratorCancellation] CancellationToken cancellation = default
    )
    {
        var tokenizer = assets.Tokenizer;
        var detokenizer = new StreamingDetokenizer(tokenizer, prompt);
        var stops = new StopStrings(settings.StopStrings);
        var tokens = new List<int>();
        var text = new StringBuilder();

        var generation = client.Start(Request(prompt, settings));
        await foreach (var next in generation.Events(cancellation))
        {
            switch (next)
            {
                case TokensGenerated generated when stops.Found is null:
                    var added = Append(generated.Tokens);
                    if (added.Length > 0)
                    {
                        yield return new TextAdded(added);
                    }

                    if (stops.Found is not null)
                    {
                        // The pipeline goes on until it hears of it; what it still sends is not part of the text.
                        generation.Stop();
                    }

                    break;
                case DraftsChanged drafts:
                    yield return new DraftTextChanged(TextOf(drafts.Tokens));
                    break;
                case GenerationEnded ended:
                    var rest = string.Concat(stops.Append(detokenizer.Flush()), stops.Flush());
                    text.Append(rest);
                    if (rest.Length > 0)
                    {
                        yield return new TextAdded(rest);
                    }

                    var reason = stops.Found is null ? ended.Reason : FinishReason.Stop;
                    yield return new TextCompleted(
                        new TextResult(
                            prompt,
                            tokens,
                            text.ToString(),
                            reason,
                            ended.Stats with
                            {
                                GeneratedTokens = tokens.Count,
                            }
                        )
                    );
                    break;
                default:
                    break;
            }
        }

        string Append(IReadOnlyList<TokenId> generated)
        {
            var chunk = new StringBuilder();
            foreach (var token in generated)
            {
                tokens.Add(token.Value);
                chunk.Append(stops.Append(detokenizer.Append(token.Value)));
                if (stops.Found is not null)
                {
                    break;
                }
            }

            text.Append(chunk);
            return chunk.ToString();
        }

        string TextOf(IReadOnlyList<TokenId> drafts)
        {
            var bytes = new List<byte>();
            foreach (var draft in drafts)
            {
                bytes.AddRange(tokenizer.PieceBytes(draft.Value));
            }

            return Encoding.UTF8.GetString([.. bytes]);
        }
    }

    /// <summary>Generates a text and returns it whole.</summary>
    public async Task<TextResult> RunAsync(
        int[] prompt,
        GenerationSettings settings,
        CancellationToken cancellation = default
    )
    {
        await foreach (var next in StreamAsync(prompt, settings, cancellation))
        {
            if (next is TextCompleted completed)
            {
                return completed.Result;
            }
        }

        throw new GenerationException(GenerationFailure.Broken, "the generation ended without a result");
    }

    private StartSession Request(int[] prompt, GenerationSettings settings) =>
        new()
        {
            Prompt = [.. prompt.Select(token => new TokenId(token))],
            MaxTokens = settings.MaxTokens,
            EndTokens = settings.IgnoreEndTokens ? [] : [.. assets.EndTokenIds.Select(token => new TokenId(token))],
            Mode = settings.Mode,
            Sampling = settings.Sampling,
            MaxWidth = settings.MaxWidth,
            ShowDrafts = settings.ShowDrafts,
            ModelFingerprint = assets.Fingerprint,
        };
}
