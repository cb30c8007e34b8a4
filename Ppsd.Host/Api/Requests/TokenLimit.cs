using Ppsd.Host.Generation;

namespace Ppsd.Host.Api.Requests;

/// <summary>How long texts may be. Pure.</summary>
internal static class TokenLimit
{
    /// <summary>The most tokens to generate, checked against what the pipeline holds.</summary>
    /// <param name="asked">What the request asks for; null for the default.</param>
    /// <param name="standard">The default; null for the model's own, or what there is room for.</param>
    /// <param name="prompt">Tokens of the prompt.</param>
    /// <param name="param">The field it came from.</param>
    public static int Of(int? asked, int? standard, int prompt, ServedModel model, string param)
    {
        var room = model.Context - prompt;
        if (room < 1 || asked > room)
        {
            throw ApiException.BadRequest(
                room < 1
                    ? $"a prompt of {prompt} tokens leaves no room to generate in {model.ContextInWords}"
                    : $"a prompt of {prompt} tokens and {asked} to generate exceed {model.ContextInWords}",
                room < 1 ? null : param,
                "context_length_exceeded"
            );
        }

        return asked ?? Math.Min(standard ?? ModelDefaults.MaxTokens(model.Assets, room), room);
    }
}
