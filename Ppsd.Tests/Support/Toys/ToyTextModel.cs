using System.Runtime.CompilerServices;
using Ppsd.Actors.Client;
using Ppsd.Actors.Ids;
using Ppsd.Actors.Messages;
using Ppsd.Actors.Text;

namespace Ppsd.Tests.Support.Toys;

/// <summary>Digits are tokens and tokens are letters: text enough to test everything around it.</summary>
internal sealed class ToyTextModel(PpsdClient client, Action? onText = null) : ITextModel
{
    public string Name => "toy";

    public static string TextOf(IEnumerable<TokenId> tokens) =>
        string.Concat(tokens.Select(token => (char)('a' + token.Value)));

    public async IAsyncEnumerable<IWireMessage> GenerateAsync(
        StartText request,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        onText?.Invoke();
        var prompt = request.Prompt ?? request.Conversation![^1].Content;
        var session = ToyPipeline.Request(prompt.Select(digit => digit - '0'), request.Settings.MaxTokens ?? 16) with
        {
            Generated = request.From?.Tokens ?? [],
            Arithmetic = request.From?.Terms.Arithmetic ?? "",
        };
        var segments = 0;
        TextTerms? terms = null;
        await foreach (var next in client.Start(session).Events(cancellation))
        {
            if (next is GenerationStarted started)
            {
                terms = new TextTerms(started.MaxTokens, started.Arithmetic);
            }
            else if (next is TokensGenerated generated)
            {
                yield return new TextEmitted(segments++, TextOf(generated.Tokens), null, [.. generated.Tokens], terms);
                terms = null;
            }
            else if (next is GenerationEnded ended)
            {
                yield return new TextEnded(ended.Reason, ended.Stats, segments);
            }
        }
    }
}
