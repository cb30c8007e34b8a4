using System.Runtime.CompilerServices;
using System.Text;
using Ppsd.Actors.Client;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Host.Models;
using Ppsd.Host.Text;

namespace Ppsd.Host.Generation;

/// <summary>Turns prompts into texts: tokens in, tokens out, and the text of both.</summary>
/// <param name="start">Starts generations; told whether a text is to outlive its pipeline.</param>
internal sealed class TextGenerator(Func<StartSession, bool, RunningText> start, ModelAssets assets)
{
    /// <summary>Generates on a pipeline.</summary>
    /// <param name="client">Starts generations.</param>
    public TextGenerator(PpsdClient client, ModelAssets assets)
        : this((request, resumes) => RunningText.Of(client.Start(request, resumes)), assets) { }

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
        var tokens = new List<TokenId>();
        var logprobs = settings.TopLogprobs is null ? null : new List<TokenLogprobs>();
        var told = 0;
        var isComplete = false;
        var text = new StringBuilder();

        if (settings.From is { } from)
        {
            // The reader has the text of these.
            Append(new TokensGenerated(from.Tokens));
            told = tokens.Count;
        }

        var had = told;
        var generation = start(Request(assets, prompt, settings), settings.Resumes);
        await foreach (var next in generation.Events(cancellation))
        {
            switch (next)
            {
                case GenerationStarted started:
                    if (stops.Found is not null)
                    {
                        // It had ended with what the reader has.
                        generation.Stop();
                    }

                    yield return new TextStarted(new TextTerms(started.MaxTokens, started.Arithmetic));
                    break;
                case TokensGenerated generated when stops.Found is null:
                    var added = Append(generated);
                    if (added.Length > 0 || logprobs is not null)
                    {
                        yield return Added(added);
                    }

                    if (stops.Found is not null)
                    {
                        // The pipeline decodes until the cancel arrives; tokens it sends until then are not part of the
                        // text.
                        generation.Stop();
                    }

                    break;
                case DraftsChanged drafts when stops.Found is null:
                    yield return DraftText(drafts);
                    break;
                case GenerationEnded ended:
                    var rest = string.Concat(stops.Append(detokenizer.Flush()), stops.Flush());
                    text.Append(rest);
                    if (rest.Length > 0)
                    {
                        yield return Added(rest);
                    }

                    isComplete = true;
                    var reason = stops.Found is null ? ended.Reason : FinishReason.Stop;
                    yield return new TextCompleted(
                        new TextResult(
                            prompt,
                            [.. tokens.Select(token => token.Value)],
                            text.ToString(),
                            reason,
                            ended.Stats with
                            {
                                GeneratedTokens = tokens.Count,
                            }
                        )
                        {
                            Logprobs = logprobs,
                        }
                    );
                    break;
                default:
                    break;
            }
        }

        if (!isComplete)
        {
            throw new GenerationException(GenerationFailure.Broken, "the generation ended before its last message");
        }

        string Append(TokensGenerated generated)
        {
            var chunk = new StringBuilder();
            for (var i = 0; i < generated.Tokens.Count; i++)
            {
                var token = generated.Tokens[i];
                tokens.Add(token);
                if (generated.Logprobs is { } each)
                {
                    logprobs?.Add(each[i]);
                }

                chunk.Append(stops.Append(detokenizer.Append(token.Value)));
                if (stops.Found is not null)
                {
                    break;
                }
            }

            text.Append(chunk);
            return chunk.ToString();
        }

        TextAdded Added(string added)
        {
            var from = told;
            told = tokens.Count;
            return new TextAdded(added, tokens[from..], logprobs?[(from - had)..]);
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

    private DraftTextChanged DraftText(DraftsChanged drafts)
    {
        var bytes = new List<byte>();
        var pieces = new List<string>();
        foreach (var draft in drafts.Tokens)
        {
            var piece = assets.Tokenizer.PieceBytes(draft.Value);
            bytes.AddRange(piece);
            pieces.Add(Encoding.UTF8.GetString(piece));
        }

        return new DraftTextChanged(
            Encoding.UTF8.GetString([.. bytes]),
            pieces,
            [.. drafts.Others.Select(others => others.Select(PieceOf).ToArray())]
        );
    }

    private string PieceOf(TokenId token) => Encoding.UTF8.GetString(assets.Tokenizer.PieceBytes(token.Value));

    /// <summary>The request of a text.</summary>
    public static StartSession Request(ModelAssets assets, int[] prompt, GenerationSettings settings) =>
        new()
        {
            Prompt = [.. prompt.Select(token => new TokenId(token))],
            MaxTokens = settings.From?.Terms.MaxTokens ?? settings.MaxTokens,
            MayShorten = settings.MayShorten && settings.From is null,
            Generated = settings.From?.Tokens ?? [],
            Arithmetic = settings.From?.Terms.Arithmetic ?? "",
            EndTokens = settings.IgnoreEndTokens ? [] : [.. assets.EndTokenIds.Select(token => new TokenId(token))],
            Drafts = settings.Drafts,
            Sampling = settings.Sampling,
            MaxWidth = settings.MaxWidth,
            ChainDepth = settings.ChainDepth,
            TopLogprobs = settings.TopLogprobs,
            TraceParent = settings.TraceParent,
            ShowDrafts = settings.ShowDrafts,
            ModelFingerprint = assets.Fingerprint,
        };
}

/// <summary>A generation on its way, wherever it runs.</summary>
/// <param name="Events">What happens; read once. The token stops it.</param>
/// <param name="Stop">Asks for an early end; events still come until the last.</param>
internal readonly record struct RunningText(
    Func<CancellationToken, IAsyncEnumerable<GenerationEvent>> Events,
    Action Stop
)
{
    /// <summary>A generation of a pipeline.</summary>
    public static RunningText Of(Actors.Client.Generation generation) => new(generation.Events, generation.Stop);
}
